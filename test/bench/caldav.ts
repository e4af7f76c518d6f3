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
import { tsdav, vdirsyncer, type Peer, type PeerStep, type PeerStepName } from './caldav-peers.js';
import type { ChildSetup, Step, StepDone } from './caldav-child.js';
import { asWorker, benchResult, type BenchResult } from './measure.js';

const SIZES = [1000, 5000] as const;
const CHANGES = 10;
const USER = 'anne';
const PASSWORD = 'bench';
/** Folder with the `bin` of another PostgreSQL than that of npm, which is built to be small. */
const NATIVE = process.env.BENCH_POSTGRES;

interface Measured {
  readonly seconds: number;
  readonly requests: number;
  readonly peakMb: number;
}

const STEPS: readonly PeerStepName[] = ['full', 'noop', 'delta'];

interface Comparison {
  /** Version of the server. */
  readonly postgresql: string;
  readonly ours: Record<PeerStepName | 'learn' | 'push' | 'read', Measured>;
  /** By name of the peer. */
  readonly peers: Record<string, Record<PeerStepName, PeerStep>>;
}

/**
 * First sync, what is found out once about the calendar (`learn`), nothing to do, ten changes made there, ten bookings made
 * here, on a Radicale calendar of each size; beside it vdirsyncer (where it is installed) and tsdav on the same calendar,
 * `vs_…`: their time divided by ours. tsdav downloads and understands nothing of it, so that its first sync is compared with
 * our reading (`read`), too: everything parsed and expanded, nothing stored.
 */
export async function benchCaldav(short: boolean): Promise<BenchResult> {
  const metrics: Record<string, number> = {};
  const runs: unknown[] = [];
  let versions = {};
  for (const size of short ? [SIZES[0]] : SIZES) {
    const { postgresql, ours, peers } = await measureSize(size);
    versions = { postgresql };
    runs.push({ size, ours, ...peers });
    const prefix = `radicale_${String(size)}`;
    for (const [step, { seconds, requests }] of Object.entries(ours)) {
      metrics[`${prefix}_${step}_s`] = seconds;
      metrics[`${prefix}_${step}_requests`] = requests;
    }
    metrics[`${prefix}_rss_mb`] = Math.max(...Object.values(ours).map(({ peakMb }) => peakMb));
    for (const [name, steps] of Object.entries(peers))
      for (const step of STEPS)
        metrics[`vs_${name}_${String(size)}_${step}`] = steps[step].seconds / ours[step].seconds;
    const { tsdav: downloads } = peers;
    if (downloads) metrics[`vs_tsdav_${String(size)}_read`] = downloads.full.seconds / ours.read.seconds;
  }
  return benchResult('caldav', versions, { metrics, runs });
}

async function measureSize(size: number): Promise<Comparison> {
  const server = await startPostgres({ settings: { max_connections: 50 }, ...(NATIVE && { native: NATIVE }) });
  const radicale = await RadicaleServer.start({ [USER]: PASSWORD });
  const proxy = await DavProxy.start(radicale.url);
  let child: ChildProcess | undefined;
  try {
    const objects = practitionerCalendar(size, Date.now());
    const calendar = radicale.importCalendar(USER, 'agenda', objects);
    await warm(radicale, calendar);
    const { appUrl } = await createTestDatabase(server.url());
    const pool = openPool(appUrl, 2);
    const { rows } = await pool.query<{ server_version: string }>('SHOW server_version');
    const practice = await createPractice(pool, { minutes: 5 });
    await pool.end();
    child = await startChild({ url: appUrl, practice, proxy: proxy.url, calendar });
    const full = await step(child, proxy, 'full');
    const learn = await step(child, proxy, 'learn');
    const noop = await step(child, proxy, 'sync');
    const change = (): Promise<void> => retitleSome(radicale, calendar, objects);
    await change();
    const delta = await step(child, proxy, 'sync');
    const push = await step(child, proxy, 'push');
    const read = await step(child, proxy, 'read');
    child.send('end');
    await once(child, 'exit');
    const account = { proxy, user: USER, password: PASSWORD, calendar };
    const peers = await measurePeers([vdirsyncer(account), tsdav(account)], change);
    return { postgresql: rows[0]?.server_version ?? '', ours: { full, learn, noop, delta, push, read }, peers };
  } finally {
    child?.kill();
    await proxy.stop();
    await radicale.stop();
    await server.stop();
  }
}

/** Ten events get another title, a new one each time. */
async function retitleSome(
  radicale: RadicaleServer,
  calendar: string,
  objects: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, body] of Object.entries(objects).slice(0, CHANGES)) {
    const answer = await radicale.request(USER, 'PUT', `${calendar}${name}.ics`, {
      body: retitled(body, new Date().toISOString()),
      headers: { 'content-type': 'text/calendar' },
    });
    if (!answer.ok) throw new Error(`radicale refused a change (${String(answer.status)})`);
  }
}

async function measurePeers(
  peers: readonly (Peer | null)[],
  change: () => Promise<void>,
): Promise<Comparison['peers']> {
  const measured: Comparison['peers'] = {};
  for (const peer of peers) {
    if (peer === null) {
      process.stderr.write('vdirsyncer is not installed (apt-get install vdirsyncer): no comparison with it\n');
      continue;
    }
    try {
      const full = await peer.step('full');
      // What a first run leaves to a second is not counted, as with ours.
      await peer.step('noop');
      const noop = await peer.step('noop');
      await change();
      measured[peer.name] = { full, noop, delta: await peer.step('delta') };
    } finally {
      peer.end();
    }
  }
  return measured;
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

async function startChild({
  url,
  practice,
  proxy,
  calendar,
}: Pick<ChildSetup, 'url' | 'practice'> & { proxy: string; calendar: string }): Promise<ChildProcess> {
  const setup: ChildSetup = {
    url,
    practice,
    account: {
      settings: { url: new URL(calendar, proxy).href },
      secrets: { auth: { type: 'basic', username: USER, password: PASSWORD } },
      remoteAgendaId: calendar,
    },
    pushes: CHANGES,
  };
  const program = path.join(import.meta.dirname, 'caldav-child.js');
  const child = fork(program, [JSON.stringify(setup)], asWorker());
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
