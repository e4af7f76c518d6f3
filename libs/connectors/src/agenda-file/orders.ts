import { setTimeout as delay } from 'node:timers/promises';
import { ConnectorError, type CallOptions } from '#connector-sdk';
import { bytesOf, digestOf, shortHash, type Bytes } from './bytes.js';
import { writeLine } from './csv.js';
import type { Folder } from './folder.js';

interface Answer {
  readonly code: string;
  /** Number of the first export that shows what was done. */
  readonly visibleFrom: number;
  /** False: it answers another order of the same name. */
  readonly same: boolean;
}

/** What the program says of an order. */
export type Outcome =
  | ({ readonly kind: 'done' | 'rejected' } & Answer)
  /** It has not said anything yet. */
  | { readonly kind: 'pending' }
  /** There is no such order, and no answer to one. */
  | { readonly kind: 'none' };

/** One file of one order. */
export interface Order {
  readonly name: string;
  readonly bytes: Bytes;
}

const POLL_MS = 100;
const SLOWEST_POLL_MS = 2_000;

/** Name of the order that creates the visit of a reference: always the same, so that repeating it repeats nothing. */
export function creationName(reference: string): string {
  return `${reference}.creer.csv`;
}

/** The file of an order; `name` left out: made from what it says. */
export function orderOf(agendaId: string, columns: readonly string[], name?: string): Order {
  const [verb = '', reference = ''] = columns;
  const bytes = bytesOf([writeLine(['#ORDRE', agendaId]), writeLine(columns), '#FIN;1'].join('\r\n'));
  return { bytes, name: name ?? `${reference}.${verb.toLowerCase()}-${shortHash(bytes).slice(0, 12)}.csv` };
}

/** Drops orders into the folder and waits for what the program answers. */
export class Orders {
  readonly #folder: Folder;
  readonly #patienceMs: number;

  constructor(folder: Folder, patienceMs: number) {
    this.#folder = folder;
    this.#patienceMs = patienceMs;
  }

  /**
   * Puts an order, unless it lies there already, and waits for its answer. `isFirst`: false when the answer may be one to the
   * same order given before.
   */
  async place(order: Order, options: CallOptions): Promise<{ readonly outcome: Outcome; readonly isFirst: boolean }> {
    const isFirst = await this.#folder.put(order.name, order.bytes, options);
    try {
      const outcome = await this.#answered(order, options);
      if (isFirst || outcome.kind !== 'rejected' || outcome.same) return { outcome, isFirst };
      // Something else was refused under this name: nobody asked for it any more.
      await this.settle(order.name, options);
      const isNew = await this.#folder.put(order.name, order.bytes, options);
      return { isFirst: isNew, outcome: await this.#answered(order, options) };
    } catch (error) {
      // The order lies there, whatever now prevents reading its answer.
      if (!ConnectorError.is(error)) throw error;
      const { retryAfterMs } = error;
      throw new ConnectorError('unknown', 'what became of the order could not be read', { cause: error, retryAfterMs });
    }
  }

  /** What became of an order that was put earlier. */
  async state(name: string, options: CallOptions): Promise<Outcome> {
    const answered = await this.#answer(name, null, options);
    if (answered.kind !== 'pending') return answered;
    const lies = (await this.#folder.read(['depot', name], options)) !== null;
    if (lies) return answered;
    // It may have been taken up between the two looks.
    const again = await this.#answer(name, null, options);
    return again.kind === 'pending' ? { kind: 'none' } : again;
  }

  /** Takes the program's answer away, so that the same order can be given again. */
  async settle(name: string, options: CallOptions): Promise<void> {
    await this.#folder.remove(['retour', `${name}.ack`], options);
    await this.#folder.remove(['retour', `${name}.rej`], options);
  }

  /** Looks again and again until something is there, for as long as the settings allow. */
  async within<T>({ signal }: CallOptions, look: () => Promise<T>, isThere: (found: T) => boolean): Promise<T> {
    const until = performance.now() + this.#patienceMs;
    for (let waitMs = POLL_MS; ; waitMs = Math.min(waitMs * 2, SLOWEST_POLL_MS)) {
      const found = await look();
      if (isThere(found) || signal.aborted || performance.now() + waitMs > until) return found;
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #answered({ name, bytes }: Order, options: CallOptions): Promise<Outcome> {
    return this.within(
      options,
      () => this.#answer(name, bytes, options),
      ({ kind }) => kind !== 'pending',
    );
  }

  /** `bytes`: of the order; `null` when it is not known. */
  async #answer(name: string, bytes: Bytes | null, options: CallOptions): Promise<Outcome> {
    for (const [extension, kind] of [
      ['ack', 'done'],
      ['rej', 'rejected'],
    ] as const) {
      const file = await this.#folder.read(['retour', `${name}.${extension}`], options);
      const answer = file === null ? null : readAnswer(file, bytes);
      if (answer !== null) return { kind, ...answer };
    }
    return { kind: 'pending' };
  }
}

/** One line: number, code, hash of the order, export from which it shows. `null` for half an answer. */
function readAnswer(file: Bytes, bytes: Bytes | null): Answer | null {
  const [, code = '', hash = '', number = ''] = /^1;([A-Z_]{2,40});([0-9a-f]{64});(\d{1,15})\s*$/.exec(file) ?? [];
  if (code === '') return null;
  return { code, visibleFrom: Number(number), same: bytes === null || hash === digestOf(bytes) };
}
