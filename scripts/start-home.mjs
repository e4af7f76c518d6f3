// The folder .unisson: what `npm start` keeps between two runs, and who holds it.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { isAlive } from './processes.mjs';

export class StartError extends Error {}

/** Runs a file operation; a failure becomes one sentence. */
function guarded(folder, work) {
  try {
    return work();
  } catch (error) {
    if (!error.code || error instanceof StartError) throw error;
    throw new StartError(`Cannot write to ${folder} (${error.code}): check who owns it and whether the disk is full.`);
  }
}

const isLauncher = (pid) => {
  if (!isAlive(pid)) return false;
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('start-hub.mjs');
  } catch {
    // No /proc on this system: the number alone must do.
    return !fs.existsSync('/proc/self');
  }
};

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

export class Home {
  constructor(folder) {
    this.folder = folder;
    this.postgres = path.join(folder, 'postgres');
    this.vendors = path.join(folder, 'mock-vendors');
    this.logs = path.join(folder, 'logs');
  }

  #file(name) {
    return path.join(this.folder, name);
  }

  /** One hub per folder: the lock is a file with the holder's process id. */
  lock() {
    guarded(this.folder, () => fs.mkdirSync(this.folder, { recursive: true }));
    const file = this.#file('lock');
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      try {
        fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
        return;
      } catch (error) {
        if (error.code !== 'EEXIST') guarded(this.folder, () => fs.writeFileSync(file, ''));
      }
      const holder = Number(fs.readFileSync(file, 'utf8'));
      if (holder && isLauncher(holder)) {
        throw new StartError(`Unisson is already running from this folder (process ${holder}): stop it first.`);
      }
      guarded(this.folder, () => fs.rmSync(file, { force: true }));
    }
    throw new StartError(`Another start is under way in ${this.folder}: try again.`);
  }

  unlock() {
    if (Number(readJson(this.#file('lock'))) === process.pid) fs.rmSync(this.#file('lock'), { force: true });
  }

  /** Removes everything but the lock. */
  reset() {
    guarded(this.folder, () => {
      for (const name of fs.readdirSync(this.folder)) {
        if (name !== 'lock') fs.rmSync(this.#file(name), { recursive: true, force: true });
      }
    });
  }

  /** Passwords and the master key of this hub, made once. */
  secrets() {
    const known = readJson(this.#file('secrets.json'));
    if (known) return known;
    if (fs.existsSync(path.join(this.postgres, 'data'))) {
      throw new StartError(`${this.#file('secrets.json')} is missing, so the data cannot be opened.`);
    }
    const password = () => randomBytes(24).toString('base64url');
    return this.#store('secrets.json', {
      superuser: password(),
      owner: password(),
      app: password(),
      masterKeys: `k1:${randomBytes(32).toString('base64')}`,
    });
  }

  /** What the seed made, keys included; `null` before the first seed. */
  get demonstration() {
    return readJson(this.#file('demonstration.json'));
  }

  set demonstration(value) {
    this.#store('demonstration.json', value);
  }

  logFile(name) {
    guarded(this.folder, () => fs.mkdirSync(this.logs, { recursive: true, mode: 0o700 }));
    return path.join(this.logs, `${name}.log`);
  }

  #store(name, value) {
    const file = this.#file(name);
    guarded(this.folder, () => {
      // Written aside, then renamed: a crash leaves the old file or the new one.
      fs.writeFileSync(`${file}.new`, JSON.stringify(value, null, 2), { mode: 0o600 });
      fs.renameSync(`${file}.new`, file);
    });
    return value;
  }
}
