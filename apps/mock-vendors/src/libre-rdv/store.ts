import type { Hand } from '../core/diary.js';
import type { Agenda, NewRow, Row, Span } from './model.js';
import { LibreRefusal } from './refusal.js';

/** Who writes. The practitioner may insist on an overlap; whoever asks through the API or online waits for his word. */
export interface Writer {
  readonly by: Hand;
  readonly force?: boolean;
}

export interface Snapshot {
  readonly agendas: readonly Agenda[];
  readonly rows: readonly Row[];
  readonly seq: number;
  readonly floor: number;
}

/** The appointment book and its news. Every method is one atomic step. */
export class Book {
  #agendas = new Map<number, Agenda>();
  #rows = new Map<number, Row>();
  #seq: number;
  /** Oldest news that can still be told. */
  #floor: number;

  constructor(private readonly now: () => number) {
    this.#seq = now();
    this.#floor = this.#seq;
  }

  reset(): void {
    this.#agendas.clear();
    this.#rows.clear();
    this.expireNews();
  }

  putAgenda(agenda: Agenda): void {
    this.#agendas.set(agenda.id, agenda);
  }

  agendas(): readonly Agenda[] {
    return [...this.#agendas.values()];
  }

  agenda(id: number): Agenda {
    const agenda = this.#agendas.get(id);
    if (!agenda) throw new LibreRefusal(21);
    return agenda;
  }

  seq(): number {
    return this.#seq;
  }

  row(agendaId: number, id: number): Row {
    const row = this.#rows.get(id);
    if (!row || row.agendaId !== agendaId || row.deleted) throw new LibreRefusal(22);
    return row;
  }

  /** Rows that were not deleted, those that were refused among them, in the order of their ids. */
  rows(agendaId: number): readonly Row[] {
    return this.all(agendaId).filter(({ deleted }) => !deleted);
  }

  all(agendaId: number): readonly Row[] {
    return [...this.#rows.values()].filter((row) => row.agendaId === agendaId).sort((a, b) => a.id - b.id);
  }

  /** What changed after `after`, oldest first: each row as it stands now. */
  news(agendaId: number, after: number): readonly Row[] {
    if (after < this.#floor || after > this.#seq) throw new LibreRefusal(31);
    return this.all(agendaId)
      .filter(({ seq }) => seq > after)
      .sort((a, b) => a.seq - b.seq);
  }

  add(agendaId: number, { start, end, title, reference }: NewRow, { by, force = false }: Writer): Row {
    if (!force) this.#refuseOverlap(agendaId, { start, end });
    const status = by === 'practitioner' ? 'CONFIRMED' : 'CONFIRMATION_NEEDED';
    const plain = { agreed: null, deleted: false, corrupt: false };
    const made = { id: this.#freeId(), agendaId, start, end, title, reference, status, by } as const;
    return this.#put({ ...made, ...plain, created: this.now() });
  }

  /** The practitioner who puts it somewhere agrees; anybody else asks for another time, and the old one stays agreed. */
  move(row: Row, to: Partial<Span> & { title?: string }, writer: Writer): Row {
    const next = { ...row, start: to.start ?? row.start, end: to.end ?? row.end, title: to.title ?? row.title };
    if (next.start >= next.end) throw new LibreRefusal(40);
    if (writer.by === 'practitioner') return this.#settle(row, next, to.start !== undefined && writer.force !== true);
    if (isAt(next, row)) return next.title === row.title ? row : this.#put(next);
    this.#refuseOverlap(row.agendaId, next, row.id);
    const agreed = row.status === 'CONFIRMED' ? { start: row.start, end: row.end } : row.agreed;
    // Back to what was agreed: nothing is left to be answered.
    if (agreed && isAt(next, agreed)) return this.#put({ ...next, status: 'CONFIRMED', agreed: null });
    return this.#put({ ...next, status: 'CONFIRMATION_NEEDED', agreed });
  }

  #settle(row: Row, next: Row, yields: boolean): Row {
    if (yields) this.#refuseOverlap(row.agendaId, next, row.id);
    if (isAt(next, row) && next.title !== row.title) return this.#put(next);
    return this.#put({ ...next, status: 'CONFIRMED', agreed: null });
  }

  remove(row: Row): void {
    this.#put({ ...row, deleted: true });
  }

  accept(row: Row): Row {
    if (row.status !== 'CONFIRMATION_NEEDED') throw new LibreRefusal(40);
    this.#refuseOverlap(row.agendaId, row, row.id);
    return this.#put({ ...row, status: 'CONFIRMED', agreed: null });
  }

  /** Another time that is refused leaves what was agreed. */
  decline(row: Row): Row {
    if (row.status !== 'CONFIRMATION_NEEDED') throw new LibreRefusal(40);
    if (row.agreed) return this.#put({ ...row, ...row.agreed, status: 'CONFIRMED', agreed: null });
    return this.#put({ ...row, status: 'REFUSED' });
  }

  corrupt(agendaId: number): Row {
    const start = this.now();
    const row = this.add(
      agendaId,
      { start, end: start + 60_000, title: '', reference: null },
      { by: 'practitioner', force: true },
    );
    return this.#put({ ...row, corrupt: true });
  }

  /** As each night: what was deleted or refused is forgotten, its numbers are given again, and its news cannot be told. */
  purge(): void {
    for (const row of this.#rows.values()) if (row.deleted || row.status === 'REFUSED') this.#rows.delete(row.id);
    this.expireNews();
  }

  expireNews(): void {
    this.#seq += 1;
    this.#floor = this.#seq;
  }

  snapshot(): Snapshot {
    return { agendas: this.agendas(), rows: [...this.#rows.values()], seq: this.#seq, floor: this.#floor };
  }

  restore({ agendas, rows, seq, floor }: Snapshot): void {
    this.#agendas = new Map(agendas.map((agenda) => [agenda.id, agenda]));
    this.#rows = new Map(rows.map((row) => [row.id, row]));
    this.#seq = seq;
    this.#floor = floor;
  }

  #freeId(): number {
    let id = 1;
    while (this.#rows.has(id)) id += 1;
    return id;
  }

  /** Only what was agreed stands in the way: of several who ask for one time, the practitioner chooses. */
  #refuseOverlap(agendaId: number, { start, end }: Span, except?: number): void {
    for (const row of this.#rows.values()) {
      if (row.agendaId !== agendaId || row.deleted || row.id === except) continue;
      const agreed = row.status === 'CONFIRMED' ? row : row.agreed;
      if (agreed && agreed.start < end && start < agreed.end) throw new LibreRefusal(42);
    }
  }

  #put(row: Omit<Row, 'seq'>): Row {
    this.#seq += 1;
    const stored: Row = { ...row, seq: this.#seq };
    this.#rows.set(row.id, stored);
    return stored;
  }
}

function isAt(one: Span, other: Span): boolean {
  return one.start === other.start && one.end === other.end;
}
