import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ICAL from 'ical.js';
import { expand, ianaZone, readCalendarObject, UTC } from '#icalendar';
import { benchResult, median, type BenchResult } from './measure.js';

const FOLDER = path.resolve('../shared/ics-corpus');
/** Files of others whose expansion independent engines agree on. */
const EXACT = new Set(['upstream', 'consensus', 'majority']);
const [WARM_UP, ROUNDS, TIMES] = [30, 15, 20];

interface Case {
  readonly id: string;
  readonly window: readonly [string, string];
  readonly tz: string;
  readonly status: string;
  readonly expected: readonly (readonly [string, string])[] | null;
}

interface Job {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly zone: string;
}

type Expander = (job: Job) => readonly (readonly [number, number])[];

const ours: Expander = ({ text, from, to, zone }) =>
  expand(readCalendarObject(text), { window: { start: from, end: to }, local: ianaZone(zone) ?? UTC }).map(
    ({ start, end }) => [start, end] as const,
  );

/** What a program does with ical.js that takes its documentation at its word. */
const plain: Expander = ({ text, from, to }) => {
  const calendar = new ICAL.Component(ICAL.parse(text) as unknown[]);
  for (const zone of calendar.getAllSubcomponents('vtimezone')) ICAL.TimezoneService.register(zone);
  const events = calendar.getAllSubcomponents('vevent').map((event) => new ICAL.Event(event));
  const found: (readonly [number, number])[] = [];
  const take = (start: ICAL.Time, end: ICAL.Time): boolean => {
    const [at, until] = [start.toJSDate().getTime(), end.toJSDate().getTime()];
    if (at < to && (until > from || (at === until && at >= from))) found.push([at, until]);
    return at < to;
  };
  for (const event of events.filter((each) => !each.isRecurrenceException())) {
    for (const other of events)
      if (other.isRecurrenceException() && other.uid === event.uid) event.relateException(other);
    if (!event.isRecurring()) {
      take(event.startDate, event.endDate);
      continue;
    }
    const steps = event.iterator();
    for (let next = steps.next(); next; next = steps.next()) {
      const { startDate, endDate } = event.getOccurrenceDetails(next);
      if (!take(startDate, endDate)) break;
    }
  }
  ICAL.TimezoneService.reset();
  return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
};

function isRight(expander: Expander, job: Job, { expected }: Case): boolean {
  try {
    const wanted = (expected ?? []).map(([start, end]) => [Date.parse(start), Date.parse(end)]);
    return JSON.stringify(expander(job)) === JSON.stringify(wanted);
  } catch {
    return false;
  }
}

/** Microseconds for one expansion, text to instances. */
function timeOf(expander: Expander, job: Job): number {
  const from = performance.now();
  for (let n = 0; n < TIMES; n += 1) expander(job);
  return ((performance.now() - from) * 1000) / TIMES;
}

/** Both in turn, over all files in turn: none of them is measured before the runtime has compiled what it needs. */
function timesOf(jobs: readonly Job[], rounds: number): { ours: number; plain: number }[] {
  const measured = jobs.map(() => ({ ours: [] as number[], plain: [] as number[] }));
  for (let round = 0; round < rounds + WARM_UP; round += 1)
    for (const [index, job] of jobs.entries()) {
      const [oursTook, plainTook] = [timeOf(ours, job), timeOf(plain, job)];
      if (round < WARM_UP) continue;
      measured[index]?.ours.push(oursTook);
      measured[index]?.plain.push(plainTook);
    }
  return measured.map((times) => ({ ours: median(times.ours), plain: median(times.plain) }));
}

/** Text to instances, beside a plain loop of ical.js, on the calendar files of others that such a loop gets right as we do. */
export function benchRecurrence(short: boolean): Promise<BenchResult> {
  if (!existsSync(FOLDER)) throw new Error(`the calendar files of ${FOLDER} are not there`);
  const cases = readdirSync(path.join(FOLDER, 'expected'))
    .map((name) => JSON.parse(readFileSync(path.join(FOLDER, 'expected', name), 'utf8')) as Case)
    .filter(({ status }) => EXACT.has(status));
  const beside: { id: string; job: Job }[] = [];
  let [right, plainRight] = [0, 0];
  for (const each of cases) {
    const text = readFileSync(path.join(FOLDER, 'ics', `${each.id}.ics`), 'utf8');
    const [from, to] = [Date.parse(each.window[0]), Date.parse(each.window[1])];
    const job = { text, from, to, zone: each.tz };
    const [isOurs, isPlain] = [isRight(ours, job, each), isRight(plain, job, each)];
    right += Number(isOurs);
    plainRight += Number(isPlain);
    if (isOurs && isPlain) beside.push({ id: each.id, job });
  }
  const times = timesOf(
    beside.map(({ job }) => job),
    short ? 3 : ROUNDS,
  );
  const runs = beside.map(({ id }, index) => {
    const { ours: us = NaN, plain: icaljs = NaN } = times[index] ?? {};
    return { id, ours: us, plain: icaljs, ratio: icaljs / us };
  });
  const sum = (of: 'ours' | 'plain'): number => runs.reduce((total, run) => total + run[of], 0);
  const metrics = {
    files: cases.length,
    files_right: right,
    files_right_icaljs: plainRight,
    files_compared: runs.length,
    ours_us: sum('ours') / runs.length,
    icaljs_us: sum('plain') / runs.length,
    ratio_to_icaljs: sum('plain') / sum('ours'),
    ratio_to_icaljs_worst: Math.min(...runs.map((run) => run.plain / run.ours)),
  };
  return Promise.resolve(benchResult('recurrence', { 'ical.js': '2.2.1' }, { metrics, runs }));
}
