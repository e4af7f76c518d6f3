import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { HostileDone, HostileTask } from './hostile-child.js';
import { hostileServer } from './hostile-server.js';
import { XML_VENDOR } from '../support/vendor-rows.js';
import { asWorker, benchResult, type BenchResult } from './measure.js';

const FEEDS = ['mixed', 'many', 'large', 'wide', 'attached', 'lines', 'alarms', 'gzip', 'drip'];
const COLLECTIONS = ['mixed', 'attached', 'lines', 'entities', 'deep', 'rows'];
const JSONS = ['large', 'levels', 'members', 'wrong'];
const XMLS = ['entities', 'deep', 'rows', 'attributes'];

/**
 * Ten thousand items, every tenth hostile, as a feed and as a CalDAV calendar that is listed with its events or without;
 * files of a hundred thousand events, of 50 MB and of just less than is received, as feeds and as events of such a listing;
 * bombs of gzip and XML; a server that drips; vendors that answer with large, deep or endlessly wrong JSON and XML.
 * What one process needs above its idle memory for all of them, one after the other, and for how long its event loop was
 * held up.
 */
export async function benchHostile(short: boolean): Promise<BenchResult> {
  const server = await hostileServer(short ? 1000 : 10_000);
  const child = fork(path.join(import.meta.dirname, 'hostile-child.js'), [], asWorker());
  // Each wait listens for its end.
  child.setMaxListeners(0);
  const runs: HostileDone[] = [];
  const read = async (task: Omit<HostileTask, 'deadlineMs'>): Promise<void> => {
    child.send({ ...task, deadlineMs: task.name.endsWith('drip') ? 2000 : 60_000 } satisfies HostileTask);
    const [done] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [HostileDone | number | null];
    if (typeof done !== 'object' || done === null) throw new Error(`the process ended while it read ${task.name}`);
    runs.push(done);
  };
  try {
    await once(child, 'message');
    for (const name of FEEDS) await read({ name, connector: 'ics', url: `${server.url}${name}.ics`, agendaId: 'feed' });
    for (const name of COLLECTIONS)
      await read({ name: `dav-${name}`, connector: 'caldav', url: server.url, agendaId: `/${name}/` });
    for (const name of FEEDS)
      await read({ name: `listed-${name}`, connector: 'caldav', url: server.url, agendaId: `/listed-${name}/` });
    for (const name of JSONS)
      await read({ name: `json-${name}`, connector: 'in-house', url: `${server.url}json-${name}`, agendaId: '1' });
    for (const name of XMLS)
      await read({ name: `xml-${name}`, connector: XML_VENDOR, url: `${server.url}xml-${name}`, agendaId: '1' });
    child.send('end');
    await once(child, 'exit');
  } finally {
    child.kill();
    server.stop();
  }
  const metrics = {
    above_idle_mb: Math.max(...runs.map((run) => run.aboveIdleMb)),
    blocked_ms: Math.max(...runs.map((run) => run.blockedMs)),
    seconds: runs.reduce((sum, run) => sum + run.seconds, 0),
  };
  return benchResult('hostile', {}, { metrics, runs });
}
