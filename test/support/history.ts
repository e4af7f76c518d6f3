/**
 * Judges the record of a run, Jepsen style: what callers asked and were told, what the practitioner did in his own
 * tool, and what every store holds in the end. It knows nothing of the hub's code. Times in milliseconds of one clock,
 * that of the test driver; visits are half-open `[start, end)`.
 */

/** `ok`: told that it is done. `fail`: told that it is certainly not. `unknown`: anything else. */
export type Told = 'ok' | 'fail' | 'unknown';

interface Asked {
  /** Names the booking in the record; several requests with one key are retries of one intent. */
  readonly key: string;
  /** When it was asked, and when the answer came (`Infinity` = never). */
  readonly t0: number;
  t1: number;
  outcome: Told;
}

export interface BookOp extends Asked {
  readonly op: 'book';
  readonly agenda: string;
  readonly start: number;
  readonly end: number;
  /** The id that the answer gave. */
  id?: string | undefined;
}

export interface CancelOp extends Asked {
  readonly op: 'cancel';
}

export interface MoveOp extends Asked {
  readonly op: 'move';
  readonly start: number;
  readonly end: number;
}

/** What stood at one place of the practitioner's tool for a while, as his tool's own record tells it. */
export interface StoodOp {
  readonly op: 'stood';
  readonly agenda: string;
  readonly id: string;
  /** `null` for an event of his own. */
  readonly key: string | null;
  readonly start: number;
  readonly end: number;
  readonly from: number;
  /** `Infinity`: it is still there. */
  until: number;
  /** Who put it there. */
  readonly by: 'hub' | 'practitioner';
}

/** The practitioner moved one of ours in his tool, or (`to` null) removed it. */
export interface TouchOp {
  readonly op: 'touch';
  readonly key: string;
  readonly at: number;
  readonly to: { readonly start: number; readonly end: number } | null;
}

/** One row that a store holds in the end; `key` null for an event of the practitioner's own. */
export interface FinalOp {
  readonly op: 'final';
  readonly store: string;
  readonly agenda: string;
  readonly id: string;
  readonly key: string | null;
  readonly start: number;
  readonly end: number;
  /** The hub's word for it, where the store is the hub. */
  readonly status?: string | undefined;
  /** The practitioner and the hub disagree about it, and a person was asked. */
  readonly asked?: boolean | undefined;
}

/** Seats of an agenda; 1 unless said. */
export interface CapacityOp {
  readonly op: 'capacity';
  readonly agenda: string;
  readonly seats: number;
}

export type HistoryOp = BookOp | CancelOp | MoveOp | StoodOp | TouchOp | FinalOp | CapacityOp;

export type ViolationType =
  | 'double-booking'
  | 'confirmed-twice'
  | 'confirmed-over-practitioner'
  | 'one-key-two-ids'
  | 'lost-acknowledged'
  | 'duplicate'
  | 'stood-together'
  | 'refused-but-there'
  | 'cancelled-but-there'
  | 'wrong-time'
  | 'diverged'
  | 'needless-conflict'
  | 'not-settled';

export interface Violation {
  readonly type: ViolationType;
  readonly detail: string;
}

interface Place {
  readonly start: number;
  readonly end: number;
}

interface Intent {
  readonly key: string;
  readonly books: BookOp[];
  readonly cancels: CancelOp[];
  readonly moves: MoveOp[];
  readonly touches: TouchOp[];
}

const UNSETTLED: ReadonlySet<string> = new Set(['pending', 'unknown', 'compensating']);

const meet = (a: Place, b: Place): boolean => a.start < b.end && b.start < a.end;
const same = (a: Place, b: Place): boolean => a.start === b.start && a.end === b.end;
const here = (a: Place & { agenda: string }, b: Place & { agenda: string }): boolean =>
  a.agenda === b.agenda && meet(a, b);
const placeOf = ({ start, end }: Place): string => `[${start}, ${end})`;

/** Everything that the record proves to be wrong. */
export function judge(ops: readonly HistoryOp[], stores: readonly string[] = ['hub', 'vendor']): Violation[] {
  return new Judge(ops, stores).violations();
}

class Judge {
  private readonly found: Violation[] = [];
  private readonly finals: readonly FinalOp[];
  private readonly stood: readonly StoodOp[];
  private readonly intents = new Map<string, Intent>();
  private readonly seats = new Map<string, number>();
  /** Keys that the hub itself shows to a person as a conflict. */
  private readonly contested: ReadonlySet<string>;

  constructor(
    ops: readonly HistoryOp[],
    private readonly stores: readonly string[],
  ) {
    this.finals = ops.filter((op) => op.op === 'final');
    this.stood = ops.filter((op) => op.op === 'stood');
    this.contested = new Set(
      this.finals.flatMap(({ key, status }) => (key !== null && status === 'conflict' ? [key] : [])),
    );
    for (const op of ops) {
      if (op.op === 'capacity') this.seats.set(op.agenda, op.seats);
      if (op.op === 'book') this.intent(op.key).books.push(op);
      if (op.op === 'cancel') this.intent(op.key).cancels.push(op);
      if (op.op === 'move') this.intent(op.key).moves.push(op);
      if (op.op === 'touch') this.intent(op.key).touches.push(op);
    }
  }

  violations(): Violation[] {
    for (const store of this.stores) this.overlaps(store);
    for (const intent of this.intents.values()) this.intentKept(intent);
    this.certainHolders();
    this.stoodTogether();
    this.agreement();
    for (const row of this.finals) if (row.status === 'conflict' && !this.isAsked(row)) this.reasonFor(row);
    for (const { key, id, status } of this.finals) {
      if (status !== undefined && UNSETTLED.has(status)) this.add('not-settled', `${key ?? id} is ${status}`);
    }
    return this.found;
  }

  private add(type: ViolationType, detail: string): void {
    this.found.push({ type, detail });
  }

  private intent(key: string): Intent {
    const intent = this.intents.get(key) ?? { key, books: [], cancels: [], moves: [], touches: [] };
    this.intents.set(key, intent);
    return intent;
  }

  /**
   * More rows than seats at one instant. The practitioner may double-book himself; where one of ours is among them, the
   * hub must at least show a conflict.
   */
  private overlaps(store: string): void {
    const rows = this.finals.filter((row) => row.store === store);
    for (const { agenda, start } of rows) {
      const there = rows.filter((row) => row.agenda === agenda && row.start <= start && start < row.end);
      if (there.length <= (this.seats.get(agenda) ?? 1)) continue;
      const ours = there.flatMap(({ key }) => (key === null ? [] : [key]));
      if (ours.length === 0 || ours.some((key) => this.contested.has(key))) continue;
      return this.add('double-booking', `${store}: ${there.map(({ key, id }) => key ?? id).join(', ')} at ${start}`);
    }
  }

  /** A conflict wants a person's time: something else must stand there, or ours must be told elsewhere. */
  private reasonFor(row: FinalOp): void {
    const others = this.finals.filter((other) => other.key !== row.key || (other.key === null && other.id !== row.id));
    const standsAlone = !others.some((other) => here(other, row));
    const told = this.finals.filter(({ key, store }) => key === row.key && store !== row.store);
    if (standsAlone && told.every((other) => same(other, row))) this.add('needless-conflict', row.key ?? row.id);
  }

  /** Where a person was asked the stores may differ, as long as he did touch it. */
  private isAsked({ key }: FinalOp): boolean {
    const asked = key !== null && this.finals.some((row) => row.key === key && row.asked === true);
    return asked && (this.intents.get(key)?.touches.length ?? 0) > 0;
  }

  private intentKept(intent: Intent): void {
    const { key, books } = intent;
    const ids = new Set(books.flatMap(({ outcome, id }) => (outcome === 'ok' && id !== undefined ? [id] : [])));
    if (ids.size > 1) this.add('one-key-two-ids', `${key}: ${[...ids].join(', ')}`);
    for (const store of this.stores) {
      const rows = this.finals.filter((row) => row.store === store && row.key === key);
      if (rows.length > 1) this.add('duplicate', `${key} stands ${rows.length} times in ${store}`);
      if (rows[0]) this.presence(intent, rows[0]);
      else this.absence(intent, store);
    }
  }

  /** A row is there: it must be wanted, and where it was last said to be. */
  private presence({ key, books, cancels, moves, touches }: Intent, row: FinalOp): void {
    if (cancels.some(({ outcome }) => outcome === 'ok')) this.add('cancelled-but-there', `${key} in ${row.store}`);
    if (books.every(({ outcome }) => outcome === 'fail')) this.add('refused-but-there', `${key} in ${row.store}`);
    const done = moves.filter(({ outcome }) => outcome === 'ok').sort((a, b) => a.t1 - b.t1);
    const last = done.at(-1) ?? books.find(({ outcome }) => outcome === 'ok') ?? books[0];
    if (last === undefined) return;
    const possible: Place[] = [
      last,
      ...moves.filter(({ outcome }) => outcome === 'unknown'),
      // Two moves at once: either may have come last.
      ...done.filter(({ t1 }) => t1 > last.t0),
      ...touches.flatMap(({ to }) => (to === null ? [] : [to])),
    ];
    if (!possible.some((place) => same(place, row)))
      this.add('wrong-time', `${key} in ${row.store} ${placeOf(row)}, said ${placeOf(last)}`);
  }

  private absence({ key, books, cancels, touches }: Intent, store: string): void {
    if (!books.some(({ outcome }) => outcome === 'ok')) return;
    if (cancels.some(({ outcome }) => outcome !== 'fail') || touches.some(({ to }) => to === null)) return;
    this.add('lost-acknowledged', `${key} is not in ${store}`);
  }

  /**
   * What was told at some instant: a booking is certainly held from its `ok` until somebody asks to cancel or move it,
   * or the practitioner touches it. Never more of them than seats, and none where the practitioner's own event stood
   * since before it was asked for.
   */
  private certainHolders(): void {
    const holders = [...this.intents.values()].flatMap(({ key, books, cancels, moves, touches }) => {
      const [first] = books.filter(({ outcome }) => outcome === 'ok').sort((a, b) => a.t1 - b.t1);
      if (first === undefined) return [];
      const until = Math.min(
        Infinity,
        ...cancels.map(({ t0 }) => t0),
        ...moves.map(({ t0 }) => t0),
        ...touches.map(({ at }) => at),
      );
      const asked = Math.min(...books.map(({ t0 }) => t0));
      return until > first.t1
        ? [{ key, agenda: first.agenda, start: first.start, end: first.end, asked, from: first.t1, until }]
        : [];
    });
    for (const one of holders) {
      const others = holders.filter(
        (other) => other.agenda === one.agenda && other.from <= one.from && one.from < other.until,
      );
      for (const { start } of others) {
        const there = others.filter((other) => other.start <= start && start < other.end);
        if (!there.includes(one) || there.length <= (this.seats.get(one.agenda) ?? 1)) continue;
        this.add('confirmed-twice', `${there.map(({ key }) => key).join(', ')} at ${start}`);
        break;
      }
      const before = this.stood.find(
        (event) => event.key === null && here(event, one) && event.from <= one.asked && event.until >= one.from,
      );
      if (before && (this.seats.get(one.agenda) ?? 1) === 1)
        this.add('confirmed-over-practitioner', `${one.key} over ${before.id}`);
    }
  }

  /**
   * At no instant do two of ours stand on top of one another in the practitioner's tool, and none of them after somebody
   * was told that it is cancelled. Left aside is what came back to a place that it had been moved away from: a late
   * write can do so for a while, once what was moved is removed.
   */
  private stoodTogether(): void {
    const ours = this.stood.filter(({ key, by }) => key !== null && by === 'hub');
    for (const [index, one] of ours.entries()) {
      for (const other of ours.slice(index + 1)) {
        const together = here(one, other) && one.from < other.until && other.from < one.until;
        const backAgain = this.movedBefore(one) || this.movedBefore(other);
        if (together && !backAgain && (this.seats.get(one.agenda) ?? 1) === 1)
          this.add('stood-together', `${one.key ?? ''}, ${other.key ?? ''} at ${Math.max(one.from, other.from)}`);
      }
      const cancels = this.intents.get(one.key ?? '')?.cancels ?? [];
      if (cancels.some(({ outcome, t1 }) => outcome === 'ok' && t1 < one.until))
        this.add('cancelled-but-there', `${one.key ?? ''} until ${one.until}`);
    }
  }

  private movedBefore({ key, from, ...place }: StoodOp): boolean {
    const { touches, moves } = this.intents.get(key ?? '') ?? { touches: [], moves: [] };
    const away = moves.some((move) => move.outcome !== 'fail' && move.t0 <= from && !same(move, place));
    return away || touches.some(({ at }) => at <= from);
  }

  private agreement(): void {
    const [first, ...others] = this.stores.map((store) => {
      const rows = this.finals.filter((row) => row.store === store && !this.isAsked(row));
      return { store, rows: new Set(rows.map((row) => `${row.agenda} ${row.key ?? row.id} ${placeOf(row)}`)) };
    });
    if (first === undefined) return;
    for (const other of others) {
      const only = [...first.rows, ...other.rows].filter((row) => !first.rows.has(row) || !other.rows.has(row));
      if (only.length > 0)
        this.add(
          'diverged',
          only.map((row) => `${row} only in ${first.rows.has(row) ? first.store : other.store}`).join('; '),
        );
    }
  }
}
