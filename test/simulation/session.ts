import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type CreateRequest,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type Session,
  type UpdateRequest,
} from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { LATEST_MS, objectOf, type Row } from './vendor.js';
import type { HubProcess, World } from './world.js';

/** One exchange, whatever the caller's patience. */
const EXCHANGE_MS = 3_000;

/** Bounds of a remote call in virtual time; the signal is only its carrier. */
export class Deadline implements CallOptions {
  readonly signal: AbortSignal;

  constructor(readonly endsAt: number) {
    // Nobody listens to it: the simulated network looks at `endsAt` itself.
    this.signal = NEVER;
  }
}

const NEVER = new AbortController().signal;

/** A conversation with the simulated vendor over a network that loses, delays and breaks. */
export class SimulatedSession implements Session {
  constructor(
    private readonly world: World,
    private readonly host: HubProcess,
  ) {}

  async create({ reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const row = await this.exchange('write', options, () => this.world.vendor.create(reference, content));
    return this.readBack(row, options);
  }

  async update({ remoteId, version, content }: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const row = await this.exchange('write', options, () => this.world.vendor.update(remoteId, version, content));
    return this.readBack(row, options);
  }

  async store(request: CreateRequest | UpdateRequest, options: CallOptions): Promise<null> {
    const { reference, content } = request;
    await this.exchange('write', options, () =>
      'remoteId' in request
        ? this.world.vendor.update(request.remoteId, request.version, content)
        : this.world.vendor.create(reference, content),
    );
    return null;
  }

  async cancel({ reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const id = remoteId ?? (await this.find({ reference }, options))?.remoteId;
    if (id === undefined) return;
    await this.exchange('write', options, () => this.world.vendor.remove(id, version));
  }

  async find({ reference }: { readonly reference: string }, options: CallOptions): Promise<RemoteObject | null> {
    const row = await this.exchange('read', options, () => this.world.vendor.find(reference));
    return row === null ? null : objectOf(row);
  }

  async *pull({ cursor, window }: PullRequest, options: CallOptions): AsyncGenerator<PullItem> {
    if (cursor !== null && this.world.fails(0.01)) throw new ConnectorError('cursor_expired', 'the cursor is too old');
    const read = await this.exchange('read', options, () => this.world.vendor.changesSince(cursor));
    yield { type: 'changes', changes: read.changes };
    yield {
      type: 'end',
      cursor: read.cursor,
      complete: read.present === null ? null : { window, present: read.present },
    };
  }

  verify(): Promise<{ readonly account: string }> {
    return Promise.resolve({ account: 'simulated' });
  }

  listAgendas(): Promise<readonly RemoteAgenda[]> {
    return Promise.resolve([]);
  }

  close(): void {
    // Nothing is held open.
  }

  /** The write was accepted; whatever prevents reading it now leaves its outcome open. */
  private async readBack({ id }: Row, options: CallOptions): Promise<RemoteObject> {
    const row = await this.exchange('write', options, () => this.world.vendor.get(id));
    if (row === null) throw new ConnectorError('unknown', 'what was written is not there');
    return objectOf(row);
  }

  private exchange<T>(kind: 'read' | 'write', options: CallOptions, serve: () => T): Promise<T> {
    const { scheduler, random, faults } = this.world;
    const failed = kind === 'write' ? 'unknown' : 'unavailable';
    const patience = Math.min(EXCHANGE_MS, options instanceof Deadline ? options.endsAt - scheduler.now : EXCHANGE_MS);
    return new Promise((resolve, reject) => {
      if (!this.host.survives()) return;
      let open = true;
      const close = (settle: () => void): void => {
        if (!open) return;
        open = false;
        this.host.resume(settle);
      };
      const fail = (delayMs: number, error: ConnectorError): void =>
        scheduler.quietly(delayMs, () => close(() => reject(error)));
      if (patience <= 0) return fail(0, new ConnectorError('unavailable', 'no time was left to send'));
      if (scheduler.now < this.world.downUntil)
        return fail(10, new ConnectorError('unavailable', 'the connection was refused'));
      if (this.world.fails(faults.throttled))
        return fail(50, new ConnectorError('rate_limited', 'too many requests', { retryAfterMs: 2_000 }));
      fail(patience, new ConnectorError(failed, 'no answer in time'));
      if (this.world.fails(faults.lost)) return;
      const delay = (late: number): number =>
        this.world.fails(late) ? random.between(0, LATEST_MS) : random.between(20, 220);
      scheduler.quietly(delay(faults.late), () => {
        const broken = this.world.fails(faults.serverError);
        if (broken && random.chance(0.5)) return fail(20, new ConnectorError(failed, 'the server failed'));
        const settle = served(serve, { resolve, reject });
        if (this.world.fails(faults.answerLost)) return;
        if (broken) return fail(20, new ConnectorError(failed, 'the server failed'));
        scheduler.quietly(delay(faults.answerLate), () => close(settle));
      });
    });
  }
}

/** What the vendor does now, and how it will be told. */
function served<T>(
  serve: () => T,
  told: { resolve: (value: T) => void; reject: (error: unknown) => void },
): () => void {
  try {
    const value = serve();
    return () => told.resolve(value);
  } catch (error) {
    return () => told.reject(error);
  }
}
