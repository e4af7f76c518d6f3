import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { runCase } from './case.js';
import { CONFORMANCE } from './cases.js';
import type { Harness, Target } from './harness.js';

const CASE_MS = 60_000;

/** Puts a connector through the whole contract. What its capabilities rule out is skipped, with the reason in the name. */
export function describeConnectorConformance(target: Target): void {
  const { connector } = target;
  describe(`${connector.id} keeps the connector contract ${connector.specification}`, () => {
    let harness: Harness;
    beforeAll(async () => {
      harness = await target.start();
    }, CASE_MS);
    afterAll(async () => {
      await harness.stop();
    });
    for (const [chapter, cases] of Object.entries(CONFORMANCE)) {
      describe(chapter, () => {
        for (const one of cases) {
          const reason = one.unless(target);
          if (reason === null) it(one.name, () => runCase(one, target, harness), CASE_MS);
          else it.skip(`${one.name} (not asked: ${reason})`, () => undefined);
        }
      });
    }
  });
}
