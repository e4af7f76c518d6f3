import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, Dump, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';
import { seedInput, ZONE, type Appointment } from './model.js';
import type { KeldocStore } from './store.js';

/** The store as the practitioner and online patients see it. Only he may overlap. */
export class KeldocDiary implements Diary {
  constructor(
    private readonly store: KeldocStore,
    private readonly onReset: () => void,
  ) {}

  agendas(): readonly DiaryAgenda[] {
    return this.store.agendas().map(({ id, name }) => ({ id: String(id), name, zone: ZONE }));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    return this.store
      .appointments(this.#agenda(agendaId))
      .filter(({ state }) => state === 'confirmed')
      .map((one) => this.#shown(one));
  }

  put(by: Hand, agendaId: string, { start, end, title, force = false }: NewDiaryEntry): DiaryEntry {
    const id = this.#agenda(agendaId);
    const patientId = by === 'practitioner' ? null : this.store.putPatient({ last_name: title }).id;
    const comment = by === 'practitioner' ? title : null;
    const entry = { agendaId: id, start, end, patientId, comment, force: force && by === 'practitioner' };
    return inItsWords(() => this.#shown(this.store.create(by, entry)));
  }

  move(by: Hand, agendaId: string, id: string, { force = false, title, ...to }: DiaryChange): DiaryEntry {
    const appointment = this.#living(agendaId, id);
    const patient = this.store.patient(appointment.patientId);
    const comment = title !== undefined && patient === null ? { comment: title } : {};
    const insists = force && by === 'practitioner';
    const moved = inItsWords(() => this.store.update(appointment, { ...to, ...comment, force: insists }));
    if (title !== undefined && patient !== null) this.store.putPatient({ ...patient, last_name: title }, patient.id);
    return this.#shown(moved);
  }

  remove(_by: Hand, agendaId: string, id: string): void {
    this.store.remove(this.#living(agendaId, id));
  }

  reset(): void {
    this.store.reset();
    this.onReset();
  }

  seed(input: unknown): void {
    const { accounts, agendas, motives, specialties, entries } = parsed(seedInput, input);
    const before = new Set(this.store.agendas().map(({ id }) => id));
    for (const account of accounts) this.store.putAccount(account);
    for (const agenda of agendas) this.store.putAgenda(agenda);
    for (const motive of motives) this.store.putMotive(motive);
    for (const specialty of specialties) this.store.putSpecialty(specialty);
    // Seeding twice must not double the entries of an agenda that is already there.
    for (const { by, agendaId, ...entry } of entries)
      if (!before.has(agendaId)) this.put(by, String(agendaId), { ...entry, force: true });
  }

  dump(): Dump {
    const of = (appointments: readonly Appointment[], deleted: boolean): Dump['entries'] =>
      appointments.map((one) => ({
        ...this.#shown(one),
        deleted: deleted || one.state === 'canceled',
        ...{ state: one.state, motiveId: one.motiveId, comment: one.comment },
      }));
    return {
      entries: [...of(this.store.appointments(), false), ...of(this.store.deleted(), true)],
      agendas: this.store.agendas(),
      motives: this.store.motives(),
    };
  }

  #agenda(agendaId: string): number {
    const found = this.store.agendas().find(({ id }) => String(id) === agendaId);
    if (!found) throw new Refusal(404, 'agenda_unknown');
    return found.id;
  }

  #living(agendaId: string, id: string): Appointment {
    const found = this.store.appointments(this.#agenda(agendaId)).find((one) => String(one.id) === id);
    if (found?.state !== 'confirmed') throw new Refusal(404, 'entry_unknown');
    return found;
  }

  /** The practitioner reads the patient's name, or his own words where there is no patient. */
  #shown({ id, agendaId, start, end, patientId, comment, by }: Appointment): DiaryEntry {
    const title = this.store.patient(patientId)?.last_name ?? comment ?? '';
    return { id: String(id), agendaId: String(agendaId), start, end, title, by };
  }
}

function inItsWords<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 422) throw error;
    const overlap = JSON.stringify(error.details).includes('already taken');
    throw overlap ? new Refusal(409, 'overlap') : error;
  }
}
