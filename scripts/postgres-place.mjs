// The folder a PostgreSQL lives in: as whom it runs, how its path is reached, its data directory, what an earlier run left.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installedBinaries, PostgresError, usableBinaries } from './postgres-binaries.mjs';
import { childrenOf, isAlive, signal } from './processes.mjs';

/**
 * PostgreSQL refuses to run as root, and initdb needs an account that /etc/passwd knows.
 * An existing data directory stays with the account that made it.
 */
function unprivilegedAccount(data) {
  if (process.getuid?.() !== 0) return null;
  const owner = fs.statSync(data, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const accounts = fs.readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = accounts.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new PostgresError('Running as root, but /etc/passwd has neither "postgres" nor "nobody" to run PostgreSQL as.');
}

export function pidFile(data) {
  try {
    const lines = fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), ready: lines[7]?.trim() === 'ready' };
  } catch {
    return null;
  }
}

/** Ends a server left by a killed launcher, and drops a pid file whose number now belongs to another program. */
export async function clearLeftOver(data) {
  const left = pidFile(data);
  if (!left || !isAlive(left.pid) || !fs.existsSync('/proc/self/cwd')) return;
  let folder = null;
  try {
    folder = fs.realpathSync(fs.readlinkSync(`/proc/${left.pid}/cwd`));
  } catch {
    // Another user's process, or it ended meanwhile: not our server.
  }
  if (folder !== fs.realpathSync(data)) {
    fs.rmSync(path.join(data, 'postmaster.pid'), { force: true });
    return;
  }
  // It may have been frozen when its launcher died.
  signal([left.pid, ...childrenOf(left.pid)], 'SIGCONT');
  signal([left.pid], 'SIGINT');
  for (let waited = 0; waited < 5000 && isAlive(left.pid); waited += 50) await sleep(50);
  if (isAlive(left.pid)) throw new PostgresError(`Another PostgreSQL (pid ${left.pid}) is using ${data}.`);
}

/** Where things are and as whom they run. `reach` is the data folder's path as the server is told it. */
export function prepare(dir, native = installedBinaries()) {
  const data = path.join(dir, 'data');
  const account = unprivilegedAccount(data);
  const bin = usableBinaries(native, account);
  try {
    // The folder itself stays ours: root writes the log here, where the other account must not plant links.
    fs.mkdirSync(dir, { recursive: true });
    fs.chmodSync(dir, account ? 0o711 : 0o700);
    fs.accessSync(dir, fs.constants.W_OK);
  } catch (error) {
    throw new PostgresError(`Cannot write to ${dir} (${error.code}).`);
  }
  // As root, the checkout may lie in a home that the unprivileged account cannot enter. Its processes are started
  // with the data folder as working directory (node changes into it while still root), and /proc/self/cwd leads there
  // without walking the path. Nothing else of the home becomes readable, and the data stays in the checkout.
  const magic = account && fs.existsSync('/proc/self/cwd');
  return { dir, data, bin, account, logFile: path.join(dir, 'log'), reach: magic ? '/proc/self/cwd' : data };
}

export const environment = () => ({ PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' });

export function initialise(place, password) {
  if (fs.existsSync(path.join(place.data, 'PG_VERSION'))) return;
  if (fs.existsSync(place.data) && fs.readdirSync(place.data).length > 0) {
    throw new PostgresError(`The data directory ${place.data} is broken (no PG_VERSION file in it).`);
  }
  fs.mkdirSync(place.data, { recursive: true, mode: 0o700 });
  if (place.account) fs.chownSync(place.data, place.account.uid, place.account.gid);
  const secretFile = path.join(place.dir, 'initial-password');
  if (password) {
    fs.writeFileSync(secretFile, `${password}\n`, { mode: 0o600 });
    if (place.account) fs.chownSync(secretFile, place.account.uid, place.account.gid);
  }
  const authentication = password
    ? ['-A', 'scram-sha-256', `--pwfile=${place.reach}/../initial-password`]
    : ['-A', 'trust'];
  const result = spawnSync(
    path.join(place.bin, 'initdb'),
    ['-D', place.reach, '-U', 'postgres', ...authentication, '-E', 'UTF8', '--locale=C', '--no-sync', '-k'],
    { ...place.account, cwd: place.data, env: environment(), encoding: 'utf8' },
  );
  fs.rmSync(secretFile, { force: true });
  if (result.status === 0) return;
  fs.rmSync(place.data, { recursive: true, force: true });
  const reason = result.error?.message ?? result.stderr.trim().split('\n').at(-1);
  throw new PostgresError(`PostgreSQL could not create its data directory ${place.data}: ${reason}`);
}
