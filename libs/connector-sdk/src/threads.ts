import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ConnectorError } from './errors.js';

/** Work that must not hold up the event loop: a generator function of a module, and what it is called with. */
export interface ThreadTask {
  /** URL of the module (`new URL('./x.thread.js', import.meta.url)`); it is loaded once a thread. */
  readonly module: URL;
  /** Name of the exported generator function. */
  readonly run: string;
  /** Its argument; must be cloneable. */
  readonly input: unknown;
  /** What of it is handed over instead of copied ({@link owned}): nobody here can read it afterwards. */
  readonly transfer?: readonly ArrayBuffer[];
  /** It is read piece by piece, and takes no more memory the longer it is. */
  readonly inPieces?: boolean;
}

/** The memory of bytes that share it with nothing else, for {@link ThreadTask.transfer}. */
export function owned(bytes: Uint8Array): readonly ArrayBuffer[] {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer] : [];
}

/** What one task may cost, whatever it is given to read. */
export interface ThreadLimits {
  /** Milliseconds of work, without the time in which nobody asks for the next value. */
  readonly deadlineMs: number;
  /** Memory of a thread, in megabytes. */
  readonly heapMb: number;
}

/** What a task needs of a thread. */
interface Need {
  readonly limits: ThreadLimits;
  /** It is handed more than {@link LARGE}. */
  readonly isLarge: boolean;
}

/** An error that the task itself threw, by the name of its class. */
export class TaskError extends Error {
  constructor(
    readonly kind: string,
    message: string,
  ) {
    super(message);
  }
}

export type ThreadAnswer =
  | { readonly value: unknown }
  | { readonly done: true }
  | { readonly failed: { readonly name: string; readonly message: string } };

const LIMITS: ThreadLimits = { deadlineMs: 10_000, heapMb: 64 };
const MOST_THREADS = 4;
const IDLE_MS = 10_000;
/**
 * More bytes than this are read by a thread of their own: what one grew by for others would be there beside them, and what it
 * grows by for them would stay.
 */
const LARGE = 4 * 1024 * 1024;
/**
 * Reading no more bytes than this, or any number piece by piece, needs no more memory than that; V8 lets a heap grow to half
 * of its limit before it tidies.
 */
const SMALL = { bytes: 1.5 * 1024 * 1024, heapMb: 24 };
/** Run from its sources (by the tests) a thread compiles them as it loads them. */
const SOURCES = import.meta.url.endsWith('.ts');

function inSources(url: URL): string {
  return SOURCES ? url.href.replace(/\.js$/, '.ts') : url.href;
}

function newWorker({ heapMb }: ThreadLimits): Worker {
  const entry = inSources(new URL('./thread-entry.js', import.meta.url));
  return new Worker(fileURLToPath(entry), {
    execArgv: SOURCES ? ['--import', new URL('../../../scripts/typescript-hooks.mjs', import.meta.url).href] : [],
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 4 },
  });
}

function handed({ transfer = [] }: ThreadTask): number {
  return transfer.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** What is not handed over is of unknown size. */
function isSmall(task: ThreadTask): boolean {
  const bytes = handed(task);
  return bytes > 0 && (task.inPieces === true || bytes <= SMALL.bytes);
}

function interrupted(): ConnectorError {
  return new ConnectorError('unavailable', 'the reading was interrupted');
}

/** One thread with the task it works on; it answers one question at a time. */
class Thread {
  readonly #worker: Worker;
  readonly #limits: ThreadLimits;
  #answer: ((answer: ThreadAnswer | ConnectorError) => void) | null = null;
  #spentMs = 0;
  #isNew = true;
  idleTimer: NodeJS.Timeout | undefined;
  lost = false;

  constructor(limits: ThreadLimits) {
    this.#limits = limits;
    this.#worker = newWorker(limits);
    this.#worker.on('message', (answer: ThreadAnswer) => this.#answer?.(answer));
    // The only way in which reading ends a thread; what a task throws is an answer.
    this.#worker.on('error', () => {
      void this.end(new ConnectorError('invalid', 'reading the answer takes too much memory'));
    });
    this.#worker.on('exit', () => {
      void this.end();
    });
  }

  suits({ limits, isLarge }: Need): boolean {
    return !this.lost && this.#limits.heapMb >= limits.heapMb && (this.#isNew || !isLarge);
  }

  load(module: URL): void {
    this.#worker.postMessage({ module: inSources(module) });
  }

  begin({ module, run, input, transfer = [] }: ThreadTask): void {
    this.#spentMs = 0;
    this.#isNew = false;
    this.#worker.ref();
    this.#worker.postMessage({ module: inSources(module), run, input, handed: transfer }, transfer);
  }

  /** The next value. Throws what the task threw, and `invalid` when it costs more than it may; the thread is lost then. */
  async next(signal: AbortSignal): Promise<ThreadAnswer> {
    const from = performance.now();
    const answer = await new Promise<ThreadAnswer | ConnectorError>((resolve) => {
      const left = this.#limits.deadlineMs - this.#spentMs;
      const timer = setTimeout(() => {
        void this.end(new ConnectorError('invalid', 'reading the answer takes too long'));
      }, left);
      const onAbort = (): void => {
        void this.end(new ConnectorError('unavailable', 'the call was given up'));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#answer = (given) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#answer = null;
        resolve(given);
      };
      if (this.lost) this.#answer(interrupted());
      else if (signal.aborted) onAbort();
      else this.#worker.postMessage('next');
    });
    this.#spentMs += performance.now() - from;
    if (ConnectorError.is(answer)) throw answer;
    return answer;
  }

  /** Keeps no process alive while it waits for work. */
  rest(): void {
    this.#worker.unref();
  }

  /** Answers whoever waits, and resolves when its memory is free. */
  async end(why = interrupted()): Promise<void> {
    this.lost = true;
    this.#answer?.(why);
    await this.#worker.terminate();
  }
}

/** A few threads that read what came from outside. They start when there is work and end when there is none. */
export class Threads {
  readonly #limits: ThreadLimits;
  readonly #small: ThreadLimits;
  readonly #most: number;
  readonly #idle: Thread[] = [];
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  constructor(most = Math.max(1, Math.min(MOST_THREADS, availableParallelism() - 1)), limits: ThreadLimits = LIMITS) {
    this.#most = most;
    this.#limits = limits;
    this.#small = { ...limits, heapMb: Math.min(limits.heapMb, SMALL.heapMb) };
  }

  /**
   * The values that a task yields, each made when it is asked for. Throws {@link TaskError} for what the task throws,
   * `invalid` when it costs too much time or memory, `unavailable` when the signal ends it.
   */
  async *run(task: ThreadTask, { signal }: { readonly signal: AbortSignal }): AsyncGenerator {
    const isLarge = handed(task) > LARGE;
    const limits = isSmall(task) ? this.#small : this.#limits;
    const thread = await this.#take({ limits, isLarge }, signal);
    let reusable = false;
    try {
      thread.begin(task);
      for (;;) {
        const answer = await thread.next(signal);
        reusable = !('value' in answer) && !isLarge;
        if ('failed' in answer) throw new TaskError(answer.failed.name, answer.failed.message);
        if ('done' in answer) return;
        yield answer.value;
      }
    } finally {
      this.#give(thread, reusable);
    }
  }

  /** Has a thread ready, with this module loaded, while what it will read is still on its way. */
  prepare(module: URL): void {
    if (this.#idle.length > 0 || this.#count >= this.#most) return;
    this.#count += 1;
    const thread = new Thread(this.#small);
    thread.load(module);
    this.#give(thread, true);
  }

  async #take(need: Need, signal: AbortSignal): Promise<Thread> {
    while (this.#idle.length === 0 && this.#count >= this.#most) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => {
          const at = this.#waiting.indexOf(resolve);
          if (at >= 0) this.#waiting.splice(at, 1);
          resolve();
        });
      });
      if (signal.aborted) {
        // It may have been woken as well: the turn is somebody else's then.
        this.#waiting.shift()?.();
        throw new ConnectorError('unavailable', 'the call was given up');
      }
    }
    const rested = this.#idle.pop();
    clearTimeout(rested?.idleTimer);
    if (!rested) this.#count += 1;
    else if (rested.suits(need)) return rested;
    else await rested.end();
    return new Thread(need.limits);
  }

  #give(thread: Thread, reusable: boolean): void {
    if (reusable && !thread.lost) {
      thread.rest();
      thread.idleTimer = setTimeout(() => {
        this.#idle.splice(this.#idle.indexOf(thread), 1);
        this.#leave(thread);
      }, IDLE_MS);
      thread.idleTimer.unref();
      this.#idle.push(thread);
      this.#waiting.shift()?.();
    } else {
      this.#leave(thread);
    }
  }

  /** Its place is free when its memory is: the next one would take as much beside it. */
  #leave(thread: Thread): void {
    void thread.end().then(() => {
      this.#count -= 1;
      this.#waiting.shift()?.();
    });
  }
}

/** The threads of this process. */
export const threads = new Threads();
