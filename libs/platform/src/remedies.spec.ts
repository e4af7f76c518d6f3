import { describe, expect, test } from '@jest/globals';
import type { Objection } from '#application';
import { RULE_CODES } from '#domain';
import { remedyOf } from './remedies.js';

const PARIS = { timeZone: 'Europe/Paris', now: Date.parse('2027-03-01T09:00:00+01:00') };
const at = (text: string): number => Date.parse(text);

describe('what would make a start bookable', () => {
  const cases: [string, Objection, { asOf?: number; timeZone?: string }, string, string][] = [
    [
      'a release later that day',
      { code: 'RESERVED_UNTIL', bookableFrom: at('2027-03-01T10:00:00+01:00') },
      {},
      "Libéré aujourd'hui à 10 h.",
      'Released today at 10:00.',
    ],
    [
      'a release the next day, not on the hour',
      { code: 'RESERVED_UNTIL', bookableFrom: at('2027-03-02T18:05:00+01:00') },
      {},
      'Libéré demain à 18 h 05.',
      'Released tomorrow at 18:05.',
    ],
    [
      'a release after the clocks changed',
      { code: 'RESERVED_UNTIL', bookableFrom: at('2027-03-29T08:00:00+02:00') },
      {},
      'Libéré le lundi 29 mars à 8 h.',
      'Released on Monday 29 March at 8:00.',
    ],
    [
      'a release in another year',
      { code: 'RESERVED_UNTIL', bookableFrom: at('2028-01-03T08:00:00+01:00') },
      {},
      'Libéré le lundi 3 janvier 2028 à 8 h.',
      'Released on Monday, 3 January 2028 at 8:00.',
    ],
    [
      'complaint 20: the day of the agenda, not of who asks',
      { code: 'RESERVED_UNTIL', bookableFrom: at('2027-03-02T00:30:00+04:00') },
      { timeZone: 'Indian/Reunion' },
      'Libéré demain à 0 h 30.',
      'Released tomorrow at 0:30.',
    ],
    [
      'a reserve that no time frees',
      { code: 'RESERVED_UNTIL' },
      {},
      'Gardé pour ceux à qui il est réservé ; aucune heure de libération.',
      'Kept for those it is reserved for; no release time.',
    ],
    [
      'a horizon',
      { code: 'HORIZON', bookableFrom: at('2027-03-04T00:00:00+01:00') },
      {},
      'Réservable dès le jeudi 4 mars à 0 h.',
      'First bookable on Thursday 4 March at 0:00.',
    ],
    [
      'an agenda that was read a while ago',
      { code: 'AGENDA_UNREACHABLE' },
      { asOf: PARIS.now - 14.5 * 60_000 },
      'Agenda injoignable depuis 14 min.',
      'Agenda unreachable for 14 min.',
    ],
    [
      'an agenda that was read days ago',
      { code: 'AGENDA_UNREACHABLE' },
      { asOf: PARIS.now - 49 * 3_600_000 },
      'Agenda injoignable depuis 2 jours.',
      'Agenda unreachable for 2 days.',
    ],
    [
      'an agenda that was never read',
      { code: 'AGENDA_UNREACHABLE' },
      {},
      "Agenda injoignable, il n'a encore jamais été lu : voyez l'état de sa connexion.",
      'Agenda unreachable, it was never read: see the health of its connection.',
    ],
    [
      'an old copy',
      { code: 'AGENDA_STALE' },
      { asOf: PARIS.now - 3 * 3_600_000 },
      "Lu il y a 3 h ; l'agenda sera relu au moment de réserver.",
      'Read 3 h ago; the agenda will be read again when you book.',
    ],
    [
      'a hold by a colleague',
      { code: 'HELD', heldBy: 'Claire' },
      {},
      "Retenu par Claire : libre si l'option est rendue ou expire.",
      'Held by Claire: free once the hold is given back or expires.',
    ],
    [
      'a hold by somebody',
      { code: 'HELD' },
      {},
      "Libre si l'option est rendue ou expire.",
      'Free once the hold is given back or expires.',
    ],
  ];
  test.each(cases)('%s', (_, objection, context, fr, en) => {
    expect(remedyOf(objection, { ...PARIS, ...context })).toEqual({ fr, en });
  });

  test.each([...RULE_CODES, 'AGENDA_STALE', 'AGENDA_UNREACHABLE'] as const)(
    '%s has a sentence in both languages',
    (code) => {
      const { fr, en } = remedyOf({ code }, PARIS);
      expect([fr, en]).toEqual([expect.stringMatching(/^\p{Lu}.*\.$/u), expect.stringMatching(/^\p{Lu}.*\.$/u)]);
      expect(fr).not.toBe(en);
    },
  );
});
