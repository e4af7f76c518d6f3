import { writeSync } from 'node:fs';
import { openHub } from '../support/hub.js';
import { around, type Arrive } from './announced.js';
import { perform, type Desk, type Step } from './steps.js';

/** What the process is to do, and where it is to die. */
export interface Orders {
  readonly url: string;
  /** Port, method and side of the call: `writes.sent:after`. */
  readonly point: string;
  /** At which arrival there, from 1. */
  readonly nth: number;
  readonly settleMs: number;
  readonly desk: Desk;
  readonly step: Step;
}

async function main({ url, point, nth, settleMs, desk, step }: Orders): Promise<void> {
  let arrivals = 0;
  const arrive: Arrive = (here) => {
    if (here !== point) return;
    arrivals += 1;
    if (arrivals === nth) process.kill(process.pid, 'SIGKILL');
  };
  const hub = await openHub({ url, poolSize: 3, around: around(settleMs, arrive) });
  const answer = await perform(hub, desk, step, 8_000);
  await hub.close();
  writeSync(1, JSON.stringify({ answer, arrivals }));
}

await main(JSON.parse(process.argv[2] ?? '') as Orders);
