import type { Hand } from '../core/diary.js';
import type { Account, Agenda, Appointment, Motive, Patient } from './model.js';
import { invalid, notFound, taken } from './refusal.js';

const FIRST_APPOINTMENT = 21_001;
const FIRST_PATIENT = 12_001;

export interface NewAppointment {
  readonly agendaId: number;
  readonly start: number;
  readonly end: number;
  readonly state?: Appointment['state'];
  readonly motiveId?: number | null;
  readonly patientId?: number | null;
  readonly comment?: string | null;
  /** True: written over whatever is there. */
  readonly force?: boolean;
}

export type Change = Partial<Omit<NewAppointment, 'agendaId'>>;

/** All that the platform keeps; can be written to a file and read back. */
export interface Snapshot {
  readonly accounts: readonly Account[];
  readonly agendas: readonly Agenda[];
  readonly motives: readonly Motive[];
  readonly specialties: readonly { readonly id: number; readonly name: string }[];
  readonly patients: readonly Patient[];
  readonly appointments: readonly Appointment[];
  readonly deleted: readonly Appointment[];
  readonly webhooks: readonly (readonly [string, readonly string[]])[];
}

/** What happened to an appointment. */
export type Event = 'created' | 'updated' | 'deleted';

/** Agendas, appointments and patients of the platform. Every method is one atomic step. */
export class KeldocStore {
  readonly #accounts = new Map<string, Account>();
  readonly #agendas = new Map<number, Agenda>();
  readonly #motives = new Map<number, Motive>();
  readonly #specialties = new Map<number, { id: number; name: string }>();
  readonly #patients = new Map<number, Patient>();
  readonly #appointments = new Map<number, Appointment>();
  /** Gone for callers; the checkers remember. */
  readonly #deleted = new Map<number, Appointment>();
  /** URLs by access key. */
  readonly #webhooks = new Map<string, Set<string>>();
  /** Called after each change. */
  onChange: (event: Event, appointment: Appointment) => void = () => undefined;

  constructor(private readonly now: () => number) {}

  reset(): void {
    for (const kept of [this.#accounts, this.#agendas, this.#motives, this.#specialties]) kept.clear();
    for (const kept of [this.#patients, this.#appointments, this.#deleted, this.#webhooks]) kept.clear();
  }

  snapshot(): Snapshot {
    return {
      accounts: [...this.#accounts.values()],
      agendas: this.agendas(),
      motives: this.motives(),
      specialties: this.specialties(),
      patients: [...this.#patients.values()],
      appointments: this.appointments(),
      deleted: [...this.#deleted.values()],
      webhooks: [...this.#webhooks].map(([key, urls]) => [key, [...urls]] as const),
    };
  }

  restore(snapshot: Snapshot): void {
    this.reset();
    for (const account of snapshot.accounts) this.putAccount(account);
    for (const agenda of snapshot.agendas) this.putAgenda(agenda);
    for (const motive of snapshot.motives) this.putMotive(motive);
    for (const specialty of snapshot.specialties) this.putSpecialty(specialty);
    for (const patient of snapshot.patients) this.#patients.set(patient.id, patient);
    for (const appointment of snapshot.appointments) this.#appointments.set(appointment.id, appointment);
    for (const appointment of snapshot.deleted) this.#deleted.set(appointment.id, appointment);
    for (const [key, urls] of snapshot.webhooks) this.#webhooks.set(key, new Set(urls));
  }

  putAccount(account: Account): void {
    this.#accounts.set(account.accessKeyId, account);
  }

  putAgenda(agenda: Agenda): void {
    this.#agendas.set(agenda.id, agenda);
  }

  putMotive(motive: Motive): void {
    this.#motives.set(motive.id, motive);
  }

  putSpecialty(specialty: { readonly id: number; readonly name: string }): void {
    this.#specialties.set(specialty.id, { ...specialty });
  }

  account(accessKeyId: string): Account | undefined {
    return this.#accounts.get(accessKeyId);
  }

  accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  agendas(): readonly Agenda[] {
    return [...this.#agendas.values()];
  }

  agenda(id: number): Agenda {
    const found = this.#agendas.get(id);
    if (!found) throw notFound();
    return found;
  }

  motives(): readonly Motive[] {
    return [...this.#motives.values()];
  }

  motive(id: number): Motive {
    const found = this.#motives.get(id);
    if (!found) throw invalid('motive_id', 'is invalid');
    return found;
  }

  specialties(): readonly { readonly id: number; readonly name: string }[] {
    return [...this.#specialties.values()];
  }

  webhooks(accessKeyId: string): Set<string> {
    const found = this.#webhooks.get(accessKeyId) ?? new Set<string>();
    this.#webhooks.set(accessKeyId, found);
    return found;
  }

  patient(id: number | null): Patient | null {
    return id === null ? null : (this.#patients.get(id) ?? null);
  }

  putPatient(patient: Omit<Patient, 'id'>, id = FIRST_PATIENT + this.#patients.size): Patient {
    const stored = { ...patient, id };
    this.#patients.set(id, stored);
    return stored;
  }

  appointments(agendaId?: number): Appointment[] {
    return [...this.#appointments.values()].filter((one) => agendaId === undefined || one.agendaId === agendaId);
  }

  deleted(): readonly Appointment[] {
    return [...this.#deleted.values()];
  }

  appointment(id: number): Appointment {
    const found = this.#appointments.get(id);
    if (!found) throw notFound();
    return found;
  }

  create(by: Hand, entry: NewAppointment): Appointment {
    const { agendaId, start, end, state = 'confirmed', motiveId = null, patientId = null, comment = null } = entry;
    this.#requireFree({ id: null, agendaId, start, end, state }, entry.force);
    const id = FIRST_APPOINTMENT + this.#appointments.size + this.#deleted.size;
    const made = { ...{ id, agendaId, start, end, state, motiveId, patientId, comment }, by, damaged: false };
    return this.#commit('created', made);
  }

  update(appointment: Appointment, { force, ...change }: Change): Appointment {
    const next = { ...appointment, ...change };
    const stays = next.start === appointment.start && next.end === appointment.end && next.state === appointment.state;
    if (!stays) this.#requireFree(next, force);
    return this.#commit('updated', next);
  }

  /** Says whose an appointment is; no news in itself. */
  attach(appointment: Appointment, { id: patientId }: Patient): Appointment {
    const attached = { ...appointment, patientId };
    this.#appointments.set(attached.id, attached);
    return attached;
  }

  remove(appointment: Appointment): void {
    this.#appointments.delete(appointment.id);
    this.#deleted.set(appointment.id, appointment);
    this.onChange('deleted', appointment);
  }

  damage(id: number): void {
    this.#commit('updated', { ...this.appointment(id), damaged: true });
  }

  #requireFree(
    {
      id,
      agendaId,
      start,
      end,
      state,
    }: Pick<Appointment, 'agendaId' | 'start' | 'end' | 'state'> & { id: number | null },
    force = false,
  ): void {
    if (start >= end) throw invalid('duration', 'must be greater than 0');
    if (force || state === 'canceled') return;
    const living = this.appointments(agendaId).filter((one) => one.state === 'confirmed' && one.id !== id);
    if (living.some((one) => one.start < end && start < one.end)) throw taken();
  }

  #commit(event: Event, appointment: Omit<Appointment, 'updatedAt'>): Appointment {
    const stored = { ...appointment, updatedAt: this.now() };
    this.#appointments.set(stored.id, stored);
    this.onChange(event, stored);
    return stored;
  }
}
