import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { drainLane } from '#application';
import type { OpenQueue } from './queue.js';

// A dead worker is noticed within a second or two instead of a minute.
export const FAST = { lockDuration: 1_000, stalledInterval: 500, runRetryDelay: 100 };

export const lane = () => ({ organizationId: randomUUID(), agendaId: randomUUID() });

export async function until(condition: () => boolean, timeoutMs = 15_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms`);
    await sleep(10);
  }
}

/** Wakes again and again until the store takes it. */
export async function untilTaken(queue: OpenQueue, data: { organizationId: string; agendaId: string }): Promise<void> {
  const end = Date.now() + 5_000;
  for (;;) {
    try {
      await queue.alarm.wake(drainLane, data);
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(50);
    }
  }
}

/** A run that the test ends when it likes. */
export function gate(): { open: () => void; passed: Promise<void> } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}
