import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { startPostgres } from '#scripts/postgres.mjs';
import { DavProxy } from '../support/dav-proxy.js';
import { createTestDatabase } from '../support/postgres.js';
import { createPractice, openPool } from '../support/practice.js';
import { RadicaleServer } from '../support/radicale.js';
import { practitionerCalendar, retitled } from './calendars.js';
import type { ChildSetup, Step, StepDone } from './caldav-child.js';
import { benchResult, type BenchResult } from './measure.js';

const SIZES = [1000, 5000] as const;
/** As the worker is started (scripts/start-hub.mjs, docker-compose.yml). */
const WORKER_FLAGS = ['--max-semi-space-size=4'];
const CHANGES = 10;
const USER = 'anne';
const PASSWORD = 'bench';

interface Measured {
  readonly seconds: number;
  readonly requests: number;
  readonly peakMb: number;
}

/** First sync, nothing to do, ten changes made there, ten bookings made here, on a Radicale calendar of each size. */
export async function benchCaldav(short: boolean): Promise<BenchResult> {
  const metrics: Record<string, number> = {};
  const runs: unknown[] = [];
  for (const size of short ? [SIZES[0]] : SIZES) {
    const measured = await measureSize(size);
    runs.push({ size, ...measured });
    const prefix = `radicale_${String(size)}`;
    for (const [step, { seconds, requests }] of Object.entries(measured)) {
      metrics[`${prefix}_${step}_s`] = seconds;
      metrics[`${prefix}_${step}_requests`] = requests;
    }
    metrics[`${prefix}_rss_mb`] = measured.full.peakMb;
  }
  return benchResult('caldav', {}, { metrics, runs });
}

async function measureSize(size: number): Promise<Record<'full' | 'noop' | 'delta' | 'push', Measured>> {
  const postgres = await startPostgres({ settings: { max_connections: 50 } });
  const radicale = await RadicaleServer.start({ [USER]: PASSWORD });
  const proxy = await DavProxy.start(radicale.url);
  let child: ChildProcess | undefined;
  try {
    const objects = practitionerCalendar(size, Date.now());
    const calendar = radicale.importCalendar(USER, 'agenda', objects);
    await warm(radicale, calendar);
    child = await startChild({ postgres: postgres.url(), proxy: proxy.url, calendar });
    const full = await step(child, proxy, 'full');
    await step(child, proxy, 'sync');
    const noop = await step(child, proxy, 'sync');
    for (const [name, body] of Object.entries(objects).slice(0, CHANGES)) {
      const answer = await radicale.request(USER, 'PUT', `${calendar}${name}.ics`, {
        body: retitled(body),
        headers: { 'content-type': 'text/calendar' },
      });
      if (!answer.ok) throw new Error(`radicale refused a change (${String(answer.status)})`);
    }
    const delta = await step(child, proxy, 'sync');
    const push = await step(child, proxy, 'push');
    child.send('end');
    await once(child, 'exit');
    return { full, noop, delta, push };
  } finally {
    child?.kill();
    await proxy.stop();
    await radicale.stop();
    await postgres.stop();
  }
}

/** Radicale reads every file once before it can list a calendar: that is its start, not ours. */
async function warm(radicale: RadicaleServer, calendar: string): Promise<void> {
  const body =
    '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>';
  // Not fetch: it does not survive a server that closes while much of its answer is still unread.
  const asked = request(new URL(calendar, radicale.url), {
    method: 'REPORT',
    auth: `${USER}:${PASSWORD}`,
    headers: { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) },
  });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  if (answer.statusCode !== 207) throw new Error(`radicale does not list its calendar (${String(answer.statusCode)})`);
}

async function startChild(on: { postgres: string; proxy: string; calendar: string }): Promise<ChildProcess> {
  const { appUrl } = await createTestDatabase(on.postgres);
  const pool = openPool(appUrl, 2);
  const practice = await createPractice(pool, { minutes: 5 });
  await pool.end();
  const setup: ChildSetup = {
    url: appUrl,
    practice,
    account: {
      settings: { url: new URL(on.calendar, on.proxy).href },
      secrets: { auth: { type: 'basic', username: USER, password: PASSWORD } },
      remoteAgendaId: on.calendar,
    },
    pushes: CHANGES,
  };
  const program = path.join(import.meta.dirname, 'caldav-child.js');
  const child = fork(program, [JSON.stringify(setup)], { execArgv: WORKER_FLAGS });
  const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
  if (message !== 'ready') throw new Error('the process of the bench did not start');
  return child;
}

async function step(child: ChildProcess, proxy: DavProxy, name: Step): Promise<Measured> {
  proxy.take();
  child.send(name);
  const [done] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [StepDone | number | null];
  if (typeof done !== 'object' || done === null) throw new Error(`the process of the bench ended during ${name}`);
  return { ...done, requests: proxy.take().length };
}
