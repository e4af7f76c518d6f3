import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { connectors } from '#connectors';
import type { PullItem } from '#connector-sdk';
import { VENDOR_ROWS } from '../support/vendor-rows.js';
import { residentPeakMb } from './measure.js';

/** One thing to read, as a hub would. */
export interface HostileTask {
  readonly name: string;
  readonly connector: string;
  readonly url: string;
  readonly agendaId: string;
  readonly deadlineMs: number;
}

export interface HostileDone {
  readonly name: string;
  readonly seconds: number;
  /** What was told of it, by kind, or why nothing was. */
  readonly outcome: Readonly<Record<string, number>> | string;
  /** Longest time in which the event loop did nothing else, in milliseconds. */
  readonly blockedMs: number;
  /** Highest resident memory so far above that of the idle process, in MB. */
  readonly aboveIdleMb: number;
}

function accountOf({ connector, url }: HostileTask): readonly [settings: object, secrets: object] {
  if (connector === 'ics') return [{}, { url }];
  if (connector === 'caldav') return [{ url }, { auth: { type: 'basic', username: 'anne', password: 'bench' } }];
  return [{ baseUrl: url }, VENDOR_ROWS.find(({ id }) => id === connector)?.secrets ?? {}];
}

const DAY = 86_400_000;
const RESOLUTION_MS = 5;

async function read(task: HostileTask): Promise<HostileDone['outcome']> {
  const { connector, agendaId, deadlineMs } = task;
  const known = connectors.get(connector);
  if (known === undefined) throw new Error(`no connector ${connector}`);
  const [settings, secrets] = accountOf(task);
  const account = { settings: known.config.settings.parse(settings), secrets: known.config.secrets.parse(secrets) };
  const session = known.open(account, { timeoutMs: 30_000, allowPrivateNetworks: true, now: () => Date.now() });
  const window = { start: Date.now() - 31 * DAY, end: Date.now() + 183 * DAY };
  const request = {
    agendaId,
    window,
    cursor: null,
    timeZone: 'Europe/Paris',
    known: () => Promise.resolve(new Map<string, string | null>()),
  };
  const items: PullItem[] = [];
  try {
    for await (const item of session.pull(request, { signal: AbortSignal.timeout(deadlineMs) })) items.push(item);
  } catch (error) {
    return error instanceof Error ? error.message : 'an error';
  } finally {
    session.close();
  }
  const outcome: Record<string, number> = {};
  for (const item of items)
    if (item.type === 'changes') for (const { kind } of item.changes) outcome[kind] = (outcome[kind] ?? 0) + 1;
  return outcome;
}

await delay(500);
const idle = process.memoryUsage().rss / 2 ** 20;

process.on('message', (task: HostileTask | 'end') => {
  if (task === 'end') process.exit(0);
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const from = performance.now();
  void read(task).then((outcome) => {
    histogram.disable();
    process.send?.({
      name: task.name,
      outcome,
      seconds: (performance.now() - from) / 1000,
      blockedMs: Math.max(0, histogram.max / 1e6 - RESOLUTION_MS),
      aboveIdleMb: residentPeakMb() - idle,
    } satisfies HostileDone);
  });
});
process.send?.('ready');
