import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Faults } from '../core/faults.js';
import type { Accounts, Caller } from './accounts.js';
import { channelInput, type Channels } from './channels.js';
import { etagOf, eventInput, shown, type Role, type StoredEvent } from './events.js';
import { listEvents, listQuery } from './listing.js';
import { bound, instantOf } from './moments.js';
import { project } from './projection.js';
import { ApiRefusal } from './refusal.js';
import type { Calendar, CalendarStore } from './store.js';

const READ = ['calendar', 'calendar.readonly', 'calendar.events', 'calendar.events.readonly'];
const WRITE = ['calendar', 'calendar.events'];
const LISTS = ['calendar', 'calendar.readonly', 'calendar.calendarlist', 'calendar.calendarlist.readonly'];
const FREE_BUSY = ['calendar', 'calendar.readonly', 'calendar.freebusy', 'calendar.events.freebusy'];
const FREE_BUSY_DAYS = 91;
const FREE_BUSY_CALENDARS = 50;
const DAY_MS = 86_400_000;

/** What the API needs of the simulator around it. */
export interface ApiParts {
  readonly store: CalendarStore;
  readonly accounts: Accounts;
  readonly channels: Channels;
  readonly faults: Faults;
  readonly oldestToken: (calendarId: string) => number;
}

interface CalendarParams {
  readonly calendarId: string;
}
interface EventParams extends CalendarParams {
  readonly eventId: string;
}
type CalendarRequest = FastifyRequest<{ Params: CalendarParams }>;
interface Opened {
  readonly calendar: Calendar;
  readonly role: Role;
}

/** The calendar API, version 3, as its callers see it. */
export function registerApi(scope: FastifyInstance, parts: ApiParts): void {
  scope.addHook('preSerialization', (request, reply, payload, done) => {
    const { fields } = request.query as { fields?: string };
    done(null, reply.statusCode < 400 ? project(payload, fields) : payload);
  });
  registerLists(scope, parts);
  registerReads(scope, parts);
  registerWrites(scope, parts);
  registerChannels(scope, parts);
}

function allowed({ accounts }: ApiParts, request: FastifyRequest, scopes: readonly string[]): Caller {
  const caller = accounts.caller(request.headers.authorization);
  if (!caller.scopes.some((one) => scopes.includes(one))) throw new ApiRefusal(403, 'insufficientPermissions');
  return caller;
}

function reading(parts: ApiParts, request: CalendarRequest): Opened {
  return parts.store.opened(request.params.calendarId, allowed(parts, request, READ).user);
}

function writing(parts: ApiParts, request: CalendarRequest): Opened {
  const opened = parts.store.opened(request.params.calendarId, allowed(parts, request, WRITE).user);
  if (opened.role === 'reader' || opened.role === 'freeBusyReader') throw new ApiRefusal(403, 'requiredAccessLevel');
  return opened;
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const read = schema.safeParse(value);
  if (!read.success) throw new ApiRefusal(400, 'invalid');
  return read.data;
}

function registerLists(scope: FastifyInstance, parts: ApiParts): void {
  const entry = (calendar: Calendar, user: string): object => {
    const { id, summary, timeZone, acl } = calendar;
    const accessRole = acl[user];
    return {
      kind: 'calendar#calendarListEntry',
      id,
      summary,
      timeZone,
      accessRole,
      ...(id === user && { primary: true }),
    };
  };
  const listed = (user: string): Calendar[] =>
    parts.store.calendars().filter(({ acl, unlisted }) => acl[user] !== undefined && !unlisted.includes(user));

  scope.get('/users/me/calendarList', (request) => {
    const { user } = allowed(parts, request, LISTS);
    const items = listed(user).map((calendar) => entry(calendar, user));
    return { kind: 'calendar#calendarList', items };
  });
  scope.get<{ Params: CalendarParams }>('/users/me/calendarList/:calendarId', (request) => {
    const { user } = allowed(parts, request, LISTS);
    const { calendar } = parts.store.opened(request.params.calendarId, user);
    if (!listed(user).includes(calendar)) throw new ApiRefusal(404, 'notFound');
    return entry(calendar, user);
  });
  scope.post('/freeBusy', (request) => {
    const { user } = allowed(parts, request, FREE_BUSY);
    const input = z.object({ timeMin: z.string(), timeMax: z.string(), items: z.array(z.object({ id: z.string() })) });
    const { timeMin, timeMax, items } = parsed(input, request.body);
    const [min, max] = [bound(timeMin), bound(timeMax)];
    if (min >= max || max - min > FREE_BUSY_DAYS * DAY_MS || items.length > FREE_BUSY_CALENDARS)
      throw new ApiRefusal(400, 'timeRangeTooLong');
    const calendars = items.map(({ id }) => [id, busyOf(parts.store, id, { user, min, max })] as const);
    return { kind: 'calendar#freeBusy', timeMin, timeMax, calendars: Object.fromEntries(calendars) as object };
  });
}

/** A calendar that cannot be asked is an error of its own inside the answer. */
function busyOf(
  store: CalendarStore,
  id: string,
  { user, min, max }: { user: string; min: number; max: number },
): object {
  const calendar = store.calendars().find((one) => one.id === id);
  if (calendar?.acl[user] === undefined) return { errors: [{ domain: 'global', reason: 'notFound' }], busy: [] };
  const busy = store
    .stored(id)
    .filter(({ status, details }) => status !== 'cancelled' && details.transparency !== 'transparent')
    .flatMap((event) => (event.recurrence === null ? [event] : store.expanded(calendar, event, max)))
    .map(({ start, end }) => [instantOf(start, calendar.timeZone), instantOf(end, calendar.timeZone)] as const)
    .filter(([start, end]) => start < max && end > min)
    .map(([start, end]) => ({ start: new Date(start).toISOString(), end: new Date(end).toISOString() }));
  return { busy };
}

function registerReads(scope: FastifyInstance, parts: ApiParts): void {
  const { store, faults } = parts;
  const pageSize = (asked: number): number =>
    faults.take(['partial-page'], {}) ? Math.max(1, Math.floor(asked / 20)) : asked;

  scope.get<{ Params: CalendarParams }>('/calendars/:calendarId/events', (request) => {
    const query = parsed(listQuery, request.query);
    return listEvents({ store, oldest: parts.oldestToken, pageSize }, reading(parts, request), query);
  });
  scope.get<{ Params: EventParams }>('/calendars/:calendarId/events/:eventId', (request, reply) => {
    const { calendar, role } = reading(parts, request);
    return sendEvent(reply, store.event(calendar, request.params.eventId), role);
  });
  scope.get<{ Params: EventParams }>('/calendars/:calendarId/events/:eventId/instances', (request) => {
    const { calendar, role } = reading(parts, request);
    const { timeMin, timeMax } = parsed(listQuery, request.query);
    const min = timeMin === undefined ? -Infinity : bound(timeMin);
    const max = timeMax === undefined ? Infinity : bound(timeMax);
    const series = store.event(calendar, request.params.eventId);
    const moved = store.stored(calendar.id).filter((one) => one.recurringEventId === series.id);
    const items = [...store.expanded(calendar, series, max), ...moved]
      .filter(({ status }) => status !== 'cancelled')
      .filter(({ start, end }) => instantOf(start, calendar.timeZone) < max && instantOf(end, calendar.timeZone) > min);
    return { kind: 'calendar#events', items: items.map((event) => shown(event, role)) };
  });
}

function registerWrites(scope: FastifyInstance, parts: ApiParts): void {
  const { store, faults } = parts;
  scope.post<{ Params: CalendarParams }>('/calendars/:calendarId/events', (request, reply) => {
    const { calendar, role } = writing(parts, request);
    const input = parsed(eventInput, request.body);
    if (faults.take(['lose-write'], { method: 'POST' })) return reply.send({ kind: 'calendar#event', ...input });
    return sendEvent(reply, store.insert(calendar, input), role);
  });
  scope.patch<{ Params: EventParams }>('/calendars/:calendarId/events/:eventId', (request, reply) => {
    const { calendar, role } = writing(parts, request);
    const input = parsed(eventInput, request.body);
    return sendEvent(reply, store.patch(calendar, request.params.eventId, input, request.headers['if-match']), role);
  });
  scope.delete<{ Params: EventParams }>('/calendars/:calendarId/events/:eventId', (request, reply) => {
    const { calendar } = writing(parts, request);
    store.remove(calendar, request.params.eventId, request.headers['if-match']);
    return reply.code(204).send();
  });
}

function registerChannels(scope: FastifyInstance, parts: ApiParts): void {
  scope.post<{ Params: CalendarParams }>('/calendars/:calendarId/events/watch', (request) => {
    const { user } = allowed(parts, request, READ);
    const { calendar } = parts.store.opened(request.params.calendarId, user);
    return parts.channels.watch(calendar.id, user, parsed(channelInput, request.body));
  });
  scope.post('/channels/stop', (request, reply) => {
    const { user } = allowed(parts, request, READ);
    const { id, resourceId } = parsed(z.object({ id: z.string(), resourceId: z.string() }), request.body);
    parts.channels.close(user, id, resourceId);
    return reply.code(204).send();
  });
}

function sendEvent(reply: FastifyReply, event: StoredEvent, role: Role): FastifyReply {
  return reply.header('etag', etagOf(event)).send(shown(event, role));
}
