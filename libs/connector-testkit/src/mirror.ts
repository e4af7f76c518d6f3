import type { PullItem, Session } from '#connector-sdk';
import type { CompleteListing, Interval, RemoteChange, RemoteObject } from '#domain';

/** What one pull said, compared with what was known before it. */
export interface PullReport {
  readonly added: readonly RemoteObject[];
  /** Known before, with another content by now. */
  readonly changed: readonly RemoteObject[];
  readonly removed: readonly string[];
  readonly unreadable: readonly string[];
  /** Number of changes as they came, echoes included. */
  readonly changeCount: number;
  readonly complete: CompleteListing | null;
}

/** The least a hub remembers of a remote agenda, so that every way of reading can be judged by the same cases. */
export class Mirror {
  cursor: string | null = null;
  readonly objects = new Map<string, RemoteObject>();
  readonly #session: Session;
  readonly #agendaId: string;
  readonly #window: Interval;

  constructor(session: Session, agendaId: string, window: Interval) {
    this.#session = session;
    this.#agendaId = agendaId;
    this.#window = window;
  }

  /** Pulls and applies; throws when the sequence breaks the contract of a pull. */
  async pull(signal: AbortSignal): Promise<PullReport> {
    const items: PullItem[] = [];
    for await (const item of this.#session.pull(
      {
        agendaId: this.#agendaId,
        cursor: this.cursor,
        window: this.#window,
        timeZone: 'Europe/Paris',
        known: () => Promise.resolve(new Map([...this.objects].map(([id, { version }]) => [id, version]))),
      },
      { signal },
    )) {
      if (items.at(-1)?.type === 'end') throw new Error('a pull went on after its end');
      items.push(item);
    }
    const end = items.at(-1);
    if (end?.type !== 'end') throw new Error('a pull stopped without its end');
    this.cursor = end.cursor;
    return this.#apply(
      items.flatMap((item) => (item.type === 'changes' ? item.changes : [])),
      end.complete,
    );
  }

  #apply(changes: readonly RemoteChange[], complete: CompleteListing | null): PullReport {
    const before = new Map(this.objects);
    for (const change of changes) {
      if (change.kind === 'upsert') this.objects.set(change.object.remoteId, change.object);
      if (change.kind === 'removed') this.objects.delete(change.remoteId);
    }
    if (complete) {
      for (const [id, { when }] of before) {
        const inRange = when !== null && when.start < complete.window.end && complete.window.start < when.end;
        if (inRange && !complete.present.has(id)) this.objects.delete(id);
      }
    }
    const now = [...this.objects.values()];
    return {
      added: now.filter(({ remoteId }) => !before.has(remoteId)),
      changed: now.filter(
        ({ remoteId, contentHash }) => before.has(remoteId) && before.get(remoteId)?.contentHash !== contentHash,
      ),
      removed: [...before.keys()].filter((id) => !this.objects.has(id)),
      unreadable: changes
        .filter(({ kind }) => kind === 'unreadable')
        .map((change) => ('remoteId' in change ? change.remoteId : '')),
      changeCount: changes.length,
      complete,
    };
  }
}
