import { parentPort } from 'node:worker_threads';
import type { ThreadAnswer } from './threads.js';

/** What a thread runs: it loads the module of a task, and makes one value of it at each request. */
type Task = (input: unknown) => Iterator<unknown>;
interface Begin {
  readonly module: string;
  readonly run: string;
  readonly input: unknown;
  /** What of it was handed over. */
  readonly handed: readonly ArrayBuffer[];
}
/** The module alone: to be loaded, for what comes later. */
type Request = 'next' | Begin | Pick<Begin, 'module'>;

let current: Promise<Iterator<unknown>> | null = null;
let handed: readonly ArrayBuffer[] = [];

async function begin({ module, run, input }: Begin): Promise<Iterator<unknown>> {
  const loaded = (await import(module)) as Readonly<Record<string, Task>>;
  const task = loaded[run];
  if (task === undefined) throw new TypeError(`no task ${run}`);
  return task(input);
}

/** What a task read is let go at once, not when the thread tidies up. */
function end(): void {
  current = null;
  for (const bytes of handed) if (!bytes.detached) bytes.transfer(0);
  handed = [];
}

async function answer(): Promise<ThreadAnswer> {
  try {
    const step = (await current)?.next();
    if (step !== undefined && step.done !== true) return { value: step.value };
    end();
    return { done: true };
  } catch (error) {
    end();
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
  ({ handed } = request);
  // Told at the first request for a value.
  current.catch(() => undefined);
});
