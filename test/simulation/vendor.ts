import { ConnectorError, type Capabilities } from '#connector-sdk';
import { overlaps, type Interval, type RemoteChange, type RemoteObject } from '#domain';

/** Longest time after which a request that was sent may still land. */
export const LATEST_MS = 40_000;
/** … and the longest that a session takes between being asked and sending. */
const SENDING_MS = 6_000;

/** What makes vendors differ where it matters to a booking. */
export interface VendorKind {
  readonly refusesOverlap: boolean;
  readonly idempotency: Capabilities['idempotency'];
  /** A reference that was removed is never accepted again. */
  readonly tombstones: boolean;
  /** Changes since a cursor; else everything each time. */
  readonly delta: boolean;
}

export const VENDORS = {
  /** Refuses overlaps, honours an idempotency key, remembers what was removed. */
  strong: { refusesOverlap: true, idempotency: 'key', tombstones: true, delta: true },
  /** Lets overlaps in; the client chooses the id, so that a late PUT revives what was removed. */
  caldav: { refusesOverlap: false, idempotency: 'client-id', tombstones: false, delta: true },
  /** Refuses overlaps; our reference is only a note that can be searched for, and a list is all there is to read. */
  weak: { refusesOverlap: true, idempotency: 'none', tombstones: false, delta: false },
} as const satisfies Record<string, VendorKind>;

export type VendorName = keyof typeof VENDORS;

export function capabilitiesOf({ refusesOverlap, idempotency, delta }: VendorKind): Capabilities {
  return {
    read: delta ? 'cursor' : 'window',
    maxWindowDays: null,
    push: 'none',
    write: 'full',
    hold: 'none',
    idempotency,
    refusesOverlap,
    deleteMode: delta ? 'tombstone' : 'absence',
    timeModel: 'instant',
    idStability: 'stable',
    availability: 'hub',
    audience: 'none',
    rateLimit: null,
    freshnessTarget: 60,
    settleMs: LATEST_MS + SENDING_MS,
  };
}

export type Writer = 'hub' | 'practitioner';

export interface Row extends Interval {
  readonly id: string;
  /** Our reference; `null` for an event of the practitioner's own. */
  readonly reference: string | null;
  readonly summary: string;
  start: number;
  end: number;
  version: number;
  modifiedAt: number;
}

/** What the vendor stores, and what it answers when nothing goes wrong. */
export class Vendor {
  readonly rows = new Map<string, Row>();
  private readonly changedAt = new Map<string, number>();
  private readonly removed = new Set<string>();
  private changes = 0;
  private ids = 0;

  constructor(
    readonly kind: VendorKind,
    /** Told of every change of a row; `null`: it is gone. */
    private readonly watch: (id: string, row: Row | null, by: Writer) => void,
    private readonly now: () => number,
  ) {}

  create(reference: string | null, { start, end, summary }: Interval & { summary: string }): Row {
    const mine = reference === null ? null : this.find(reference);
    if (mine && this.kind.idempotency !== 'none') return mine;
    if (reference !== null && this.kind.tombstones && this.removed.has(reference))
      throw new ConnectorError('stale', 'the reference is used up');
    if (!this.accepts({ start, end }, null)) throw new ConnectorError('taken', 'the interval is not free');
    this.ids += 1;
    const id = reference !== null && this.kind.idempotency === 'client-id' ? `/${reference}.ics` : `v${this.ids}`;
    const row = { id, reference, start, end, summary, version: 0, modifiedAt: 0 };
    this.rows.set(id, row);
    this.changed(id, reference === null ? 'practitioner' : 'hub');
    return { ...row };
  }

  update(id: string, version: string | null, { start, end, by = 'hub' }: Interval & { by?: Writer }): Row {
    const row = this.rows.get(id);
    if (row === undefined) throw new ConnectorError('not_found', 'the object is gone');
    if (version !== null && version !== String(row.version))
      throw new ConnectorError('stale', 'the object has another version');
    if (!this.accepts({ start, end }, id)) throw new ConnectorError('taken', 'the interval is not free');
    Object.assign(row, { start, end });
    this.changed(id, by);
    return { ...row };
  }

  remove(id: string, version: string | null, by: Writer = 'hub'): void {
    const row = this.rows.get(id);
    if (row === undefined) return;
    if (version !== null && version !== String(row.version))
      throw new ConnectorError('stale', 'the object has another version');
    this.rows.delete(id);
    this.changed(id, by);
    if (row.reference !== null) this.removed.add(row.reference);
  }

  get(id: string): Row | null {
    const row = this.rows.get(id);
    return row === undefined ? null : { ...row };
  }

  find(reference: string): Row | null {
    for (const row of this.rows.values()) if (row.reference === reference) return { ...row };
    return null;
  }

  /** Everything, or what changed since a cursor. */
  changesSince(cursor: string | null): {
    readonly changes: RemoteChange[];
    readonly cursor: string | null;
    readonly present: ReadonlySet<string> | null;
  } {
    const delta = cursor !== null && this.kind.delta;
    const since = delta ? Number(cursor) : -1;
    const changes: RemoteChange[] = [];
    for (const [id, at] of this.changedAt) {
      const row = this.rows.get(id);
      if (at > since && row) changes.push({ kind: 'upsert', object: objectOf(row) });
      if (at > since && !row && delta) changes.push({ kind: 'removed', remoteId: id });
    }
    return {
      changes,
      cursor: this.kind.delta ? String(this.changes) : null,
      present: delta ? null : new Set(this.rows.keys()),
    };
  }

  accepts(place: Interval, except: string | null): boolean {
    if (!this.kind.refusesOverlap) return true;
    for (const row of this.rows.values()) if (row.id !== except && overlaps(row, place)) return false;
    return true;
  }

  private changed(id: string, by: Writer): void {
    this.changes += 1;
    this.changedAt.set(id, this.changes);
    const row = this.rows.get(id);
    if (row) Object.assign(row, { version: this.changes, modifiedAt: this.now() });
    this.watch(id, row ?? null, by);
  }
}

export function objectOf({ id, reference, start, end, summary, version, modifiedAt }: Row): RemoteObject {
  const when = { start, end };
  return {
    remoteId: id,
    version: String(version),
    contentHash: `${start} ${end} ${summary}`,
    reference,
    when,
    recurring: false,
    busy: [when],
    summary,
    modifiedAt,
  };
}
