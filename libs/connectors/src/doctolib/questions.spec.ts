import { describe, expect, test } from '@jest/globals';
import { answered, answersIn, answersOf } from './questions.js';

describe('questions before a confirmation', () => {
  const settings = answersIn('Depuis  quand ? = non précisé\r\n\nq2=oui\n= rien\nsans réponse =\nA = B ? = oui');
  const nobody = answersOf(undefined);

  test('are answered by their words, however they are typed, or by their id', () => {
    const questions = [
      { id: 'q1', label: 'depuis quand ?', required: true },
      { id: 'q2', label: 'Déjà venu ?', required: true },
      { id: 'q3', label: 'Autre chose ?', required: false },
      { id: 'q4', label: 'A = B ?' },
    ];
    expect(answered(questions, { visit: nobody, settings })).toEqual({ q1: 'non précisé', q2: 'oui', q4: 'oui' });
    const visit = answersOf([
      { question: 'DEPUIS QUAND ?', answer: 'Mardi' },
      { question: 'q2', answer: 'of another question that is called so' },
    ]);
    expect(answered(questions, { visit, settings })).toEqual({ q1: 'Mardi', q2: 'oui', q4: 'oui' });
  });

  test('are named when they must be answered and nobody does', () => {
    const unknown = [{ id: 'q9', label: 'Sans réponse', required: true }];
    expect(() => answered(unknown, { visit: nobody, settings })).toThrow('"Sans réponse"');
    expect(() => answered([{ id: 'q9', required: true }], { visit: nobody, settings: answersIn(undefined) })).toThrow(
      'QUESTION',
    );
  });

  test('that leave a choice are answered by its value, and by nothing else', () => {
    const choice = { id: 'q1', label: 'Côté ?', options: [['l', 'Gauche'] as const, ['r', 'Droit'] as const] };
    const say = (answer: string) => ({ visit: answersOf([{ question: 'Côté ?', answer }]), settings });
    expect(answered([choice], say('droit'))).toEqual({ q1: 'r' });
    expect(answered([choice], say('L'))).toEqual({ q1: 'l' });
    expect(answered([choice], say('les deux'))).toEqual({});
    expect(() => answered([{ ...choice, required: true }], say('les deux'))).toThrow('none of its choices');
  });
});
