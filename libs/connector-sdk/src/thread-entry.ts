import { parentPort } from 'node:worker_threads';
import type { ThreadAnswer } from './threads.js';

/** What a thread runs: it loads the module of a task, and makes one value of it at each request. */
type Task = (input: unknown) => Iterator<unknown>;
interface Begin {
  readonly module: string;
  readonly run: string;
  readonly input: unknown;
}
/** The module alone: to be loaded, for what comes later. */
type Request = 'next' | Begin | Pick<Begin, 'module'>;

let current: Promise<Iterator<unknown>> | null = null;

async function begin({ module, run, input }: Begin): Promise<Iterator<unknown>> {
  const loaded = (await import(module)) as Readonly<Record<string, Task>>;
  const task = loaded[run];
  if (task === undefined) throw new TypeError(`no task ${run}`);
  return task(input);
}

async function answer(): Promise<ThreadAnswer> {
  try {
    const step = (await current)?.next();
    if (step !== undefined && step.done !== true) return { value: step.value };
    // What it read is not kept until the next one begins.
    current = null;
    return { done: true };
  } catch (error) {
    current = null;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { failed: { name, message } };
  }
}

parentPort?.on('message', (request: Request) => {
  if (request === 'next') {
    void answer().then((given) => parentPort?.postMessage(given));
    return;
  }
  if (!('run' in request)) {
    // Why it cannot be loaded, a task will tell.
    import(request.module).catch(() => undefined);
    return;
  }
  current = begin(request);
  // Told at the first request for a value.
  current.catch(() => undefined);
});
