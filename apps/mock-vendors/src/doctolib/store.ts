import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, Dump, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';
import { seedInput, type Appointment } from './model.js';
import type { Setup } from './practice.js';
import { SoftRefusal } from './refusal.js';
import { judgeOnline } from './rules.js';

const FIRST_NUMBER = 900_001;

/** Everything about a new row but what the store itself decides. */
export type Draft = Omit<Appointment, 'id' | 'lockVersion' | 'updatedAt'>;

/** The rows of all agendas. Every method is one atomic step. */
export class AppointmentStore implements Diary {
  #rows = new Map<number, Appointment>();
  #next = FIRST_NUMBER;
  /** Rows whose times come out broken. */
  readonly spoilt = new Set<number>();
  /** Called after each change that the practitioner can see. */
  onChange: (appointment: Appointment) => void = () => undefined;

  constructor(
    readonly setup: Setup,
    readonly now: () => number,
  ) {}

  agendas(): readonly DiaryAgenda[] {
    return this.setup.agendas().map((agenda) => ({
      id: agenda.key,
      name: agenda.name,
      zone: this.setup.zone(agenda),
    }));
  }

  entries(key: string): readonly DiaryEntry[] {
    return this.living(this.setup.agenda(key).key)
      .filter(({ status }) => status === 'confirmed')
      .map((row) => shown(row, key));
  }

  put(by: Hand, key: string, entry: NewDiaryEntry): DiaryEntry {
    const { start, end, title, force = false } = entry;
    const agenda = this.setup.agenda(key);
    if (start >= end) throw new Refusal(422, 'invalid');
    const patient = typeof entry['patient'] === 'string' ? entry['patient'] : null;
    const motiveId = by === 'patient' ? judgeOnline(this, agenda, { ...entry, patient }) : null;
    if (!force && this.taken(key, { start, end })) throw new Refusal(409, 'overlap');
    const draft: Draft = {
      ...{ agendaKey: key, equipmentKey: null, start, end, title, by, motiveId, patient },
      ...{ status: 'confirmed', reason: null, answers: {}, expiresAt: null, clientId: null, reference: null },
    };
    return shown(this.add(draft), key);
  }

  move(_by: Hand, key: string, id: string, { force = false, ...to }: DiaryChange): DiaryEntry {
    const row = this.#entry(key, id);
    const { start, end } = { ...row, ...to };
    if (start >= end) throw new Refusal(422, 'invalid');
    const moves = start !== row.start || end !== row.end;
    if (moves && !force && this.taken(key, { start, end }, row.id)) throw new Refusal(409, 'overlap');
    return shown(this.replace(row, to), key);
  }

  remove(by: Hand, key: string, id: string): void {
    const reason = by === 'patient' ? 'cancelled_by_patient' : 'cancelled_by_practitioner';
    this.replace(this.#entry(key, id), { status: 'deleted', reason });
  }

  reset(): void {
    this.#rows.clear();
    this.spoilt.clear();
    this.#next = FIRST_NUMBER;
    this.setup.reset();
  }

  seed(input: unknown): void {
    this.setup.seed(parsed(seedInput, input));
  }

  dump(): Dump {
    const rows = [...this.#rows.values()];
    return {
      agendas: this.setup.agendas().map(({ key, id, name }) => ({ key, id, name })),
      entries: rows
        .filter(({ status }) => status !== 'temporary')
        .map((row) => ({
          ...shown(row, row.agendaKey),
          deleted: row.status === 'deleted',
          reason: row.reason,
          answers: row.answers,
        })),
      holds: rows
        .filter((row) => row.status === 'temporary' && this.#lives(row))
        .map(({ id, agendaKey, start, end, reference }) => ({ id, agendaId: agendaKey, start, end, reference })),
    };
  }

  snapshot(): readonly Appointment[] {
    return [...this.#rows.values()];
  }

  restore(rows: readonly Appointment[]): void {
    this.#rows = new Map(rows.map((row) => [row.id, row]));
    this.#next = Math.max(FIRST_NUMBER - 1, ...rows.map(({ id }) => id)) + 1;
  }

  /** Rows that have not expired, oldest first; deleted ones too. */
  rows(): Appointment[] {
    return [...this.#rows.values()].filter((row) => this.#lives(row));
  }

  /** What takes time on an agenda, holds included, whether as practitioner or as equipment. */
  living(key: string): Appointment[] {
    return this.rows().filter((row) => row.status !== 'deleted' && (row.agendaKey === key || row.equipmentKey === key));
  }

  taken(key: string, { start, end }: { start: number; end: number }, except?: number): boolean {
    return this.living(key).some((row) => row.id !== except && row.start < end && start < row.end);
  }

  row(id: number): Appointment | undefined {
    const row = this.#rows.get(id);
    return row && this.#lives(row) ? row : undefined;
  }

  add(draft: Draft): Appointment {
    const row: Appointment = { ...draft, id: this.#next, lockVersion: 0, updatedAt: this.now() };
    this.#next += 1;
    this.#rows.set(row.id, row);
    if (row.status !== 'temporary') this.onChange(row);
    return row;
  }

  replace(row: Appointment, change: Partial<Appointment>): Appointment {
    const next = { ...row, ...change, lockVersion: row.lockVersion + 1, updatedAt: this.now() };
    this.#rows.set(row.id, next);
    this.onChange(next);
    return next;
  }

  /** Lets a hold go; what was confirmed stays. */
  release(row: Appointment): void {
    if (row.status !== 'temporary') throw new SoftRefusal('already_confirmed');
    this.#rows.delete(row.id);
  }

  #entry(key: string, id: string): Appointment {
    const row = this.row(Number(id));
    if (row?.status !== 'confirmed' || (row.agendaKey !== key && row.equipmentKey !== key))
      throw new Refusal(404, 'entry_unknown');
    return row;
  }

  #lives({ status, expiresAt }: Appointment): boolean {
    return status !== 'temporary' || expiresAt === null || expiresAt > this.now();
  }
}

function shown(row: Appointment, agendaId: string): DiaryEntry {
  const { id, start, end, title, by, lockVersion } = row;
  return { id: String(id), agendaId, start, end, title, by, version: lockVersion };
}
