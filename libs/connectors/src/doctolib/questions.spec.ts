import { describe, expect, test } from '@jest/globals';
import { answered, answersIn } from './questions.js';

describe('questions before a confirmation', () => {
  const answers = answersIn('Depuis  quand ? = non précisé\r\n\nq2=oui\n= rien\nsans réponse =\nA = B ? = oui');

  test('are answered by their words, however they are typed, or by their id', () => {
    const questions = [
      { id: 'q1', label: 'depuis quand ?', required: true },
      { id: 'q2', label: 'Déjà venu ?', required: true },
      { id: 'q3', label: 'Autre chose ?', required: false },
      { id: 'q4', label: 'A = B ?' },
    ];
    expect(answered(questions, answers)).toEqual({ q1: 'non précisé', q2: 'oui', q4: 'oui' });
  });

  test('are named when they must be answered and nobody does', () => {
    const unknown = [{ id: 'q9', label: 'Sans réponse', required: true }];
    expect(() => answered(unknown, answers)).toThrow('"Sans réponse"');
    expect(() => answered([{ id: 'q9', required: true }], answersIn(undefined))).toThrow('QUESTION');
  });
});
