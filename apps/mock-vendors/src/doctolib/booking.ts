import { z } from 'zod';
import { isOpen } from './availability.js';
import type { Agenda, Appointment, Client, Motive } from './model.js';
import { HardRefusal, SoftRefusal } from './refusal.js';
import { chosen, refusedMotive, refusedPatient } from './rules.js';
import type { AppointmentStore } from './store.js';

const HOLD_MS = 5 * 60_000;

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const digits = z.string().regex(/^\d+(-\d+)*$/);
const numbers = digits.transform((text) => text.split('-').map(Number));
const text = z.string().max(500);

export const holdInput = z.object({
  agenda_ids: numbers,
  practice_ids: z.array(z.int()).min(1),
  appointment: z.object({
    start_date: instant,
    end_date: instant.optional(),
    visit_motive_ids: z.string().regex(/^\d+$/).transform(Number),
    source_action: z.string().optional(),
    partner_reference: z.string().max(64).nullish(),
  }),
});

/** One route, three meanings: a hold is confirmed, an appointment is moved, an appointment is cancelled. */
export const putInput = z.object({
  appointment: z.object({
    title: text.optional(),
    custom_fields_values: z.record(z.string(), z.string()).optional(),
    start_date: instant.optional(),
    end_date: instant.optional(),
    status: z.literal('deleted').optional(),
    deletion_reason: z.string().max(100).optional(),
  }),
  new_patient: z.boolean().nullish(),
  master_patient: z.object({ birthdate: z.iso.date().nullish(), external_id: z.string().nullish() }).nullish(),
  lock_version: z.int().nullish(),
});

type Hold = z.output<typeof holdInput>;
type Put = z.output<typeof putInput>;

/** What a partner does: hold, fill, confirm; move; cancel. Refuses as the vendor would, also what the hub would not ask. */
export class Booking {
  constructor(private readonly store: AppointmentStore) {}

  hold(client: Client, input: Hold): Appointment {
    const { start_date: start, visit_motive_ids: motiveId, partner_reference: reference } = input.appointment;
    const [agenda, equipment] = chosen(this.store, input.agenda_ids, motiveId);
    requireConsent(client, agenda);
    const motive = this.#motive(agenda, motiveId);
    if (!input.practice_ids.includes(agenda.practice_id)) throw new SoftRefusal('practice_not_allowed');
    const end = input.appointment.end_date ?? start + motive.minutes * 60_000;
    if (start >= end) throw new HardRefusal(422, { errors: ['end_date: must be after start_date'] });
    if (!isOpen(this.store, agenda, { start, end })) throw new SoftRefusal('outside_opening_hours');
    const keys = [agenda, ...(equipment ? [equipment] : [])].map(({ key }) => key);
    if (keys.some((key) => this.store.taken(key, { start, end }))) throw new SoftRefusal('slot_unavailable');
    return this.store.add({
      ...{ agendaKey: agenda.key, equipmentKey: equipment?.key ?? null, start, end, motiveId },
      ...{ title: '', by: 'api', patient: null, status: 'temporary', reason: null, answers: {} },
      ...{ expiresAt: this.store.now() + HOLD_MS, clientId: client.id, reference: reference ?? null },
    });
  }

  /** What must be told before a confirmation. */
  questions(row: Appointment): Motive['custom_fields'] {
    return this.store.setup.motives.get(row.motiveId ?? 0)?.custom_fields ?? [];
  }

  put(row: Appointment, input: Put): Appointment {
    const { start_date: start, end_date: end, status } = input.appointment;
    if (row.status === 'deleted') throw new SoftRefusal('appointment_deleted');
    if (row.status === 'temporary') return this.#confirm(row, input);
    if (status === undefined && start === undefined && end === undefined) return row;
    if (input.lock_version != null && input.lock_version !== row.lockVersion) throw new SoftRefusal('stale_object');
    return status === 'deleted' ? this.#cancel(row, input) : this.#move(row, input);
  }

  /** A row of this client's agendas; 410 when the hold has expired, which looks as if it had never been. */
  row(client: Client, id: number): Appointment {
    const row = this.store.row(id);
    if (!row) throw new HardRefusal(404, { error: 'appointment_not_found' });
    requireConsent(client, this.store.setup.agenda(row.agendaKey));
    if (row.status === 'temporary' && row.clientId !== client.id)
      throw new HardRefusal(404, { error: 'appointment_not_found' });
    return row;
  }

  #motive(agenda: Agenda, id: number): Motive {
    const motive = this.store.setup.motives.get(id);
    const refused = refusedMotive(agenda, motive);
    if (refused !== null || motive === undefined) throw new SoftRefusal(refused ?? 'visit_motive_not_allowed');
    return motive;
  }

  #confirm(row: Appointment, input: Put): Appointment {
    const agenda = this.store.setup.agenda(row.agendaKey);
    const motive = this.#motive(agenda, row.motiveId ?? 0);
    const answers = input.appointment.custom_fields_values ?? {};
    if (motive.custom_fields.some(({ id, required }) => required && !answers[id]))
      throw new SoftRefusal('custom_field_required');
    const choices = motive.custom_fields.filter(({ id, options }) => answers[id] !== undefined && options.length > 0);
    if (choices.some(({ id, options }) => !options.some(([value]) => value === answers[id])))
      throw new SoftRefusal('custom_field_invalid');
    const { external_id: patient, birthdate } = input.master_patient ?? {};
    const who = { patient: patient ?? null, birthdate: birthdate ?? null, newPatient: input.new_patient ?? null };
    const refused = refusedPatient(this.store, { agenda, motive, start: row.start, id: row.id }, who);
    if (refused !== null) throw new SoftRefusal(refused);
    const title = input.appointment.title ?? '';
    return this.store.replace(row, { status: 'confirmed', expiresAt: null, title, patient: who.patient, answers });
  }

  #move(row: Appointment, { appointment: to }: Put): Appointment {
    const start = to.start_date ?? row.start;
    const end = to.end_date ?? row.end + (start - row.start);
    if (start >= end) throw new HardRefusal(422, { errors: ['end_date: must be after start_date'] });
    const agenda = this.store.setup.agenda(row.agendaKey);
    if (!isOpen(this.store, agenda, { start, end })) throw new SoftRefusal('outside_opening_hours');
    const keys = row.equipmentKey === null ? [row.agendaKey] : [row.agendaKey, row.equipmentKey];
    if (keys.some((key) => this.store.taken(key, { start, end }, row.id))) throw new SoftRefusal('slot_unavailable');
    return this.store.replace(row, { start, end, title: to.title ?? row.title });
  }

  #cancel(row: Appointment, { appointment: { deletion_reason: reason } }: Put): Appointment {
    return this.store.replace(row, { status: 'deleted', reason: reason ?? 'cancelled_by_practice' });
  }
}

export function requireConsent({ consents }: Client, { key, id }: Agenda): void {
  if (consents !== null && !consents.includes(key))
    throw new HardRefusal(403, { error: 'consent_missing', agenda_id: id });
}
