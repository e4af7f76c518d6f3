import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Faults } from '../core/faults.js';
import { Refusal } from '../core/refusal.js';
import { moment, objectId, view, type Agenda, type Appointment, type Key, type Reason, type Scope } from './model.js';
import { slotsOf, slotView, type Slot } from './slots.js';
import type { MaiiaStore } from './store.js';
import type { Throttle } from './throttle.js';
import type { Tokens } from './tokens.js';

const PAGE = 25;
/** Whoever asks for more gets this many. */
const MAX_PAGE = 100;
const MAX_IDS = 50;
const CLOSEST_MS = 183 * 86_400_000;

/** What the API needs of the simulator around it. */
export interface ApiParts {
  readonly store: MaiiaStore;
  readonly tokens: Tokens;
  readonly throttle: Throttle;
  readonly faults: Faults;
}

const paging = {
  page: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).optional(),
  /** The older name of `limit`. */
  size: z.coerce.number().int().min(1).optional(),
};
const slotsQuery = z.object({
  centerId: objectId,
  consultationReasonName: z.string(),
  from: moment,
  to: moment,
  ...paging,
});
const closestQuery = slotsQuery.omit({ to: true });
const appointmentsQuery = z.object({
  agendaSettingsId: objectId,
  from: moment.optional(),
  to: moment.optional(),
  updatedSince: moment.optional(),
  externalId: z.string().optional(),
  ids: z
    .string()
    .transform((list) => list.split(','))
    .refine((ids) => ids.length <= MAX_IDS)
    .optional(),
  sort: z.enum(['startDateTime', 'updateDate', '-updateDate']).default('startDateTime'),
  ...paging,
});

/** Parses what a caller sent, or refuses it in the vendor's words. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const read = schema.safeParse(value);
  if (!read.success) {
    const fields = read.error.issues.map(({ path }) => path.join('.'));
    throw new Refusal(400, 'INVALID_REQUEST', { fields });
  }
  return read.data;
}

/** The key that a call is made with, if it has the right and was not too quick. */
export function callerOf({ tokens, throttle }: ApiParts, request: FastifyRequest, scope: Scope): Key {
  const key = tokens.caller(request.headers.authorization, scope);
  throttle.count(key.apiKey);
  return key;
}

export function opened(store: MaiiaStore, key: Key, agendaId: string): Agenda {
  const agenda = store.agenda(agendaId);
  if (!key.agendaIds.includes(agendaId)) throw new Refusal(403, 'AGENDA_NOT_ALLOWED');
  return agenda;
}

/** What partners may read. */
export function registerReads(scope: FastifyInstance, parts: ApiParts): void {
  const { store } = parts;
  const page = <Item>(all: readonly Item[], query: Paged, shape: (item: Item) => object): object =>
    paged(parts.faults, { all, query, shape });

  scope.get('/me', (request) => {
    const { account, scopes } = callerOf(parts, request, 'appointments:read');
    return { account, scopes };
  });

  scope.get('/agenda-settings', (request) => {
    const key = callerOf(parts, request, 'appointments:read');
    const mine = store.agendas().filter(({ id }) => key.agendaIds.includes(id));
    return page(mine, parse(z.object(paging), request.query), agendaView);
  });

  scope.get('/consultation-reasons', (request) => {
    const key = callerOf(parts, request, 'appointments:read');
    const mine = store.reasons().filter(({ agendaIds }) => agendaIds.some((id) => key.agendaIds.includes(id)));
    return page(mine, parse(z.object(paging), request.query), reasonView);
  });

  scope.get('/appointments', (request) => {
    const key = callerOf(parts, request, 'appointments:read');
    const query = parse(appointmentsQuery, request.query);
    const agenda = opened(store, key, query.agendaSettingsId);
    if (query.updatedSince !== undefined) store.requireHorizon(query.updatedSince);
    return page(found(store, query), query, (one) => view(one, agenda));
  });

  scope.get<{ Params: { id: string } }>('/appointments/:id', (request) => {
    const key = callerOf(parts, request, 'appointments:read');
    const appointment = store.appointment(request.params.id);
    return view(appointment, opened(store, key, appointment.agendaId));
  });

  registerSlots(scope, parts, page);
}

type Page = <Item>(all: readonly Item[], query: Paged, shape: (item: Item) => object) => object;

/** Slots are asked for by the motif's name: a name that is not there has none, and nothing says so. */
function registerSlots(scope: FastifyInstance, parts: ApiParts, page: Page): void {
  const { store } = parts;
  scope.get('/availabilities', (request) => {
    const key = callerOf(parts, request, 'appointments:read');
    const { centerId, consultationReasonName, ...query } = parse(slotsQuery, request.query);
    const slots = slotsNamed(store, key, { centerId, name: consultationReasonName, ...query });
    return page(slots, query, (slot) => slotView(slot, store.generation));
  });

  scope.get('/availability-closests', (request) => {
    const key = callerOf(parts, request, 'appointments:read');
    const { centerId, consultationReasonName: name, from } = parse(closestQuery, request.query);
    const [first] = slotsNamed(store, key, { centerId, name, from, to: from + CLOSEST_MS });
    if (!first) return { availabilityCount: 0 };
    const shown = slotView(first, store.generation);
    const startDateTime = new Date(first.start).toISOString();
    return { availabilityCount: 1, closestPhysicalAvailability: shown, firstPhysicalStartDateTime: startDateTime };
  });
}

function slotsNamed(
  store: MaiiaStore,
  key: Key,
  wanted: { centerId: string; name: string; from: number; to: number },
): Slot[] {
  const agendas = store
    .agendas()
    .filter(({ id, centerId }) => centerId === wanted.centerId && key.agendaIds.includes(id));
  const slots = agendas.flatMap((agenda) =>
    store
      .reasons()
      .filter(({ name, agendaIds }) => name === wanted.name && agendaIds.includes(agenda.id))
      .flatMap((reason) => slotsOf(store, agenda, reason, wanted)),
  );
  return slots.sort((a, b) => a.start - b.start);
}

function found(store: MaiiaStore, query: z.output<typeof appointmentsQuery>): Appointment[] {
  const { from = -Infinity, to = Infinity, updatedSince = -Infinity, externalId, ids, sort } = query;
  const appointments = store
    .appointments(query.agendaSettingsId)
    .filter(({ start, end }) => start < to && from < end)
    .filter(({ updatedAt }) => updatedAt >= updatedSince)
    .filter((one) => externalId === undefined || one.externalId === externalId)
    .filter(({ id }) => ids === undefined || ids.includes(id));
  if (sort === 'startDateTime') return appointments.sort((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1));
  const way = sort === 'updateDate' ? 1 : -1;
  return appointments.sort((a, b) => (a.updatedAt - b.updatedAt) * way || (a.id < b.id ? -1 : 1));
}

interface Paged {
  readonly page: number;
  readonly limit?: number | undefined;
  readonly size?: number | undefined;
}

interface Listing<Item> {
  readonly all: readonly Item[];
  readonly query: Paged;
  readonly shape: (item: Item) => object;
}

/** Pages are cut anew at each request: what is written in between shifts them. */
function paged<Item>(faults: Faults, { all, query, shape }: Listing<Item>): object {
  const asked = Math.min(MAX_PAGE, query.limit ?? query.size ?? PAGE);
  const size = faults.take(['partial-page'], {}) ? Math.max(1, Math.floor(asked / 3)) : asked;
  const items = all.slice(query.page * size, (query.page + 1) * size);
  return { items: items.map(shape), total: all.length };
}

function agendaView({
  id,
  name,
  zone,
  practitionerId,
  centerId,
  isOnlineAppointment,
  onlineAvailabilityVisibilityLimit,
}: Agenda): object {
  return {
    agendaSettingsId: id,
    name,
    timeZone: zone,
    practitionerId,
    centerId,
    isOnlineAppointment,
    isVisibleOnline: isOnlineAppointment,
    onlineAvailabilityVisibilityLimit,
    isTeleconsultation: false,
  };
}

function reasonView({ id, name, agendaIds, patientLimitation, minimumAge }: Reason, position = 0): object {
  return {
    id,
    name,
    position,
    agendaSettingsIds: agendaIds,
    consultationType: 'PHYSICAL',
    patientLimitation,
    ...(minimumAge === undefined ? {} : { minimumAge }),
    allowAvailabilitiesXHoursBefore: 1008,
    injectionType: 'NONE',
  };
}
