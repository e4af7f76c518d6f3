import { expect } from '@jest/globals';
import type { Interval } from '#domain';
import { writes, type Condition, type ConformanceCase } from '../case.js';
import type { CaseContext } from '../context.js';

const notNaive: Condition = ({ connector }) =>
  connector.capabilities.timeModel === 'naive' ? 'timeModel: naive' : null;
const writesUnambiguously: Condition = (target) => writes(target) ?? notNaive(target);

interface Edge {
  readonly what: string;
  readonly zone: string;
  readonly times: readonly Interval[];
  /** True: a naive local time cannot tell these apart. */
  readonly ambiguous?: boolean;
}

function at(start: string, end: string): Interval {
  return { start: Date.parse(start), end: Date.parse(end) };
}

const EDGES: readonly Edge[] = [
  {
    what: 'the hour that Europe/Paris leaves out on 28 March 2027',
    zone: 'Europe/Paris',
    times: [at('2027-03-28T00:30:00Z', '2027-03-28T01:15:00Z'), at('2027-03-28T07:00:00Z', '2027-03-28T07:30:00Z')],
  },
  {
    what: 'the hour that Europe/Paris repeats on 31 October 2027',
    zone: 'Europe/Paris',
    times: [
      at('2027-10-31T00:30:00Z', '2027-10-31T00:45:00Z'),
      at('2027-10-31T01:30:00Z', '2027-10-31T01:45:00Z'),
      at('2027-10-31T08:00:00Z', '2027-10-31T08:30:00Z'),
    ],
    ambiguous: true,
  },
  {
    what: 'both dates in Indian/Reunion, which has no summer time',
    zone: 'Indian/Reunion',
    times: [at('2027-03-27T22:30:00Z', '2027-03-27T23:15:00Z'), at('2027-10-30T22:30:00Z', '2027-10-30T23:15:00Z')],
  },
];

/** Every clock change, written by us and by the practitioner. */
export const clockChanges: readonly ConformanceCase[] = EDGES.flatMap((edge) => [
  {
    name: `times around ${edge.what} are written as meant`,
    unless: edge.ambiguous ? writesUnambiguously : writes,
    run: (context) => writeThem(context, edge),
  },
  {
    name: `times around ${edge.what} are read as they stand`,
    unless: edge.ambiguous ? notNaive : (): null => null,
    run: (context) => readThem(context, edge),
  },
]);

async function writeThem(context: CaseContext, { times, zone }: Edge): Promise<void> {
  for (const when of times) {
    const booking = context.booking(when);
    const object = await context.session.create(
      { ...booking, content: { ...booking.content, timeZone: zone } },
      context.call(),
    );
    expect(object).toMatchObject({ when, busy: [when] });
  }
  const seen = [...(await context.harness.remote.list())].sort((a, b) => a.start - b.start);
  expect(seen.map(({ start, end }) => ({ start, end }))).toEqual(times);
}

async function readThem(context: CaseContext, { times }: Edge): Promise<void> {
  for (const when of times) await context.harness.remote.put({ ...when, title: 'Visite' });
  const { added } = await context.mirror().pull(context.call().signal);
  expect(added.flatMap(({ busy }) => busy).sort((a, b) => a.start - b.start)).toEqual(times);
}
