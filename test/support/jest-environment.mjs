import { ModuleMocker } from 'jest-mock';

/**
 * A test file sees the worker's own globals, as the hub sees those of its process: no second `Error`, `Date` or `Array`
 * beside the ones of the packages, and no way round for every use of a global. What a file sets in the environment of
 * the process goes with it. There are no fake timers here.
 */
export default class ProcessEnvironment {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimers = null;
  fakeTimersModern = null;
  #variables = { ...process.env };
  #exit = process.exit;
  #console = globalThis.console;

  constructor(_config, { console }) {
    globalThis.console = console;
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  /** None of its own: the modules are made in the main context (jest-runtime.mjs). */
  getVmContext() {
    return undefined;
  }

  async setup() {}

  async teardown() {
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name];
    Object.assign(process.env, this.#variables);
    process.exit = this.#exit;
    globalThis.console = this.#console;
  }
}
