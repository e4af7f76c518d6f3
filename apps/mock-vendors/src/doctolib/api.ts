import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Faults } from '../core/faults.js';
import { availabilities, availabilityQuery, requireWindow, spanOf, windowQuery } from './availability.js';
import { holdInput, putInput, requireConsent, type Booking } from './booking.js';
import { info } from './info.js';
import type { Appointment, Client } from './model.js';
import { written } from './moments.js';
import { HardRefusal, SoftRefusal } from './refusal.js';
import type { AppointmentStore } from './store.js';
import type { Tokens } from './tokens.js';
import { webhookInput, type Webhooks } from './webhooks.js';

const numbers = z
  .string()
  .regex(/^\d+(-\d+)*$/)
  .transform((text) => text.split('-').map(Number));
const listQuery = z.union([
  windowQuery.extend({ agenda_ids: numbers }),
  z.object({ agenda_ids: numbers, partner_reference: z.string() }),
  z.object({ agenda_ids: numbers, temporary: z.literal('true') }),
  z.object({ ids: numbers }),
]);
const params = z.object({ id: z.string() });
const numbered = z.object({ id: z.coerce.number().int() });

/** What the API needs of the simulator around it. */
export interface ApiParts {
  readonly store: AppointmentStore;
  readonly booking: Booking;
  readonly tokens: Tokens;
  readonly webhooks: Webhooks;
  readonly faults: Faults;
}

/** Parses what a caller sent, or refuses it. */
function read<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new HardRefusal(422, {
    errors: result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
  });
}

/** Says no in the vendor's words. */
export function answerInItsWords(scope: FastifyInstance): void {
  scope.setErrorHandler((error, _request, reply) => {
    if (error instanceof SoftRefusal) return reply.code(200).send({ error: error.code });
    if (error instanceof HardRefusal) return reply.code(error.status).send(error.body);
    const { statusCode = 500 } = error as { statusCode?: number };
    return reply.code(statusCode).send({ error: 'internal_error' });
  });
}

/** What the booking page reads. */
export function registerFront(scope: FastifyInstance, { store, tokens }: ApiParts): void {
  scope.get('/online_booking/api/slot_selection_funnel/v1/info.json', (request) => {
    const { profile_slug: slug } = read(z.object({ profile_slug: z.string() }), request.query);
    const { profile } = store.setup;
    if (slug !== profile.slug && slug !== String(profile.id))
      throw new HardRefusal(404, { error: 'profile_not_found' });
    return info(store.setup);
  });
  scope.get('/availabilities.json', (request) => {
    const query = read(availabilityQuery, request.query);
    if (query.destroy_temporary === 'true') {
      const client = tokens.client(request);
      for (const row of store.rows()) if (row.status === 'temporary' && row.clientId === client.id) store.release(row);
    }
    return availabilities(store, query);
  });
}

export function registerPartner(scope: FastifyInstance, parts: ApiParts): void {
  const { store, tokens } = parts;
  scope.get('/account', (request) => {
    const client = tokens.client(request);
    const agreed = store.setup.agendas().filter(({ key }) => client.consents?.includes(key) ?? true);
    return {
      organization: { id: store.setup.profile.id, name: store.setup.profile.name },
      scopes: client.scopes,
      agenda_ids: agreed.map(({ id }) => id),
    };
  });
  scope.get('/agendas/:id', (request) => {
    const client = tokens.client(request);
    const agenda = store.setup.numbered(read(numbered, request.params).id);
    requireConsent(client, agenda);
    return { id: agenda.id, name: agenda.name };
  });
  registerReads(scope, parts);
  registerWrites(scope, parts);
  registerWebhooks(scope, parts);
}

function registerReads(scope: FastifyInstance, { store, booking, tokens }: ApiParts): void {
  const view = (row: Appointment): object => viewOf(store, row);
  scope.get('/appointments', (request) => {
    const client = tokens.client(request, 'appointments:read');
    const query = read(listQuery, request.query);
    if ('ids' in query) {
      const wanted = query.ids.flatMap((id) => store.row(id) ?? []);
      return { appointments: wanted.filter((row) => isShownTo(client, row)).map(view) };
    }
    const agendas = query.agenda_ids.map((id) => store.setup.numbered(id));
    for (const agenda of agendas) requireConsent(client, agenda);
    const keys = new Set(agendas.map(({ key }) => key));
    const rows = store.rows().filter((row) => keys.has(row.agendaKey) && isShownTo(client, row));
    if ('partner_reference' in query)
      return { appointments: rows.filter(({ reference }) => reference === query.partner_reference).map(view) };
    if ('temporary' in query) return { appointments: rows.filter(({ status }) => status === 'temporary').map(view) };
    requireWindow(query.limit);
    const zone = agendas[0] ? store.setup.zone(agendas[0]) : 'Europe/Paris';
    const { start, end } = spanOf(query, zone);
    const listed = rows.filter(({ status }) => status !== 'temporary');
    const inside = listed.filter((row) => row.start < end && start < row.end);
    const next = Math.min(...listed.filter((row) => row.start >= end).map((row) => row.start));
    return {
      total: inside.length,
      ...(inside.length === 0 && next < Infinity ? { next_appointment: written(next, zone) } : {}),
      appointments: inside.sort((a, b) => a.start - b.start || a.id - b.id).map(view),
    };
  });
  scope.get('/appointments/:id/edit.json', (request) => {
    const row = booking.row(tokens.client(request, 'appointments:write'), read(numbered, request.params).id);
    return { appointment: { ...viewOf(store, row), custom_fields: booking.questions(row) } };
  });
  scope.get('/appointments/:id', (request) =>
    view(booking.row(tokens.client(request, 'appointments:read'), read(numbered, request.params).id)),
  );
}

function registerWrites(scope: FastifyInstance, { store, booking, tokens, faults }: ApiParts): void {
  scope.post('/appointments', (request) => {
    const client = tokens.client(request, 'appointments:write');
    const { id, expiresAt, agendaKey } = booking.hold(client, read(holdInput, request.body));
    const zone = store.setup.zone(store.setup.agenda(agendaKey));
    return { id, expires_at: written(expiresAt ?? 0, zone) };
  });
  scope.put('/appointments/:id', (request) => {
    const row = booking.row(tokens.client(request, 'appointments:write'), read(numbered, request.params).id);
    const input = read(putInput, request.body);
    // Answered as if it had been done.
    if (!faults.take(['lose-write'], { method: 'PUT' })) booking.put(row, input);
    return { redirection: `/appointments/${String(row.id)}/confirmation` };
  });
  scope.delete('/appointments/:id', (request, reply): FastifyReply => {
    store.release(booking.row(tokens.client(request, 'appointments:write'), read(numbered, request.params).id));
    return reply.code(204).send();
  });
}

function registerWebhooks(scope: FastifyInstance, { tokens, webhooks }: ApiParts): void {
  scope.post('/webhooks', (request) => {
    const { id } = webhooks.put(tokens.client(request, 'webhooks'), null, read(webhookInput, request.body));
    return { id };
  });
  scope.put('/webhooks/:id', (request) => {
    const client = tokens.client(request, 'webhooks');
    return { id: webhooks.put(client, read(params, request.params).id, read(webhookInput, request.body)).id };
  });
  scope.delete('/webhooks/:id', (request, reply): FastifyReply => {
    webhooks.remove(tokens.client(request, 'webhooks'), read(params, request.params).id);
    return reply.code(204).send();
  });
}

/** Holds are seen by who made them. */
function isShownTo(client: Client, row: Appointment): boolean {
  const agreed = client.consents?.includes(row.agendaKey) ?? true;
  return agreed && (row.status !== 'temporary' || row.clientId === client.id);
}

function viewOf({ setup, spoilt }: AppointmentStore, row: Appointment): object {
  const agenda = setup.agenda(row.agendaKey);
  const zone = setup.zone(agenda);
  return {
    id: row.id,
    agenda_id: agenda.id,
    start_date: spoilt.has(row.id) ? null : written(row.start, zone),
    end_date: written(row.end, zone),
    title: row.title,
    visit_motive_id: row.motiveId,
    status: row.status,
    confirmed: row.status === 'confirmed',
    deletion_reason: row.reason,
    expires_at: row.expiresAt === null ? null : written(row.expiresAt, zone),
    partner_reference: row.reference,
    lock_version: row.lockVersion,
    updated_at: written(row.updatedAt, zone),
  };
}
