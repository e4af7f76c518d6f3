import { setTimeout as delay } from 'node:timers/promises';
import type { CallOptions } from '#connector-sdk';
import { Effects } from './ports.js';

/** The effects of a running process. Sleeping does not keep the process alive. */
export class RuntimeEffects extends Effects {
  now(): number {
    return Date.now();
  }

  async sleep(ms: number): Promise<void> {
    await delay(ms, undefined, { ref: false });
  }

  random(): number {
    return Math.random();
  }

  deadline(ms: number): CallOptions {
    return { signal: AbortSignal.timeout(ms) };
  }
}
