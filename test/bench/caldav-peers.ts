import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DavProxy } from '../support/dav-proxy.js';
import { residentPeakMb } from './measure.js';

/** The calendar that every synchroniser is given. */
export interface PeerAccount {
  readonly proxy: DavProxy;
  readonly user: string;
  readonly password: string;
  /** Path of the collection. */
  readonly calendar: string;
}

export interface PeerStep {
  readonly seconds: number;
  readonly requests: number;
  readonly peakMb: number;
}

export type PeerStepName = 'full' | 'noop' | 'delta';

/** Another synchroniser, with what it remembers between its steps; each step is a process of its own. */
export interface Peer {
  readonly name: string;
  step(name: PeerStepName): Promise<PeerStep>;
  end(): void;
}

/** Debian's vdirsyncer, if it is installed, between the calendar and a folder. */
export function vdirsyncer({ proxy, user, password, calendar }: PeerAccount): Peer | null {
  if (spawnSync('vdirsyncer', ['--version']).status !== 0) return null;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'unisson-vdirsyncer-'));
  const config = path.join(folder, 'config');
  mkdirSync(path.join(folder, 'here'));
  const text = (value: string): string => JSON.stringify(value);
  writeFileSync(
    config,
    `[general]
status_path = ${text(path.join(folder, 'status'))}
[pair agenda]
a = "there"
b = "here"
collections = null
conflict_resolution = "a wins"
[storage there]
type = "caldav"
url = ${text(new URL(calendar, proxy.url).href)}
username = ${text(user)}
password = ${text(password)}
[storage here]
type = "filesystem"
path = ${text(path.join(folder, 'here'))}
fileext = ".ics"
`,
  );
  const run = async (words: readonly string[]): Promise<PeerStep> => {
    proxy.take();
    const from = performance.now();
    const { peakMb } = await runToEnd('vdirsyncer', ['--config', config, ...words]);
    return { seconds: (performance.now() - from) / 1000, requests: proxy.take().length, peakMb };
  };
  let discovered = false;
  return {
    name: 'vdirsyncer',
    async step() {
      // Done once by its users, and not counted.
      if (!discovered) await run(['discover', '--no-list']);
      discovered = true;
      return run(['sync']);
    },
    end: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** tsdav of npm, timed inside its process: without the start of Node. */
export function tsdav({ proxy, user, password, calendar }: PeerAccount): Peer {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'unisson-tsdav-'));
  return {
    name: 'tsdav',
    async step(name) {
      proxy.take();
      const program = path.resolve('test/bench/tsdav-peer.mjs');
      const words = [program, proxy.url, user, password, calendar, path.join(folder, 'state'), name];
      const { output, peakMb } = await runToEnd(process.execPath, words);
      const { seconds } = JSON.parse(output) as { seconds: number };
      return { seconds, peakMb, requests: proxy.take().length };
    },
    end: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function runToEnd(
  program: string,
  words: readonly string[],
): Promise<{ readonly output: string; readonly peakMb: number }> {
  const child = spawn(program, [...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors, peakMb] = ['', '', 0];
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  let status: number | null | undefined;
  child.once('exit', (code) => (status = code));
  child.once('error', () => (status = null));
  while (status === undefined) {
    peakMb = Math.max(peakMb, child.pid === undefined ? 0 : residentPeakMb(child.pid));
    await delay(20);
  }
  if (status !== 0) throw new Error(`${program} failed: ${errors.slice(-500)}`);
  return { output, peakMb };
}
