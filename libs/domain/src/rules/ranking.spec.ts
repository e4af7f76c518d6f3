import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { at, MINUTE, on } from './practice.suite.js';
import { RANKING_WEIGHTS, rankVisits } from './ranking.js';
import type { RankedAgenda, RankingContext, RankingReason } from './ranking.js';

const DATE = '2026-06-15';
const agenda = (rest: Partial<RankedAgenda> = {}): RankedAgenda => ({
  timeZone: 'Europe/Paris',
  open: [on(DATE, '09:00', '12:00')],
  taken: [on(DATE, '09:30', '10:00')],
  reserves: [on(DATE, '11:00', '11:30')],
  preferred: [on(DATE, '09:00', '10:30')],
  buffers: { bufferBeforeMs: 0, bufferAfterMs: 0 },
  ...rest,
});
const visit = (start: string, agendaId = 'a', date = DATE) => ({
  agendaId,
  start: at(`${date}T${start}`),
  end: at(`${date}T${start}`) + 30 * MINUTE,
});
const context = (rest: Partial<RankingContext> = {}): RankingContext => ({
  agendas: new Map([['a', agenda()]]),
  patient: null,
  ...rest,
});
/** An earlier candidate, so that those looked at are not the soonest. */
const FIRST = visit('08:00', 'elsewhere');
const reasonsOf = (
  start: string,
  agendas: RankedAgenda,
  patient: RankingContext['patient'] = null,
): RankingReason[] => [
  ...(rankVisits([FIRST, visit(start)], context({ agendas: new Map([['a', agendas]]), patient })).find(
    ({ agendaId }) => agendaId === 'a',
  )?.reasons ?? []),
];

describe('reasons', () => {
  test.each<[string, string, Partial<RankedAgenda>, RankingReason[]]>([
    ['after taken time', '10:00', {}, ['FILLS_GAP', 'KEEPS_RESERVE', 'PREFERRED']],
    ['between the opening and taken time', '09:00', {}, ['FILLS_GAP', 'KEEPS_RESERVE', 'PREFERRED']],
    ['at the end of the opening', '11:30', {}, ['FILLS_GAP', 'KEEPS_RESERVE']],
    ['beside nothing', '10:20', {}, ['KEEPS_RESERVE']],
    ['partly preferred', '10:15', {}, ['KEEPS_RESERVE']],
    ['inside a reserve', '11:00', {}, []],
    ['partly inside a reserve', '10:50', {}, []],
    [
      'as near to taken time as its buffer allows',
      '10:10',
      { buffers: { bufferBeforeMs: 10 * MINUTE, bufferAfterMs: 0 }, preferred: [] },
      ['FILLS_GAP', 'KEEPS_RESERVE'],
    ],
  ])('%s', (_, start, rest, reasons) => {
    expect(reasonsOf(start, agenda(rest))).toEqual(reasons);
  });

  test.each<[string, string, string, boolean]>([
    ['an hour before', '2026-01-12T11:20', 'Europe/Paris', true],
    ['an hour and a minute before', '2026-01-12T11:21', 'Europe/Paris', false],
    ['complaint 19: in winter at the same local time', '2026-01-12T10:20', 'Europe/Paris', true],
    ['complaint 20: in La Réunion at the same local time', '2026-01-12T12:20', 'Indian/Reunion', true],
    ['complaint 20: in La Réunion at the same time in Paris', '2026-01-12T10:20', 'Indian/Reunion', false],
  ])('the usual time: %s', (_, earlier, timeZone, expected) => {
    const patient = { usualAgendaIds: [], visits: [at(earlier, timeZone)] };
    expect(reasonsOf('10:20', agenda({ timeZone }), patient).includes('USUAL_TIME')).toBe(expected);
  });

  test('midnight does not part two times of day', () => {
    const patient = { usualAgendaIds: [], visits: [at('2026-01-12T23:45')] };
    expect(reasonsOf('00:30', agenda(), patient)).toContain('USUAL_TIME');
  });

  test('the usual practitioner', () => {
    const patient = { usualAgendaIds: ['a'], visits: [] };
    expect(reasonsOf('10:20', agenda(), patient)).toEqual(['KEEPS_RESERVE', 'USUAL_PRACTITIONER']);
  });
});

describe('order', () => {
  test('the sum of the weights, both sides of a gap counted', () => {
    const ranked = rankVisits(
      ['10:20', '11:00', '09:00', '10:00'].map((start) => visit(start)),
      context(),
    );
    const { FILLS_GAP, KEEPS_RESERVE, PREFERRED, SOONEST } = RANKING_WEIGHTS;
    expect(ranked.map(({ start, score }) => [start, score])).toEqual([
      [at(`${DATE}T09:00`), 2 * FILLS_GAP + KEEPS_RESERVE + PREFERRED + SOONEST],
      [at(`${DATE}T10:00`), FILLS_GAP + KEEPS_RESERVE + PREFERRED],
      [at(`${DATE}T10:20`), KEEPS_RESERVE],
      [at(`${DATE}T11:00`), 0],
    ]);
  });

  test('the usual practitioner tomorrow comes before a stranger today', () => {
    const both = new Map([
      ['a', agenda({ preferred: [] })],
      ['b', agenda({ preferred: [] })],
    ]);
    const patient = { usualAgendaIds: ['b'], visits: [] };
    const candidates = [visit('10:20', 'a'), visit('10:20', 'b', '2026-06-16')];
    const ranked = rankVisits(candidates, context({ agendas: both, patient }));
    expect(ranked.map(({ agendaId, reasons }) => [agendaId, ...reasons])).toEqual([
      ['b', 'KEEPS_RESERVE', 'USUAL_PRACTITIONER'],
      ['a', 'KEEPS_RESERVE', 'SOONEST'],
    ]);
  });

  test('equals come by start, then by agenda, in whatever order they were given', () => {
    const candidates = ['b', 'a', 'c'].flatMap((id) => ['10:20', '10:25'].map((start) => visit(start, id)));
    const agendas = new Map(['a', 'b', 'c'].map((id) => [id, agenda()]));
    const name = ({ agendaId, start }: { agendaId: string; start: number }) =>
      `${agendaId} ${String((start - at(`${DATE}T10:20`)) / MINUTE)}`;
    fc.assert(
      fc.property(fc.shuffledSubarray(candidates, { minLength: candidates.length }), (given) => {
        const ranked = rankVisits(given, context({ agendas })).map(name);
        expect(ranked).toEqual(['a 0', 'b 0', 'c 0', 'a 5', 'b 5', 'c 5']);
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  test('nothing found is nothing ranked', () => {
    expect(rankVisits([], context({ patient: { usualAgendaIds: [], visits: [1] } }))).toEqual([]);
  });
});
