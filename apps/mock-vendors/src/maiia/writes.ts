import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Refusal } from '../core/refusal.js';
import { callerOf, opened, parse, type ApiParts } from './api.js';
import {
  appointmentChange,
  newAppointment,
  view,
  type Agenda,
  type Appointment,
  type Key,
  type Reason,
} from './model.js';
import { isOpen, slotsOf } from './slots.js';
import type { MaiiaStore } from './store.js';

const login = z.strictObject({ apiKey: z.string() });
const refresh = z.strictObject({ refreshToken: z.string() });

/** An id that was never given to anything. */
const LOST_ID = 'ffffffffffffffffffffffff';

/** Where tokens come from. */
export function registerAuth(scope: FastifyInstance, { tokens }: ApiParts): void {
  scope.post('/token', (request) => tokens.login(parse(login, request.body).apiKey));
  scope.post('/refresh', (request) => tokens.refresh(parse(refresh, request.body).refreshToken));
}

/** What partners may write. */
export function registerWrites(scope: FastifyInstance, parts: ApiParts): void {
  const { store, faults } = parts;

  scope.post('/appointments', (request, reply) => {
    const key = callerOf(parts, request, 'appointments:write');
    const input = parse(newAppointment, request.body);
    const agenda = opened(store, key, input.agendaId);
    const [start, end] = [input.startDateTime, input.endDateTime];
    const same = store.byExternalId(input.externalId);
    if (same) return reply.code(200).send(view(same, store.agenda(same.agendaId)));
    if (start >= end) throw new Refusal(400, 'INVALID_DATES');
    const reason = reasonNamed(store, agenda, input.consultationReasonName);
    requirePlace(store, { key, agenda, reason, input });
    const { title, externalId } = input;
    if (faults.take(['lose-write'], { method: 'POST' })) {
      const now = Date.now();
      const lost = { id: LOST_ID, agendaId: agenda.id, type: 'APPOINTMENT', status: 'CONFIRMED', externalId } as const;
      const content = { start, end, title, by: 'api', consultationReasonId: reason.id, damaged: false } as const;
      return reply.code(201).send(view({ ...lost, ...content, createdAt: now, updatedAt: now }, agenda));
    }
    const entry = { agendaId: agenda.id, externalId, consultationReasonId: reason.id, start, end, title, force: false };
    return reply.code(201).send(view(store.create('api', entry), agenda));
  });

  scope.patch<{ Params: { id: string } }>('/appointments/:id', (request) => {
    const key = callerOf(parts, request, 'appointments:write');
    const input = parse(appointmentChange, request.body);
    const appointment = store.appointment(request.params.id);
    const agenda = opened(store, key, appointment.agendaId);
    return view(changed(store, { appointment, agenda, input }), agenda);
  });
}

function changed(
  store: MaiiaStore,
  {
    appointment,
    agenda,
    input,
  }: { appointment: Appointment; agenda: Agenda; input: z.output<typeof appointmentChange> },
): Appointment {
  const { startDateTime: start = appointment.start, endDateTime: end = appointment.end, updateDate } = input;
  const cancels = input.status === 'CANCELLED';
  if (appointment.status === 'CANCELLED') {
    if (cancels) return appointment;
    throw new Refusal(409, 'APPOINTMENT_CANCELLED');
  }
  if (updateDate !== undefined && updateDate !== appointment.updatedAt) throw new Refusal(409, 'UPDATE_DATE_STALE');
  if (cancels) return store.cancel(appointment);
  requireOpen(agenda, appointment, { start, end });
  return store.change(appointment, { start, end, title: input.title ?? appointment.title }, false);
}

/** What stays where it is may stay there. */
function requireOpen(agenda: Agenda, before: Appointment, to: { start: number; end: number }): void {
  const stays = to.start === before.start && to.end === before.end;
  if (!stays && to.start < to.end && !isOpen(agenda, to)) throw new Refusal(409, 'OUTSIDE_OPENINGS');
}

/** Motifs are addressed by their name, character by character. */
function reasonNamed(store: MaiiaStore, agenda: Agenda, name: string): Reason {
  const named = store.reasons().filter((reason) => reason.name === name);
  if (named.length === 0) throw new Refusal(422, 'CONSULTATION_REASON_UNKNOWN');
  const allowed = named.find(({ agendaIds }) => agendaIds.includes(agenda.id));
  if (!allowed) throw new Refusal(422, 'CONSULTATION_REASON_NOT_ALLOWED');
  return allowed;
}

interface Wanted {
  readonly key: Key;
  readonly agenda: Agenda;
  readonly reason: Reason;
  readonly input: z.output<typeof newAppointment>;
}

/** A booking stands in a free slot, named by its id of today, or, with a right of its own, beside the slots in opened hours. */
function requirePlace(store: MaiiaStore, { key, agenda, reason, input }: Wanted): void {
  const { availabilityId, outOfAvailability, startDateTime: start, endDateTime: end } = input;
  if (availabilityId === undefined) {
    if (!outOfAvailability) throw new Refusal(422, 'AVAILABILITY_REQUIRED');
    if (!isOpen(agenda, { start, end })) throw new Refusal(409, 'OUTSIDE_OPENINGS');
    if (key.scopes.includes('appointments:out-of-availability')) return;
    throw new Refusal(403, 'SCOPE_MISSING', { scope: 'appointments:out-of-availability' });
  }
  const taken = store.living(agenda.id).some((one) => one.start < end && start < one.end);
  if (taken) throw new Refusal(409, 'SLOT_TAKEN');
  const slots = slotsOf(store, agenda, reason, { from: start, to: end });
  const slot = slots.find(({ id }) => id === availabilityId);
  if (slot?.start !== start || slot.end !== end) throw new Refusal(409, 'AVAILABILITY_UNKNOWN');
}
