import { Refusal } from '../core/refusal.js';
import { derivedId, ObjectIds } from './ids.js';
import type { Agenda, AgendaSeed, Appointment, Author, Key, Reason } from './model.js';

/** How long a change can be asked for. */
const HORIZON_MS = 90 * 86_400_000;

/** What a write holds. */
export interface Content {
  readonly start: number;
  readonly end: number;
  readonly title: string;
}

export interface NewEntry extends Content {
  readonly agendaId: string;
  readonly externalId?: string;
  readonly consultationReasonId?: string;
  /** True: written over whatever is there. */
  readonly force: boolean;
}

/** All that the platform keeps; can be written to a file and read back. */
export interface Snapshot {
  readonly agendas: readonly Agenda[];
  readonly reasons: readonly Reason[];
  readonly keys: readonly Key[];
  readonly appointments: readonly Appointment[];
  readonly ids: number;
  readonly generation: number;
}

/** Appointments, motifs and keys of the platform. Every method is one atomic step. */
export class MaiiaStore {
  readonly #agendas = new Map<string, Agenda>();
  readonly #reasons = new Map<string, Reason>();
  readonly #keys = new Map<string, Key>();
  readonly #appointments = new Map<string, Appointment>();
  readonly #ids = new ObjectIds();
  /** Counts the times that slots were made anew from their week templates. */
  #generation = 1;
  #stamp = 0;
  constructor(readonly now: () => number) {}

  reset(): void {
    for (const kept of [this.#agendas, this.#reasons, this.#keys, this.#appointments]) kept.clear();
    this.#ids.count = 0;
    this.#generation = 1;
    this.#stamp = 0;
  }

  snapshot(): Snapshot {
    return {
      agendas: [...this.#agendas.values()],
      reasons: [...this.#reasons.values()],
      keys: [...this.#keys.values()],
      appointments: [...this.#appointments.values()],
      ids: this.#ids.count,
      generation: this.#generation,
    };
  }

  restore({ agendas, reasons, keys, appointments, ids, generation }: Snapshot): void {
    this.reset();
    for (const agenda of agendas) this.#agendas.set(agenda.id, agenda);
    for (const reason of reasons) this.#reasons.set(reason.id, reason);
    for (const key of keys) this.#keys.set(key.apiKey, key);
    for (const appointment of appointments) this.#appointments.set(appointment.id, appointment);
    this.#ids.count = ids;
    this.#generation = generation;
    this.#stamp = Math.max(0, ...appointments.map(({ updatedAt }) => updatedAt));
  }

  get generation(): number {
    return this.#generation;
  }

  regenerateSlots(): void {
    this.#generation += 1;
  }

  putAgenda(agenda: AgendaSeed): void {
    const practitionerId = agenda.practitionerId ?? derivedId('practitioner', agenda.id);
    const centerId = agenda.centerId ?? derivedId('center', agenda.id);
    this.#agendas.set(agenda.id, { ...agenda, practitionerId, centerId });
  }

  putReason(reason: Reason): void {
    this.#reasons.set(reason.id, reason);
  }

  renameReason(id: string, name: string): void {
    const reason = this.#reasons.get(id);
    if (!reason) throw new Refusal(404, 'CONSULTATION_REASON_UNKNOWN');
    this.#reasons.set(id, { ...reason, name });
  }

  removeReason(id: string): void {
    this.#reasons.delete(id);
  }

  putKey(key: Key): void {
    this.#keys.set(key.apiKey, key);
  }

  key(apiKey: string): Key | undefined {
    return this.#keys.get(apiKey);
  }

  keys(): readonly Key[] {
    return [...this.#keys.values()];
  }

  agendas(): readonly Agenda[] {
    return [...this.#agendas.values()];
  }

  reasons(): readonly Reason[] {
    return [...this.#reasons.values()];
  }

  agenda(id: string): Agenda {
    const agenda = this.#agendas.get(id);
    if (!agenda) throw new Refusal(404, 'AGENDA_UNKNOWN');
    return agenda;
  }

  /** Cancelled ones too. */
  appointments(agendaId?: string): Appointment[] {
    return [...this.#appointments.values()].filter((one) => agendaId === undefined || one.agendaId === agendaId);
  }

  living(agendaId: string): Appointment[] {
    return this.appointments(agendaId).filter(({ status }) => status === 'CONFIRMED');
  }

  appointment(id: string): Appointment {
    const found = this.#appointments.get(id);
    if (!found) throw new Refusal(404, 'APPOINTMENT_UNKNOWN');
    return found;
  }

  byExternalId(externalId: string): Appointment | undefined {
    return this.appointments().find((one) => one.externalId === externalId);
  }

  /** Refuses to say what changed so long ago that it is no longer kept. */
  requireHorizon(updatedSince: number): void {
    if (updatedSince < this.now() - HORIZON_MS) throw new Refusal(410, 'UPDATED_SINCE_TOO_OLD');
  }

  create(by: Author, entry: NewEntry): Appointment {
    requireOrder(entry);
    const agenda = this.agenda(entry.agendaId);
    if (by === 'patient' && !agenda.isOnlineAppointment) throw new Refusal(403, 'AGENDA_NOT_ONLINE');
    if (!entry.force) this.#refuseOverlap(entry.agendaId, entry);
    return this.#commit({
      id: this.#ids.next(this.now()),
      agendaId: entry.agendaId,
      type: by === 'practitioner' ? 'UNAVAILABILITY' : 'APPOINTMENT',
      status: 'CONFIRMED',
      externalId: entry.externalId ?? null,
      consultationReasonId: entry.consultationReasonId ?? null,
      ...{ start: entry.start, end: entry.end, title: entry.title },
      by,
      createdAt: this.now(),
      damaged: false,
    });
  }

  change(appointment: Appointment, change: Partial<Content>, force: boolean): Appointment {
    if (appointment.status === 'CANCELLED') throw new Refusal(409, 'APPOINTMENT_CANCELLED');
    const { start = appointment.start, end = appointment.end, title = appointment.title } = change;
    requireOrder({ start, end });
    const same = start === appointment.start && end === appointment.end;
    if (same && title === appointment.title) return appointment;
    if (!same && !force) this.#refuseOverlap(appointment.agendaId, { start, end }, appointment.id);
    return this.#commit({ ...appointment, start, end, title });
  }

  cancel(appointment: Appointment): Appointment {
    return appointment.status === 'CANCELLED' ? appointment : this.#commit({ ...appointment, status: 'CANCELLED' });
  }

  damage(id: string): void {
    this.#commit({ ...this.appointment(id), damaged: true });
  }

  /** As if it was written earlier by a slower part of the platform, and became visible only now. */
  backdate(id: string, ms: number): void {
    const appointment = this.appointment(id);
    this.#appointments.set(id, { ...appointment, updatedAt: appointment.updatedAt - ms });
  }

  #refuseOverlap(agendaId: string, { start, end }: { start: number; end: number }, except?: string): void {
    const hit = this.living(agendaId).some((one) => one.id !== except && one.start < end && start < one.end);
    if (hit) throw new Refusal(409, 'SLOT_TAKEN');
  }

  /** No two changes carry the same date: it is also what a later change is held against. */
  #commit(appointment: Omit<Appointment, 'updatedAt'>): Appointment {
    this.#stamp = Math.max(this.now(), this.#stamp + 1);
    const stored = { ...appointment, updatedAt: this.#stamp };
    this.#appointments.set(stored.id, stored);
    return stored;
  }
}

function requireOrder({ start, end }: { readonly start: number; readonly end: number }): void {
  if (start >= end) throw new Refusal(400, 'INVALID_DATES');
}
