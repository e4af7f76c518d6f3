import { describe, expect, test } from '@jest/globals';
import { expandOpening } from '../recurrence.js';
import { bookableVisits } from './bookable.js';
import { refusalsAt } from './explain.js';
import { anybody, asked, at, DAY, facts, local, MINUTE, on, open, reserved } from './practice.suite.js';
import type { AgendaFacts, Asked, RuleRefusal } from './types.js';

const TEN = at('2026-06-15T10:00');
const MORNING = on('2026-06-15', '09:00', '12:00');
const visit = (minutes: number, rest = {}): Asked['visit'] => ({
  ...asked().visit,
  durationMs: minutes * MINUTE,
  ...rest,
});
const taken = (from: string, to: string, kind: 'busy' | 'held' = 'busy', seat: number | null = 1) => ({
  interval: on('2026-06-15', from, to),
  seat,
  kind,
});
const patient = (rest: Partial<NonNullable<Asked['patient']>>): Partial<Asked> => ({
  patient: { ...anybody, ...rest },
});

interface Row {
  readonly name: string;
  readonly facts?: Partial<AgendaFacts>;
  readonly rules?: Partial<Asked['rules']>;
  readonly asked?: Partial<Asked>;
  readonly start?: number;
  readonly refusals: readonly (RuleRefusal['code'] | RuleRefusal)[];
}

const ROWS: readonly Row[] = [
  { name: 'nothing speaks against a free time', refusals: [] },
  { name: 'an agenda that is switched off', facts: { active: false }, refusals: ['AGENDA_DISABLED'] },
  { name: 'a motif that the agenda does not offer', facts: { offered: false }, refusals: ['MOTIF_NOT_ALLOWED'] },
  {
    name: 'an opening for other motifs',
    facts: { openings: [open(MORNING, { motifIds: ['vaccination'] })] },
    refusals: ['MOTIF_NOT_ALLOWED'],
  },
  {
    name: 'a visit half in an opening for other motifs',
    facts: {
      openings: [
        open(on('2026-06-15', '09:00', '10:15')),
        open(on('2026-06-15', '10:15', '12:00'), { motifIds: ['vaccination'] }),
      ],
    },
    refusals: ['MOTIF_NOT_ALLOWED'],
  },
  {
    name: 'an opening for another audience',
    facts: { openings: [open(MORNING, { audiences: ['SNP', 'CPTS'] })] },
    refusals: ['AUDIENCE'],
  },
  { name: 'a motif for another audience', rules: { audiences: ['PRO'] }, refusals: ['AUDIENCE'] },
  { name: 'a motif for this audience', rules: { audiences: ['PRO', 'SECRETARIAT'] }, refusals: [] },
  {
    name: 'no new patients',
    rules: { newPatients: 'refused' },
    asked: patient({ isNew: true }),
    refusals: ['NEW_PATIENT'],
  },
  {
    name: 'no new patients, a known one',
    rules: { newPatients: 'refused' },
    asked: patient({ isNew: false }),
    refusals: [],
  },
  {
    name: 'only new patients',
    rules: { newPatients: 'only' },
    asked: patient({ isNew: false }),
    refusals: ['NEW_PATIENT'],
  },
  {
    name: 'no new patients, not known whether new',
    rules: { newPatients: 'refused' },
    asked: patient({}),
    refusals: ['NEW_PATIENT'],
  },
  { name: 'no new patients, any patient', rules: { newPatients: 'refused' }, refusals: [] },
  {
    name: 'too young',
    rules: { age: { minYears: 16, maxYears: null } },
    asked: patient({ ageYears: 15 }),
    refusals: ['AGE'],
  },
  {
    name: 'just old enough',
    rules: { age: { minYears: 16, maxYears: 18 } },
    asked: patient({ ageYears: 16 }),
    refusals: [],
  },
  {
    name: 'just young enough',
    rules: { age: { minYears: null, maxYears: 18 } },
    asked: patient({ ageYears: 18 }),
    refusals: [],
  },
  {
    name: 'too old',
    rules: { age: { minYears: null, maxYears: 18 } },
    asked: patient({ ageYears: 19 }),
    refusals: ['AGE'],
  },
  {
    name: 'an age rule and no age',
    rules: { age: { minYears: 0, maxYears: null } },
    asked: patient({}),
    refusals: ['AGE'],
  },
  { name: 'exactly at the notice', rules: { noticeMinutes: 120 }, asked: { now: TEN - 120 * MINUTE }, refusals: [] },
  {
    name: 'a millisecond past the notice',
    rules: { noticeMinutes: 120 },
    asked: { now: TEN - 120 * MINUTE + 1 },
    refusals: ['NOTICE_TOO_SHORT'],
  },
  { name: 'the past', asked: { now: TEN + 1 }, refusals: ['NOTICE_TOO_SHORT'] },
  { name: 'exactly at the horizon', rules: { horizonDays: 7 }, asked: { now: TEN - 7 * DAY }, refusals: [] },
  {
    name: 'a millisecond beyond the horizon',
    rules: { horizonDays: 7 },
    asked: { now: TEN - 7 * DAY - 1 },
    refusals: [{ code: 'HORIZON', bookableFrom: TEN - 7 * DAY }],
  },
  { name: 'a visit that ends when openings end', facts: { openedUntil: TEN + 30 * MINUTE }, refusals: [] },
  { name: 'a visit beyond what is opened yet', facts: { openedUntil: TEN + 29 * MINUTE }, refusals: ['HORIZON'] },
  { name: 'outside the openings', start: at('2026-06-15T12:00'), refusals: ['CLOSED'] },
  { name: 'over the end of the opening', start: at('2026-06-15T11:40'), refusals: ['CLOSED'] },
  { name: 'leave', facts: { closures: [on('2026-06-15', '10:29', '12:00')] }, refusals: ['CLOSED'] },
  {
    name: 'leave that begins when the visit ends',
    facts: { closures: [on('2026-06-15', '10:30', '12:00')] },
    refusals: [],
  },
  { name: 'a minute off the grid', start: TEN + MINUTE, refusals: ['OFF_GRID'] },
  {
    name: 'the grid of an opening that cannot be used',
    facts: { openings: [open(MORNING), open(on('2026-06-15', '09:10', '12:00'), { motifIds: ['vaccination'] })] },
    start: TEN + 10 * MINUTE,
    refusals: ['OFF_GRID'],
  },
  {
    name: 'the grid of the second of two openings',
    facts: { openings: [open(MORNING), open(on('2026-06-15', '09:10', '12:00'))] },
    start: TEN + 10 * MINUTE,
    refusals: [],
  },
  {
    name: 'a day that is full for the motif',
    rules: { quotas: [{ per: 'day', max: 2 }] },
    facts: { visits: [at('2026-06-15T00:00'), at('2026-06-15T23:59')] },
    refusals: ['QUOTA_REACHED'],
  },
  {
    name: 'the days beside a full day',
    rules: { quotas: [{ per: 'day', max: 1 }] },
    facts: { visits: [at('2026-06-14T23:59'), at('2026-06-16T00:00')] },
    refusals: [],
  },
  {
    name: 'a half-day that is full for the motif',
    rules: { quotas: [{ per: 'half-day', max: 1 }] },
    facts: { visits: [at('2026-06-15T11:59')] },
    refusals: ['QUOTA_REACHED'],
  },
  {
    name: 'the afternoon is full, the morning is not',
    rules: { quotas: [{ per: 'half-day', max: 1 }] },
    facts: { visits: [at('2026-06-15T12:00')] },
    refusals: [],
  },
  {
    name: 'a week that is full for the motif, Monday to Sunday',
    rules: { quotas: [{ per: 'week', max: 1 }] },
    facts: { visits: [at('2026-06-21T23:59')] },
    refusals: ['QUOTA_REACHED'],
  },
  {
    name: 'the Sunday before is another week',
    rules: { quotas: [{ per: 'week', max: 1 }] },
    facts: { visits: [at('2026-06-14T23:59'), at('2026-06-22T00:00')] },
    refusals: [],
  },
  {
    name: 'a motif that is not booked at all',
    rules: { quotas: [{ per: 'week', max: 0 }] },
    refusals: ['QUOTA_REACHED'],
  },
  {
    name: 'not twice on a day',
    rules: { gapDays: 1 },
    asked: patient({ visits: [at('2026-06-15T23:00')] }),
    refusals: ['GAP_BETWEEN_VISITS'],
  },
  {
    name: 'the evening before',
    rules: { gapDays: 1 },
    asked: patient({ visits: [at('2026-06-14T23:00')] }),
    refusals: [],
  },
  {
    name: 'one local day short of the gap, before or after',
    rules: { gapDays: 7 },
    asked: patient({ visits: [at('2026-06-09T00:00')] }),
    refusals: ['GAP_BETWEEN_VISITS'],
  },
  {
    name: 'exactly the gap',
    rules: { gapDays: 7 },
    asked: patient({ visits: [at('2026-06-22T00:00')] }),
    refusals: [],
  },
  {
    name: 'equipment in use',
    facts: { equipment: [{ agendaId: 'laser', capacity: 1, occupied: [taken('10:15', '10:20')] }] },
    refusals: ['RESOURCE'],
  },
  {
    name: 'equipment that is wanted by others in the buffers of the visit',
    facts: {
      equipment: [
        { agendaId: 'laser', capacity: 2, occupied: [taken('10:15', '10:20'), taken('10:30', '11:00', 'busy', null)] },
      ],
    },
    asked: { visit: visit(30, { bufferAfterMs: 15 * MINUTE }) },
    refusals: ['RESOURCE'],
  },
  { name: 'taken', facts: { occupied: [taken('10:00', '10:30')] }, refusals: ['BUSY'] },
  { name: 'one of two seats is taken', facts: { capacity: 2, occupied: [taken('10:00', '10:30')] }, refusals: [] },
  {
    name: 'all seats are taken',
    facts: { capacity: 2, occupied: [taken('10:00', '10:30', 'busy', null)] },
    refusals: ['BUSY'],
  },
  {
    name: 'taken in its buffer',
    facts: { occupied: [taken('10:35', '10:40')] },
    asked: { visit: visit(30, { bufferAfterMs: 6 * MINUTE }) },
    refusals: ['BUSY'],
  },
  { name: 'held', facts: { occupied: [taken('10:00', '10:30', 'held')] }, refusals: ['HELD'] },
  {
    name: 'one seat taken, the other held',
    facts: { capacity: 2, occupied: [taken('10:00', '10:30'), taken('10:15', '10:45', 'held', 2)] },
    refusals: ['HELD'],
  },
  {
    name: 'held over what is taken',
    facts: { occupied: [taken('10:00', '10:30'), taken('10:00', '10:30', 'held')] },
    refusals: ['BUSY'],
  },
  {
    name: 'an opening with fewer seats than the agenda',
    facts: { capacity: 3, openings: [open(MORNING, { capacity: 1 })], occupied: [taken('10:00', '10:30')] },
    refusals: ['BUSY'],
  },
  {
    name: 'the smaller of two openings at once holds',
    facts: {
      capacity: 3,
      openings: [open(MORNING, { capacity: 2 }), open(MORNING, { capacity: 1 })],
      occupied: [taken('10:00', '10:30')],
    },
    refusals: ['BUSY'],
  },
  {
    name: 'an opening with fewer seats that is for other motifs',
    facts: {
      capacity: 3,
      openings: [open(MORNING), open(MORNING, { capacity: 1, motifIds: ['vaccination'] })],
      occupied: [taken('10:00', '10:30')],
    },
    refusals: [],
  },
  {
    name: 'an opening with fewer seats later on the day',
    facts: {
      capacity: 2,
      openings: [open(MORNING), open(on('2026-06-15', '14:00', '15:00'), { capacity: 1 })],
      occupied: [taken('10:00', '15:00')],
    },
    refusals: [],
  },
  {
    name: 'everything at once, in order',
    facts: {
      active: false,
      offered: false,
      closures: [MORNING],
      reserves: [reserved(MORNING)],
      visits: [TEN],
      equipment: [{ agendaId: 'laser', capacity: 0, occupied: [] }],
      occupied: [taken('10:00', '10:30')],
    },
    rules: {
      audiences: [],
      newPatients: 'only',
      age: { minYears: 3, maxYears: null },
      noticeMinutes: 30 * 1440,
      horizonDays: 1,
      gapDays: 2,
      quotas: [{ per: 'day', max: 1 }],
    },
    asked: patient({ visits: [TEN] }),
    refusals: [
      'AGENDA_DISABLED',
      'MOTIF_NOT_ALLOWED',
      'AUDIENCE',
      'NEW_PATIENT',
      'AGE',
      'NOTICE_TOO_SHORT',
      { code: 'HORIZON', bookableFrom: TEN - DAY },
      'CLOSED',
      'RESERVED_UNTIL',
      'QUOTA_REACHED',
      'GAP_BETWEEN_VISITS',
      'RESOURCE',
      'BUSY',
    ],
  },
];

describe('every rule, and search with it', () => {
  test.each(ROWS)('$name', (row) => {
    const practice = facts(row.facts);
    const question = asked(row.rules, row.asked);
    const start = row.start ?? TEN;
    const expected = row.refusals.map((refusal) => (typeof refusal === 'string' ? { code: refusal } : refusal));
    expect(refusalsAt(start, practice, question)).toEqual(expected);
    const found = bookableVisits(practice, question, { start, end: start + 1 }, 10);
    expect(found).toEqual(expected.length > 0 ? [] : [{ start, end: start + 30 * MINUTE }]);
  });
});

test('a visit without duration is refused', () => {
  const broken = asked({}, { visit: visit(0) });
  expect(() => refusalsAt(TEN, facts(), broken)).toThrow(RangeError);
  expect(() => bookableVisits(facts(), broken, MORNING, 10)).toThrow(RangeError);
});

describe('local time', () => {
  const weekly = (timeZone: string, start: string, window: readonly [string, string]): AgendaFacts => {
    const openings = expandOpening(
      { rrule: 'FREQ=WEEKLY', start, durationMinutes: 60, timeZone, except: [] },
      { start: at(`${window[0]}T00:00`), end: at(`${window[1]}T00:00`) },
    );
    return facts({ timeZone, openings: openings.map((when) => open(when)), openedUntil: at('2028-01-01T00:00') });
  };

  test.each([
    ['March', '2026-03-02T09:00', '2026-03-01', '2026-04-20', '2026-02-01'],
    ['October', '2026-10-05T09:00', '2026-10-01', '2026-11-20', '2026-09-01'],
  ])('complaint 19: 09:00 every Monday in Paris stays 09:00 across the change of %s', (_, start, from, to, now) => {
    const practice = weekly('Europe/Paris', start, [from, to]);
    const question = asked({ quotas: [{ per: 'day', max: 1 }] }, { now: at(`${now}T00:00`) });
    const found = bookableVisits(practice, question, { start: at(`${from}T00:00`), end: at(`${to}T00:00`) }, 100);
    expect(found.map((x) => local(x.start).slice(11))).toEqual(practice.openings.flatMap(() => ['09:00', '09:30']));
    expect(found.length).toBeGreaterThan(12);
    expect(found.flatMap((x) => refusalsAt(x.start, practice, question))).toEqual([]);
    const [first] = found;
    const full = { ...practice, visits: [first?.start ?? 0] };
    expect(bookableVisits(full, question, { start: at(`${from}T00:00`), end: at(`${to}T00:00`) }, 100)).toEqual(
      found.slice(2),
    );
  });

  test('complaint 20: the day, the half-day and the week of a cabinet in La Réunion are its own, not those of Paris', () => {
    const zone = 'Indian/Reunion';
    const practice = facts({ timeZone: zone, openings: [open(on('2026-06-15', '00:00', '23:59', zone))] });
    const question = (per: 'day' | 'half-day' | 'week') => asked({ quotas: [{ per, max: 1 }] });
    // 15 June 00:30 in La Réunion is still Sunday 14 June in Paris.
    const start = at('2026-06-15T00:30', zone);
    expect(local(start)).toBe('2026-06-14T22:30');
    const codes = (per: 'day' | 'half-day' | 'week', visit: string) =>
      refusalsAt(start, { ...practice, visits: [at(visit, zone)] }, question(per)).map(({ code }) => code);
    expect(codes('day', '2026-06-15T23:30')).toEqual(['QUOTA_REACHED']);
    expect(codes('day', '2026-06-14T23:30')).toEqual([]);
    expect(codes('half-day', '2026-06-15T11:30')).toEqual(['QUOTA_REACHED']);
    expect(codes('half-day', '2026-06-15T12:30')).toEqual([]);
    expect(codes('week', '2026-06-21T23:30')).toEqual(['QUOTA_REACHED']);
    expect(codes('week', '2026-06-14T23:30')).toEqual([]);
  });
});
