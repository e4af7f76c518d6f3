import { overlaps } from '../src/interval.js';
import type { Interval } from '../src/interval.js';
import type { CompleteListing, RemoteChange, RemoteObject } from '../src/remote.js';

export type Author = 'hub' | 'practitioner';
/** How a server versions its objects: fresh each time, repeating (the same again after two changes), or not at all. */
export type Versioning = 'fresh' | 'repeating' | 'none';

/** An event as the server stores it, with who last had a hand in what. */
export interface StoredEvent {
  readonly id: string;
  readonly when: Interval;
  readonly summary: string;
  readonly reference: string | null;
  readonly recurring: boolean;
  readonly free: boolean;
  readonly revision: number;
  readonly madeBy: Author;
  readonly movedBy: Author;
  readonly retitledBy: Author;
  /** When it was last stored, as the server tells. */
  readonly modifiedAt?: number;
}

export interface Pull {
  readonly changes: readonly RemoteChange[];
  readonly complete: CompleteListing | null;
  readonly cursor: number;
}

/** A calendar server in memory, as servers are: late, repetitive, and free with versions. */
export class RemoteModel {
  readonly events = new Map<string, StoredEvent>();
  readonly poisoned = new Set<string>();
  /** Writes made by the hub. */
  hubWrites = 0;
  private readonly changedAt = new Map<string, number>();
  private readonly former = new Map<string, StoredEvent>();
  private clock = 0;
  private nextId = 0;

  constructor(
    readonly window: Interval,
    private readonly versioning: Versioning,
    /** Whether the server tells when an object was changed. */
    private readonly dated = false,
  ) {}

  /** The clock of both sides. */
  now(): number {
    return this.clock;
  }

  insert(event: Pick<StoredEvent, 'when' | 'summary' | 'reference'>, by: Author): StoredEvent {
    const id = `r${String(this.nextId++)}`;
    return this.store({
      ...event,
      id,
      recurring: false,
      free: false,
      revision: 0,
      madeBy: by,
      movedBy: by,
      retitledBy: by,
    });
  }

  store(event: StoredEvent): StoredEvent {
    const before = this.events.get(event.id);
    if (before) this.former.set(event.id, before);
    this.touch(event.id);
    const stored = { ...event, revision: event.revision + 1, modifiedAt: this.clock };
    this.events.set(event.id, stored);
    return stored;
  }

  remove(id: string): void {
    this.events.delete(id);
    this.touch(id);
  }

  /** The same event under another id, as after an export and import. */
  rename(id: string): void {
    const event = this.events.get(id);
    if (!event) return;
    this.remove(id);
    const renamed = `r${String(this.nextId++)}`;
    this.store({ ...event, id: renamed });
  }

  touch(id: string): void {
    this.changedAt.set(id, ++this.clock);
  }

  /** What a search by reference finds: the original rather than a copy, which in most tools gets an identity of its own. */
  byReference(reference: string): RemoteObject | null {
    const found = [...this.events.values()].filter((event) => event.reference === reference);
    const original = found.find(({ movedBy }) => movedBy === 'hub') ?? found[0];
    return original ? this.asRead(original) : null;
  }

  get(id: string): RemoteObject | null {
    const event = this.events.get(id);
    return event ? this.asRead(event) : null;
  }

  asRead(event: StoredEvent): RemoteObject {
    const { when, summary, recurring, free, revision } = event;
    const versions = { fresh: `v${String(revision)}`, repeating: `v${String(revision % 2)}`, none: null };
    return {
      remoteId: event.id,
      version: versions[this.versioning],
      contentHash: JSON.stringify([when, summary, recurring, free]),
      reference: event.reference,
      when,
      recurring,
      busy: free || !overlaps(when, this.window) ? [] : [when],
      summary,
      modifiedAt: this.dated ? (event.modifiedAt ?? null) : null,
    };
  }

  /** Everything since `cursor`, or with `null` everything in the window; each object once stale and once as it is. */
  pull(cursor: number | null, shuffle: number): Pull {
    const ids =
      cursor === null
        ? [...this.events.values()].filter((event) => overlaps(event.when, this.window)).map(({ id }) => id)
        : [...this.changedAt].filter(([, at]) => at > cursor).map(([id]) => id);
    const order = (id: string) => (Number(id.slice(1)) * (shuffle + 1) * 7919) % 101;
    const sorted = [...ids].sort((a, b) => order(a) - order(b));
    const repeated = shuffle % 2 === 0 ? [] : sorted.flatMap((id) => this.former.get(id) ?? []);
    return {
      changes: [
        ...repeated.map((event): RemoteChange => ({ kind: 'upsert', object: this.asRead(event) })),
        ...sorted.map((id) => this.change(id)),
      ],
      complete: cursor === null ? { window: this.window, present: new Set(ids) } : null,
      cursor: this.clock,
    };
  }

  private change(remoteId: string): RemoteChange {
    const event = this.events.get(remoteId);
    if (!event) return { kind: 'removed', remoteId };
    if (this.poisoned.has(remoteId)) {
      // Of one that may be ours no connector tells any time.
      const busy = event.reference === null ? this.asRead(event).busy : [];
      return { kind: 'unreadable', remoteId, version: null, reason: 'torn', raw: 'BEGIN:', busy };
    }
    return { kind: 'upsert', object: this.asRead(event) };
  }
}
