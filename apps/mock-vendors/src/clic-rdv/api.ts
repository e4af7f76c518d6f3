import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Faults } from '../core/faults.js';
import { readTime, written } from './local-time.js';
import type { Group, Vevent } from './model.js';
import { collection, type RecordShown } from './query.js';
import { ClicRefusal, errorBody } from './refusal.js';
import type { Content, VeventStore } from './store.js';

export interface ApiParts {
  readonly store: VeventStore;
  readonly faults: Faults;
  /** Logins that the API has silently forgotten: it answers them as it answers anybody, with nothing. */
  readonly forgotten: ReadonlySet<string>;
}

type Asked = FastifyRequest<{ Params: { group: string; id?: string } }>;

const id = z.coerce.number().int().min(0);
const flag = z.union([z.boolean(), z.literal(0), z.literal(1)]).transform(Boolean);
const fields = {
  ...{ start: z.string(), end: z.string() },
  ...{ calendar_id: id, fiche_id: id, intervention_id: id },
  ...{ text: z.string().max(500), comments: z.string().max(2_000), taker: z.string().max(60) },
  ...{ type: z.literal('VfreebusyEvent').nullable(), note: flag, deleted: flag, from_web: flag },
};
const changeInput = z.object({ vevent: z.object(fields).partial() });
const createInput = z.object({
  vevent: z.object(fields).partial().required({ start: true, end: true, calendar_id: true }),
});

export function registerApi(scope: FastifyInstance, parts: ApiParts): void {
  const { store } = parts;
  scope.setErrorHandler((error, _request, reply) => refuse(error, reply));
  const list = (name: string, recordsOf: (group: Group) => readonly RecordShown[]): void => {
    for (const path of [`/groups/:group/${name}`, `/groups/:group/${name}.json`])
      scope.get(path, (request: Asked, reply) => {
        const group = opened(request, reply, parts);
        if (group === 'anybody') return collection([], queryOf(request), false);
        if (group === null) return reply;
        const cut = parts.faults.take(['partial-page'], {}) !== undefined;
        return collection(recordsOf(group), queryOf(request), cut);
      });
  };
  list('calendars', ({ calendars }) => calendars.map((one) => ({ id: one.id, name: one.name, deleted: false })));
  list('pros', ({ pro, name }) => [{ id: 9, email: pro.email, lastname: name }]);
  list('interventions', ({ interventions }) => interventions.map((one) => ({ ...one, deleted: false })));
  list('fiches', ({ fiches }) => fiches.map((one) => ({ ...one, deleted: false })));
  list('vevents', (group) => store.vevents(group).map((one) => shown(one, zoneOf(group, one.calendarId))));
  registerWrites(scope, parts);
}

function registerWrites(scope: FastifyInstance, parts: ApiParts): void {
  const { store } = parts;
  for (const path of ['/groups/:group/vevents', '/groups/:group/vevents.json'])
    scope.post(path, (request: Asked, reply) => {
      const group = writable(request, reply, parts);
      return group === null ? reply : create(request, reply, { ...parts, group });
    });
  scope.put('/groups/:group/vevents/:id', (request: Asked, reply) => {
    const group = writable(request, reply, parts);
    if (group === null) return reply;
    const vevent = veventOf(request, group, store);
    const { vevent: to } = accepted(changeInput, request.body);
    const zone = zoneOf(group, vevent.calendarId);
    return { vevent: shown(store.change(vevent, changeOf(to, zone)), zone) };
  });
  scope.delete('/groups/:group/vevents/:id', (request: Asked, reply) => {
    const group = writable(request, reply, parts);
    if (group === null) return reply;
    const vevent = store.change(veventOf(request, group, store), { deleted: true });
    return { vevent: shown(vevent, zoneOf(group, vevent.calendarId)) };
  });
}

function create(
  request: Asked,
  reply: FastifyReply,
  { store, faults, group }: ApiParts & { group: Group },
): FastifyReply {
  const { vevent: given } = accepted(createInput, request.body);
  const calendar = group.calendars.find((one) => one.id === given.calendar_id);
  if (!calendar) throw new ClicRefusal(400, 'calendar_id');
  const content = contentOf(given, group, calendar.zone);
  if (faults.take(['lose-write'], { method: 'POST' })) return reply.code(201).send({ vevent: { id: 999_999 } });
  const made = store.add(calendar.id, content, { by: 'api' });
  return reply.code(201).send({ vevent: shown(made, calendar.zone) });
}

function contentOf(given: z.output<typeof createInput>['vevent'], group: Group, zone: string): Content {
  const { fiche_id: ficheId = 0, intervention_id: interventionId = 0, note = false } = given;
  const isVisit = ficheId > 0 || interventionId > 0;
  if (isVisit && !group.fiches.some((one) => one.id === ficheId)) throw new ClicRefusal(400, 'fiche_id');
  if (isVisit && !group.interventions.some((one) => one.id === interventionId))
    throw new ClicRefusal(400, 'intervention_id');
  const [start, end] = [readTime(given.start, zone), readTime(given.end, zone)];
  if (start > end || (start === end && !note)) throw new ClicRefusal(400, 'end before start');
  return { start, end, ficheId, interventionId, note, ...wordsOf(given) };
}

function wordsOf(given: z.output<typeof createInput>['vevent']): Pick<Content, 'type' | 'text' | 'comments' | 'taker'> {
  const { type = null, text = '', comments = null, taker = 'api' } = given;
  return { type, text, comments, taker };
}

function changeOf(to: z.output<typeof changeInput>['vevent'], zone: string): Parameters<VeventStore['change']>[1] {
  return {
    ...(to.start === undefined ? {} : { start: readTime(to.start, zone) }),
    ...(to.end === undefined ? {} : { end: readTime(to.end, zone) }),
    ...(to.text === undefined ? {} : { text: to.text }),
    ...(to.comments === undefined ? {} : { comments: to.comments }),
    ...(to.deleted === undefined ? {} : { deleted: to.deleted }),
  };
}

function shown(one: Vevent, zone: string): RecordShown {
  return {
    ...{ id: one.id, calendar_id: one.calendarId, intervention_id: one.interventionId, fiche_id: one.ficheId },
    start: one.corrupt ? '0000-00-00 00:00:00' : written(one.start, zone),
    end: written(one.end, zone),
    ...{ text: one.text, comments: one.comments, taker: one.taker, from_web: one.by === 'patient' },
    ...{ type: one.type, note: one.note, deleted: one.deleted },
    ...{ created_at: written(one.created, zone), updated_at: written(one.updated, zone) },
  };
}

function zoneOf(group: Group, calendarId: number): string {
  return group.calendars.find(({ id: one }) => one === calendarId)?.zone ?? 'Europe/Paris';
}

function veventOf({ params }: Asked, group: Group, store: VeventStore): Vevent {
  const found = store.vevent(Number((params.id ?? '').replace(/\.json$/, '')));
  if (!group.calendars.some((one) => one.id === found.calendarId)) throw new ClicRefusal(404);
  return found;
}

function writable(request: Asked, reply: FastifyReply, parts: ApiParts): Group | null {
  const group = opened(request, reply, parts);
  if (group === 'anybody') throw new ClicRefusal(404);
  if (group !== null && !group.pro.writes) throw new ClicRefusal(403);
  return group;
}

/**
 * The group, for whoever proves who he is. The API asks nobody: without `Authorization` it shows its login page; a wrong
 * login is refused. `null`: the answer was given.
 */
function opened(request: Asked, reply: FastifyReply, { store, forgotten }: ApiParts): Group | 'anybody' | null {
  const group = store.groups().find(({ id: one }) => String(one) === request.params.group);
  const { authorization } = request.headers;
  if (authorization === undefined) {
    void reply.code(302).header('location', '/login').type('text/html').send('<!doctype html><title>Connexion</title>');
    return null;
  }
  const apikey = queryOf(request).get('apikey');
  if (!store.groups().some((one) => one.apikey === apikey)) throw new ClicRefusal(401, 'apikey');
  const login = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
  const owner = store.groups().find(({ pro }) => login === `${pro.email}:${pro.password}`);
  if (!owner) throw new ClicRefusal(401);
  if (forgotten.has(owner.pro.email)) return 'anybody';
  if (group?.pro.email !== owner.pro.email) throw new ClicRefusal(404);
  return group;
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  return new URL(url, 'http://localhost').searchParams;
}

function accepted<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const read = schema.safeParse(body);
  if (!read.success) throw new ClicRefusal(400, read.error.issues.map(({ path }) => path.join('.')).join(', '));
  return read.data;
}

function refuse(error: unknown, reply: FastifyReply): FastifyReply {
  if (error instanceof ClicRefusal) return reply.code(error.status).send(errorBody(error.status, error.detail));
  return reply.code(500).send(errorBody(500));
}
