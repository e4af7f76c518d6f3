import { expect, test } from '@jest/globals';
import type { AgendaRules } from './agenda-rules.js';
import { bookableStartsOf, outsideRules } from './rule-facts.js';
import { applied, faultsOfChange, obstacle } from './rule-changes.js';
import type { MotifRuling } from './rules.js';
import { placed, ruleFixture, withVisits } from './rules.suite.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Monday 2027-03-01, 08:00 in Paris. */
const now = Date.parse('2027-03-01T07:00:00Z');
const nine = now + DAY + HOUR;

/** Open 9:00 to 11:00 every day. */
function practice(ruling: MotifRuling = {}, kept: Partial<AgendaRules['kept']> = {}): AgendaRules {
  const recurring = {
    rrule: 'FREQ=DAILY',
    start: '2027-01-01T09:00',
    durationMinutes: 120,
    timeZone: 'Europe/Paris',
    except: [],
  };
  const opening = { ...recurring, motifIds: null, audiences: null, capacity: null };
  return ruleFixture({
    now,
    kept: {
      opening: [{ id: 'o', version: 1, rule: opening }],
      motif: [{ id: 'm', version: 1, rule: ruling }],
      ...kept,
    },
  });
}

const codes = (rules: AgendaRules, ...visits: ReturnType<typeof placed>[]): [string, string[]][] =>
  outsideRules(withVisits(rules, visits)).map(({ visit, refusals }) => [visit.id, refusals.map(({ code }) => code)]);

test('what stands is asked without itself: it neither fills its own seat nor its own quota', () => {
  const visits = [placed('a', nine), placed('b', nine + HOUR)];
  expect(codes(practice({ quotas: [{ per: 'day', max: 2 }] }), ...visits)).toEqual([]);
  expect(codes(practice({ quotas: [{ per: 'day', max: 1 }] }), ...visits)).toEqual([
    ['a', ['QUOTA_REACHED']],
    ['b', ['QUOTA_REACHED']],
  ]);
});

test('what stands keeps the length it was booked with, and no notice, horizon or patient rule speaks against it', () => {
  const rules = practice({
    durationMinutes: 240,
    noticeMinutes: 90 * 1440,
    horizonDays: 1,
    newPatients: 'only',
    gapDays: 5,
  });
  expect(codes(rules, placed('a', nine))).toEqual([]);
  expect(bookableStartsOf(withVisits(rules, []), 'm', { start: now, end: now + 7 * DAY })).toEqual([]);
});

test('visits of the past, and those that ended, are not asked about', () => {
  const past = placed('a', now - DAY);
  const gone = placed('b', now + 5 * HOUR);
  expect(codes(practice(), past, { ...gone, visit: { ...gone.visit, live: false } })).toEqual([]);
  expect(codes(practice(), gone)).toEqual([['b', ['CLOSED']]]);
});

test('a visit that some audience could book is inside; one that nobody could is not', () => {
  const recurring = {
    rrule: 'FREQ=DAILY',
    start: '2027-01-01T09:00',
    durationMinutes: 60,
    timeZone: 'Europe/Paris',
    except: [],
  };
  const reserve = (audiences: readonly ['SNP'] | readonly []): Partial<AgendaRules['kept']> => ({
    reserve: [
      {
        id: 'r',
        version: 1,
        rule: {
          ...recurring,
          label: 'x',
          keptFor: { priorities: [], audiences, motifIds: [] },
          release: [],
          recaptureMinutes: null,
        },
      },
    ],
  });
  expect(codes(practice({}, reserve(['SNP'])), placed('a', nine))).toEqual([]);
  expect(codes(practice({}, reserve([])), placed('a', nine))).toEqual([['a', ['RESERVED_UNTIL']]]);
});

test('equipment that somebody else has speaks against a visit, its own claim on it does not', () => {
  const rules = practice({ equipment: ['room'] });
  const { visit, taken } = placed('a', nine);
  const room = { id: 'room', active: true, capacity: 1, needsSome: false, linked: false };
  const asked = (holder: string) => {
    const agenda = withVisits(rules, [{ visit, taken }]);
    const standing = { ...agenda.standing, equipment: [room], taken: [taken, { ...taken, agendaId: 'room', holder }] };
    return outsideRules({ ...agenda, standing }).flatMap(({ refusals }) => refusals.map(({ code }) => code));
  };
  expect([asked('a'), asked('b')]).toEqual([[], ['RESOURCE']]);
});

test('a change names the version it is based on, and a motif is offered without one', () => {
  const rules = practice();
  const opening = { kind: 'opening', id: 'o', rule: null } as const;
  expect([null, 1, 2].map((version) => obstacle(rules, opening, version))).toEqual(['required', null, 'stale']);
  expect(obstacle(rules, { ...opening, id: 'x' }, 1)).toBe('unknown');
  const offer = { kind: 'motif', id: 'm', rule: {} } as const;
  const bare = applied(rules, { ...offer, rule: null });
  expect([obstacle(bare, offer, null), obstacle(bare, offer, 3), obstacle(rules, offer, null)]).toEqual([
    null,
    'stale',
    'required',
  ]);
  expect(obstacle(rules, { ...offer, id: 'x' }, null)).toBe('unknown');
});

test('there is a limit to the rules of one kind', () => {
  const rule = { start: 0, end: 1, label: 'x', source: 'typed' } as const;
  const closures = (source: 'typed' | 'holiday') =>
    practice(
      {},
      { closure: Array.from({ length: 300 }, (_, n) => ({ id: String(n), version: 1, rule: { ...rule, source } })) },
    );
  const faults = (rules: AgendaRules, id: string) =>
    faultsOfChange(rules, { kind: 'closure', id, rule }, { named: [], servesOthers: false }).length;
  expect([faults(closures('typed'), 'x'), faults(closures('typed'), '7'), faults(closures('holiday'), 'x')]).toEqual([
    1, 0, 0,
  ]);
});
