import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { opened, parse, type ApiParts } from './api.js';
import { instantOf, view, type Account, type Appointment, type Motive, type Patient } from './model.js';
import { invalid, notFound } from './refusal.js';
import { isOpen } from './slots.js';
import type { Change, KeldocStore } from './store.js';

/** An id that was never given to anything. */
const LOST_ID = 999_999_999;

const patientInput = z.looseObject({ first_name: z.string().optional(), last_name: z.string().max(500).optional() });
const input = z.looseObject({
  start_at: z.string().optional(),
  agenda_id: z.coerce.number().int().optional(),
  state: z.enum(['confirmed', 'canceled']).optional(),
  /** Seconds. */
  duration: z.number().int().optional(),
  motive_id: z.int().nullish(),
  patient_comment: z.string().max(1_000).nullish(),
  patient_id: z.int().optional(),
  patient_attributes: patientInput.optional(),
});
type Input = z.output<typeof input>;

/** What partners write. Nothing says which state a change is meant for. */
export function registerWrites(scope: FastifyInstance, parts: ApiParts): void {
  const { store, access, faults } = parts;

  scope.post('/appointments', (request, reply) => {
    const account = access.account(request.headers);
    const body = parse(input, request.body);
    const agendaId = agendaOf(store, account, body);
    if (body.state === undefined) throw invalid('state', "can't be blank");
    const change = contentOf(store, body, null);
    if (change.start === undefined || change.end === undefined) throw invalid('duration', "can't be blank");
    const entry = { ...change, agendaId, start: change.start, end: change.end };
    if (!isOpen(store.agenda(agendaId), entry, entry.motiveId ?? null)) throw invalid('start_at', 'is not available');
    if (faults.take(['lose-write'], { method: 'POST' })) {
      const lost = {
        ...entry,
        id: LOST_ID,
        state: 'confirmed',
        motiveId: null,
        patientId: null,
        comment: null,
      } as const;
      return reply.send(view({ ...lost, by: 'api', updatedAt: Date.now(), damaged: false }, null));
    }
    const made = store.create('api', entry);
    const patient = patientOf(store, body, made);
    return reply.send(view(patient === null ? made : store.attach(made, patient), patient));
  });

  scope.put<{ Params: { id: string } }>('/appointments/:id', (request) => {
    const account = access.account(request.headers);
    const appointment = store.appointment(Number(request.params.id));
    opened(store, account, appointment.agendaId);
    const body = parse(input, request.body);
    agendaOf(store, account, body);
    if (body.state === undefined) throw invalid('state', "can't be blank");
    const change = contentOf(store, body, appointment);
    const next = { ...appointment, ...change };
    const moved = next.start !== appointment.start || next.end !== appointment.end;
    if (moved && !isOpen(store.agenda(appointment.agendaId), next, next.motiveId))
      throw invalid('start_at', 'is not available');
    const changed = store.update(appointment, change);
    const patient = patientOf(store, body, changed);
    return view(patient === null ? changed : store.attach(changed, patient), patient);
  });

  scope.delete<{ Params: { id: string } }>('/appointments/:id', (request) => {
    const account = access.account(request.headers);
    const appointment = store.appointment(Number(request.params.id));
    opened(store, account, appointment.agendaId);
    store.remove(appointment);
    return {};
  });

  registerPatients(scope, parts);
}

function registerPatients(scope: FastifyInstance, { store, access }: ApiParts): void {
  scope.post('/patients', (request) => {
    access.account(request.headers);
    const { last_name, first_name } = parse(patientInput, request.body);
    if (last_name === undefined) throw invalid('last_name', "can't be blank");
    return store.putPatient({ last_name, first_name });
  });
  scope.put<{ Params: { id: string } }>('/patients/:id', (request) => {
    access.account(request.headers);
    const patient = store.patient(Number(request.params.id));
    if (patient === null) throw notFound();
    const { last_name = patient.last_name, first_name = patient.first_name } = parse(patientInput, request.body);
    return store.putPatient({ last_name, first_name }, patient.id);
  });
}

function agendaOf(store: KeldocStore, { agendaIds }: Account, { agenda_id: id }: Input): number {
  if (id === undefined || !agendaIds.includes(id)) throw invalid('agenda_id', 'is invalid');
  return store.agenda(id).id;
}

function contentOf(store: KeldocStore, body: Input, before: Appointment | null): Change {
  const start = body.start_at === undefined ? undefined : instantOf(body.start_at);
  if (start === undefined || start === null) throw invalid('start_at', 'is invalid');
  const motive = body.motive_id == null ? null : store.motive(body.motive_id);
  const length = lengthOf(body, { motive, before });
  if (length <= 0) throw invalid('duration', 'must be greater than 0');
  return { start, end: start + length, ...(motive === null ? {} : { motiveId: motive.id }), ...detailsOf(body) };
}

function lengthOf(
  { duration }: Input,
  { motive, before }: { motive: Motive | null; before: Appointment | null },
): number {
  if (duration !== undefined) return duration * 1000;
  return before === null ? (motive?.duration ?? 20) * 60_000 : before.end - before.start;
}

function detailsOf({ state, patient_comment: comment, patient_id: patientId }: Input): Change {
  return {
    ...(state === undefined ? {} : { state }),
    ...(comment == null ? {} : { comment }),
    ...(patientId === undefined ? {} : { patientId }),
  };
}

/** The patient that comes with an appointment is made, or changed where there is one. */
function patientOf(
  store: KeldocStore,
  { patient_attributes: given }: Input,
  { patientId }: Appointment,
): Patient | null {
  const before = store.patient(patientId);
  if (given === undefined) return before;
  const last_name = given.last_name ?? before?.last_name ?? '';
  const first_name = given.first_name ?? before?.first_name;
  return store.putPatient({ last_name, first_name }, before?.id);
}
