import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { runCase, type ConformanceCase } from './case.js';
import { CONFORMANCE } from './cases.js';
import type { Harness, Target } from './harness.js';

const CASE_MS = 60_000;
/** Backends under examination at once: most of a case's time is waiting for an answer that does not come. */
const LANES = 3;

interface Asked {
  readonly one: ConformanceCase;
  readonly outcome: PromiseWithResolvers<undefined>;
}

/** Puts a connector through the whole contract. What its capabilities rule out is skipped, with the reason in the name. */
export function describeConnectorConformance(target: Target): void {
  const { connector } = target;
  describe(`${connector.id} keeps the connector contract ${connector.specification}`, () => {
    const waiting: Asked[] = [];
    const harnesses: Harness[] = [];
    let lanes: Promise<unknown> = Promise.resolve();
    beforeAll(async () => {
      for (let lane = 0; lane < LANES; lane += 1) harnesses.push(await target.start());
      lanes = Promise.all(harnesses.map((harness) => examine(waiting, target, harness)));
    }, CASE_MS);
    afterAll(async () => {
      waiting.length = 0;
      await lanes;
      for (const harness of harnesses) await harness.stop();
    }, CASE_MS);
    for (const [chapter, cases] of Object.entries(CONFORMANCE)) {
      describe(chapter, () => {
        for (const one of cases) {
          const reason = one.unless(target);
          if (reason === null) it(one.name, ask(one, waiting), CASE_MS);
          else it.skip(`${one.name} (not asked: ${reason})`, () => undefined);
        }
      });
    }
  });
}

function ask(one: ConformanceCase, waiting: Asked[]): () => Promise<undefined> {
  const outcome = Promise.withResolvers<undefined>();
  // A case may fail before its turn to be told of.
  outcome.promise.catch(() => undefined);
  waiting.push({ one, outcome });
  return () => outcome.promise;
}

/** One lane: takes the next case that nobody has, until none is left; every lane has a backend of its own. */
async function examine(waiting: Asked[], target: Target, harness: Harness): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { one, outcome } = next;
    await runCase(one, target, harness).then(() => outcome.resolve(undefined), outcome.reject);
  }
}
