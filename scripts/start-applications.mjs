import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { StartError } from './start-home.mjs';
import { root } from './setup.mjs';

const FOLLOW_PARENT = pathToFileURL(path.join(root, 'scripts/follow-parent.mjs')).href;
const READY_TIMEOUT_MS = 60_000;
const GRACE_MS = 3000;

const lastLines = (file) => {
  const lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  return lines.slice(-20).join('\n');
};

/** Runs a command of ours to its end and returns what it printed. */
export async function runToEnd(entry, parameters, { env, logFile }) {
  const log = fs.openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, ['--import', FOLLOW_PARENT, path.join(root, entry), ...parameters], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', log],
    detached: true,
  });
  fs.closeSync(log);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code === 0) return output;
  throw new StartError(`The step "${parameters.join(' ')}" failed:\n${lastLines(logFile)}`);
}

/** The processes of a running hub. */
export class Applications {
  #running = new Map();
  #stopping = false;
  #onDeath;

  /** `onDeath` hears a text about an application that ended without having been told to. */
  constructor(onDeath) {
    this.#onDeath = onDeath;
  }

  start(name, entry, { flags = [], parameters = [], env, logFile }) {
    const log = fs.openSync(logFile, 'w', 0o600);
    const command = [
      '--enable-source-maps',
      ...flags,
      '--import',
      FOLLOW_PARENT,
      path.join(root, entry),
      ...parameters,
    ];
    const child = spawn(process.execPath, command, { cwd: root, env, stdio: ['ignore', log, log], detached: true });
    fs.closeSync(log);
    this.#running.set(name, child);
    child.on('exit', (code, signal) => {
      this.#running.delete(name);
      if (this.#stopping) return;
      this.#onDeath(`${name} ended (${signal ?? `code ${code}`}); its last lines:\n${lastLines(logFile)}`);
    });
  }

  async untilReady(url, name) {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (Date.now() < deadline && !this.#stopping) {
      try {
        const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
        await answer.arrayBuffer();
        if (answer.ok) return;
      } catch {
        // Not listening yet.
      }
      await sleep(50);
    }
    if (!this.#stopping) throw new StartError(`${name} was not ready after ${READY_TIMEOUT_MS / 1000} s.`);
  }

  /** Asks every process to end, and ends those that do not within three seconds. */
  async stop() {
    this.#stopping = true;
    const children = [...this.#running.values()];
    for (const child of children) child.kill('SIGTERM');
    const deadline = setTimeout(() => children.forEach((child) => child.kill('SIGKILL')), GRACE_MS);
    await Promise.all(children.map((child) => hasEnded(child)));
    clearTimeout(deadline);
  }
}

function hasEnded(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', resolve));
}
