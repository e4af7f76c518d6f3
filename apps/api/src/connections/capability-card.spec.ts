import { describe, expect, test } from '@jest/globals';
import { connectors } from '#connectors';
import { CARD_TOPICS, cardOf } from '#platform';

describe('the capability card', () => {
  test.each([...connectors.values()].map((connector) => [connector.id, connector] as const))(
    '%s: every topic that concerns it, once, in both languages',
    (_id, { capabilities }) => {
      const lines = cardOf(capabilities);
      const topics = lines.map(({ topic }) => topic);
      const asked = CARD_TOPICS.filter(
        (topic) => capabilities.write !== 'none' || (topic !== 'overlaps' && topic !== 'holding'),
      );
      expect(topics).toEqual(asked);
      for (const { fr, en } of lines) expect(fr).not.toBe(en);
    },
  );

  test('says in plain words what works', () => {
    const { capabilities } = connectors.get('in-house')!;
    const say = (rest: Partial<typeof capabilities>): string =>
      cardOf({ ...capabilities, push: 'none', freshnessTarget: 120, ...rest })
        .slice(0, 3)
        .map(({ fr }) => fr)
        .join(', ');
    expect(say({})).toBe('lecture 2 min, écriture immédiate, annulation immédiate');
    expect(say({ write: 'none' })).toBe(
      "lecture 2 min, lecture seule, rien n’y est écrit, annulation manuelle, dans l'outil du praticien",
    );
    expect(say({ write: 'request', freshnessTarget: 30 })).toBe(
      "lecture 30 s, écriture sur demande : l'éditeur accepte ou refuse plus tard, annulation immédiate",
    );
  });
});
