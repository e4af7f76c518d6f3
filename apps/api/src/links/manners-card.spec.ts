import { describe, expect, test } from '@jest/globals';
import { MANNER_TOPICS, mannersCardOf } from '#platform';

const untried = { staleChanges: null, staleRemovals: null, secondCreates: null, versions: null, keeps: null };

describe('what a backend was found to do, in plain words', () => {
  test('every topic once, in both languages', () => {
    const lines = mannersCardOf({
      staleChanges: 'never',
      staleRemovals: 'never',
      secondCreates: 'never',
      versions: 'none',
      keeps: 'rewritten',
      deadCursors: 'believed',
      missingObjects: 'spoil-all',
      sendsInvitations: true,
    });
    expect(lines.map(({ topic }) => topic)).toEqual(MANNER_TOPICS);
    for (const { fr, en } of lines) expect(fr).not.toBe(en);
    expect(lines[0]!.fr).toContain("l'agenda est relu avant chaque écriture");
  });

  test('nothing of what was not tried', () => {
    const read = { deadCursors: 'refused', missingObjects: 'named', sendsInvitations: null } as const;
    expect(mannersCardOf({ ...untried, ...read }).map(({ topic }) => topic)).toEqual(['cursors', 'missing']);
  });
});
