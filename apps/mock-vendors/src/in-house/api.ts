import { createHash, timingSafeEqual } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Faults } from '../core/faults.js';
import { leadsToLoopback } from '../core/loopback.js';
import { parsed, Refusal } from '../core/refusal.js';
import {
  entryChange,
  leaseInput,
  newEntry,
  subscriptionInput,
  type Agenda,
  type Entry,
  type Subject,
  type Subscription,
} from './model.js';
import type { AgendaStore } from './store.js';

const PAGE = 200;
const MAX_PAGE = 500;

interface AgendaParams {
  readonly agendaId: string;
}
interface EntryParams extends AgendaParams {
  readonly entryId: string;
}
interface LeaseParams extends AgendaParams {
  readonly reference: string;
}
interface SubscriptionParams {
  readonly subscriptionId: string;
}

const count = z.coerce.number().int().min(1).max(MAX_PAGE).default(PAGE);
const agendasQuery = z.strictObject({ limit: count, after: z.string().optional() });
const changesQuery = z.strictObject({ after: z.coerce.number().int().min(0), limit: count });
const versionsQuery = z.strictObject({
  from: z.coerce.number().int(),
  to: z.coerce.number().int(),
  after: z.string().optional(),
  limit: count,
});
const rulesQuery = z.strictObject({ from: z.coerce.number().int(), to: z.coerce.number().int() });
const entriesQuery = z.strictObject({
  from: z.coerce.number().int().optional(),
  to: z.coerce.number().int().optional(),
  reference: z.string().optional(),
  ids: z
    .string()
    .transform((list) => new Set(list.split(',')))
    .optional(),
  after: z.string().optional(),
  limit: count,
});

/** What the API needs of the simulator around it. */
export interface ApiParts {
  readonly store: AgendaStore;
  readonly faults: Faults;
}

/** The agenda software's API as its customers see it. */
export function registerApi(scope: FastifyInstance, parts: ApiParts): void {
  scope.get('/account', (request) => ({ account: keyed(parts.store, request)[0]?.name ?? '' }));
  scope.get('/agendas', (request) => {
    const { limit, after } = parsed(agendasQuery, request.query);
    const all = [...keyed(parts.store, request)].sort((a, b) => (a.id < b.id ? -1 : 1));
    const rest = all.filter(({ id }) => after === undefined || id > after);
    return page(rest, cut(parts.faults, limit), ({ id, name, zone }) => ({ id, name, zone, writable: true }));
  });
  registerReads(scope, parts);
  registerWrites(scope, parts);
  registerLeases(scope, parts.store);
  registerSubscriptions(scope, parts.store);
}

function registerReads(scope: FastifyInstance, { store, faults }: ApiParts): void {
  scope.get<{ Params: AgendaParams }>('/agendas/:agendaId/entries', (request) => {
    const agenda = opened(store, request, request.params.agendaId);
    const {
      from = 0,
      to = Number.MAX_SAFE_INTEGER,
      reference,
      ids,
      after,
      limit,
    } = parsed(entriesQuery, request.query);
    const found = store
      .live(agenda.id)
      .filter((entry) => entry.start < to && from < entry.end)
      .filter((entry) => reference === undefined || entry.reference === reference)
      .filter((entry) => ids === undefined || ids.has(entry.id))
      .filter((entry) => after === undefined || entry.id > after);
    return { ...page(found, cut(faults, limit), view), seq: store.seq() };
  });

  scope.get<{ Params: AgendaParams }>('/agendas/:agendaId/rules', (request) => {
    const { rules } = opened(store, request, request.params.agendaId);
    const { from, to } = parsed(rulesQuery, request.query);
    const { newPatients, ages, openings } = rules ?? { newPatients: 'accepted', ages: null, openings: null };
    return { newPatients, ages, openings: openings?.filter(({ start, end }) => start < to && from < end) ?? null };
  });

  scope.get<{ Params: AgendaParams }>('/agendas/:agendaId/versions', (request) => {
    const agenda = opened(store, request, request.params.agendaId);
    const { from, to, after, limit } = parsed(versionsQuery, request.query);
    const found = store
      .live(agenda.id)
      .filter((entry) => entry.start < to && from < entry.end)
      .filter((entry) => after === undefined || entry.id > after);
    return page(found, cut(faults, limit), ({ id, version }) => ({ id, version }));
  });

  scope.get<{ Params: AgendaParams }>('/agendas/:agendaId/changes', (request) => {
    const agenda = opened(store, request, request.params.agendaId);
    const { after, limit } = parsed(changesQuery, request.query);
    const changes = store.changes(agenda.id, after);
    const items = changes.slice(0, cut(faults, limit));
    const more = changes.length > items.length;
    const next = more ? (items.at(-1)?.seq ?? after) : store.seq();
    return {
      items: items.map((entry) =>
        entry.deleted ? { id: entry.id, deleted: true } : { id: entry.id, deleted: false, entry: view(entry) },
      ),
      next,
      more,
    };
  });

  scope.get<{ Params: EntryParams }>('/agendas/:agendaId/entries/:entryId', (request, reply) => {
    const agenda = opened(store, request, request.params.agendaId);
    return sendEntry(reply, 200, store.entry(agenda.id, request.params.entryId));
  });
}

function registerWrites(scope: FastifyInstance, { store, faults }: ApiParts): void {
  scope.post<{ Params: AgendaParams }>('/agendas/:agendaId/entries', (request, reply) => {
    const agenda = opened(store, request, request.params.agendaId);
    const key = parsed(z.string().max(100).optional(), request.headers['idempotency-key']);
    const input = parsed(newEntry, request.body);
    if (faults.take(['lose-write'], { method: 'POST' })) {
      const lost = { ...input, id: crypto.randomUUID(), agendaId: agenda.id, version: 1, author: 'api' as const };
      return sendEntry(reply, 201, { ...lost, updatedAt: 0, deleted: false, seq: 0 });
    }
    const { entry, replayed } = store.create(agenda.id, input, { author: 'api' }, key);
    return sendEntry(reply, replayed ? 200 : 201, entry);
  });

  scope.patch<{ Params: EntryParams }>('/agendas/:agendaId/entries/:entryId', (request, reply) => {
    const agenda = opened(store, request, request.params.agendaId);
    const version = versionOf(request);
    if (version === null) throw new Refusal(428, 'if_match_required');
    const entry = store.entry(agenda.id, request.params.entryId);
    return sendEntry(reply, 200, store.update(entry, parsed(entryChange, request.body), version, { author: 'api' }));
  });

  scope.delete<{ Params: EntryParams }>('/agendas/:agendaId/entries/:entryId', (request, reply) => {
    const agenda = opened(store, request, request.params.agendaId);
    store.remove(store.entry(agenda.id, request.params.entryId), versionOf(request), { author: 'api' });
    return reply.code(204).send();
  });
}

function registerLeases(scope: FastifyInstance, store: AgendaStore): void {
  const path = '/agendas/:agendaId/leases/:reference';
  scope.put<{ Params: LeaseParams }>(path, (request) => {
    const agenda = opened(store, request, request.params.agendaId);
    const { start, end, until } = store.lease(agenda.id, request.params.reference, parsed(leaseInput, request.body));
    return { start, end, until };
  });
  scope.delete<{ Params: LeaseParams }>(path, (request, reply) => {
    store.release(opened(store, request, request.params.agendaId).id, request.params.reference);
    return reply.code(204).send();
  });
}

function registerSubscriptions(scope: FastifyInstance, store: AgendaStore): void {
  const input = (body: unknown): { url: string; secret: string } => {
    const { url, secret } = parsed(subscriptionInput, body);
    if (!leadsToLoopback(url)) throw new Refusal(422, 'callback_not_local');
    return { url, secret };
  };
  const own = (request: FastifyRequest<{ Params: SubscriptionParams }>): Subscription => {
    const allowed = keyed(store, request);
    const found = store.subscription(request.params.subscriptionId);
    if (!allowed.some(({ id }) => id === found.agendaId)) throw new Refusal(403, 'not_yours');
    return found;
  };
  const shown = ({ id, expiresAt }: Subscription): object => ({ id, expiresAt });

  scope.post<{ Params: AgendaParams }>('/agendas/:agendaId/subscriptions', (request, reply) => {
    const agenda = opened(store, request, request.params.agendaId);
    const { url, secret } = input(request.body);
    return reply.code(201).send(shown(store.subscribe(agenda.id, url, secret)));
  });
  scope.post<{ Params: SubscriptionParams }>('/subscriptions/:subscriptionId/renew', (request) => {
    const { url, secret } = input(request.body);
    return shown(store.renew(own(request), url, secret));
  });
  scope.delete<{ Params: SubscriptionParams }>('/subscriptions/:subscriptionId', (request, reply) => {
    store.unsubscribe(own(request).id);
    return reply.code(204).send();
  });
}

/** The agendas that the caller's key or certificate opens; refuses a caller to whom none opens. */
function keyed(store: AgendaStore, request: FastifyRequest): readonly Agenda[] {
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const subject = subjectOf(request);
  const mine = store
    .agendas()
    .filter(({ apiKey, certificate }) =>
      certificate == null
        ? timingSafeEqual(digest(apiKey), digest(given))
        : subject?.commonName === certificate.commonName && subject.unit === certificate.unit,
    );
  if (mine.length > 0) return mine;
  if (given !== '') throw new Refusal(401, 'key_unknown');
  throw new Refusal(401, subject === null ? 'certificate_required' : 'certificate_unknown');
}

/** Whom the caller's certificate is for; `null` without TLS, or where it is not of the authority that is believed here. */
function subjectOf({ raw: { socket } }: FastifyRequest): Subject | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  const { CN, OU } = socket.getPeerCertificate().subject;
  return { commonName: [CN].flat().join(), unit: [OU ?? ''].flat().join() };
}

function opened(store: AgendaStore, request: FastifyRequest, agendaId: string): Agenda {
  const mine = keyed(store, request);
  const agenda = store.agenda(agendaId);
  if (!mine.includes(agenda)) throw new Refusal(403, 'not_yours');
  return agenda;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** `If-Match: "<version>"` (RFC 9110 13.1.1); `null` when absent or `*`. */
function versionOf(request: FastifyRequest): number | null {
  const header = request.headers['if-match'];
  if (header === undefined || header === '*') return null;
  const version = /^"(\d+)"$/.exec(header)?.[1];
  if (version === undefined) throw new Refusal(412, 'version_mismatch');
  return Number(version);
}

/** A page may hold fewer items than were asked for. */
function cut(faults: Faults, limit: number): number {
  return faults.take(['partial-page'], {}) ? Math.max(1, Math.floor(limit / 3)) : limit;
}

function page<Item extends { readonly id: string }>(
  rest: readonly Item[],
  limit: number,
  shape: (item: Item) => object,
): { items: object[]; next: string | null } {
  const items = rest.slice(0, limit);
  return { items: items.map(shape), next: rest.length > items.length ? (items.at(-1)?.id ?? null) : null };
}

function view({ id, start, end, title, reference, version, author, updatedAt }: Entry): object {
  return { id, start, end, title, reference, version, author, updatedAt };
}

function sendEntry(reply: FastifyReply, status: number, entry: Entry): FastifyReply {
  return reply
    .code(status)
    .header('etag', `"${String(entry.version)}"`)
    .send(view(entry));
}
