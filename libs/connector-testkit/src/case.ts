import type { FaultName, Harness, Target } from './harness.js';
import { CaseContext } from './context.js';

/** One sentence of the contract, and how to find out whether it is kept. */
export interface ConformanceCase {
  readonly name: string;
  /** Why this cannot be asked of the target, naming the capability or the missing door; `null` when it can. */
  readonly unless: (target: Target) => string | null;
  readonly run: (context: CaseContext) => Promise<void>;
}

export type Condition = ConformanceCase['unless'];

export const always: Condition = () => null;

export const writes: Condition = ({ connector }) => (connector.capabilities.write === 'none' ? 'write: none' : null);

/** A create may be repeated under one reference. */
export const repeatable: Condition = ({ connector }) =>
  connector.capabilities.idempotency === 'none' ? 'idempotency: none' : null;

/** The connector writes what a visit is called, not its time alone. */
export const writesText: Condition = ({ connector: { capabilities } }) =>
  capabilities.write === 'full' || capabilities.write === 'request' ? null : `write: ${capabilities.write}`;

/** What the connector writes is asked for, and answered later. */
export const asks: Condition = ({ connector }) =>
  connector.capabilities.write === 'request' ? null : `write: ${connector.capabilities.write}`;

/** What the connector writes stands at once. */
export const writesAtOnce: Condition = ({ connector }) =>
  ['full', 'busy-only'].includes(connector.capabilities.write) ? null : `write: ${connector.capabilities.write}`;

export const hasFault =
  (name: FaultName): Condition =>
  ({ faults }) =>
    faults.includes(name) ? null : `the harness has no fault "${name}"`;

/** The first reason not to ask. */
export const both =
  (...conditions: Condition[]): Condition =>
  (target) =>
    conditions.map((condition) => condition(target)).find((reason) => reason !== null) ?? null;

/** Runs one case on an agenda emptied before it. */
export async function runCase({ run }: ConformanceCase, target: Target, harness: Harness): Promise<void> {
  await harness.reset();
  const context = new CaseContext(target, harness);
  try {
    await run(context);
  } finally {
    context.session.close();
    await harness.clearFaults();
  }
}
