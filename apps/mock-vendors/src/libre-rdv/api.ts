import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Faults } from '../core/faults.js';
import { readTime, written } from './local-time.js';
import type { Agenda, Row } from './model.js';
import { CODES, LibreRefusal } from './refusal.js';
import type { Book } from './store.js';
import type { Tokens } from './tokens.js';

const PAGE = 50;
const MINUTE = 60_000;
const DAY = 86_400_000;
const API_VERSION = '1';
const ORIGINS = { api: 'PMS', patient: 'WEB', practitioner: 'AGENDA' } as const;

export interface ApiParts {
  readonly book: Book;
  readonly tokens: Tokens;
  readonly faults: Faults;
}

type Query = Readonly<Record<string, string | undefined>>;
type Asked = FastifyRequest<{ Querystring: Query; Params: { id?: string } }>;

const formInput = z.object({
  agenda: z.string().optional(),
  startDate: z.string(),
  duration: z.coerce.number().int().min(1).max(1440),
  title: z.string().max(200).optional(),
  reference: z.string().max(80).optional(),
});

/** What a fault is in the software's words. */
export function errorBody(status: number): object {
  const code = status === 401 ? 12 : status === 403 ? 14 : 0;
  return { status: 'error', code, message: code === 0 ? `erreur ${String(status)}` : CODES[code] };
}

/** `token-get` alone, so that faults of the others leave it alone. */
export function registerTokenGet(scope: FastifyInstance, { book, tokens }: ApiParts): void {
  speakLikeIt(scope);
  scope.get('/token-get', (request: Asked) => {
    const apiKey = introduced(request.query, book);
    return { status: 'ok', ...tokens.give(apiKey) };
  });
}

export function registerApi(scope: FastifyInstance, parts: ApiParts): void {
  const { book } = parts;
  speakLikeIt(scope);
  scope.get('/account', (request: Asked) => {
    const agendas = opened(request, parts);
    const rights = agendas.some(({ writable }) => writable) ? ['lecture', 'demande'] : ['lecture'];
    return { status: 'ok', name: `Cabinet ${agendas[0]?.name ?? ''}`, rights };
  });
  scope.get('/agendas', (request: Asked) => ({
    status: 'ok',
    agendas: orNull(opened(request, parts).map(({ id, name, writable }) => ({ id, name, writable: writable ? 1 : 0 }))),
  }));
  scope.get('/appointments', (request: Asked) => {
    const agenda = agendaOf(request, parts);
    const { reference } = request.query;
    const rows = book.rows(agenda.id);
    if (reference === undefined) return listing(request.query, agenda, parts);
    const found = rows.filter((row) => row.reference === reference);
    return { status: 'ok', total: found.length, appointments: orNull(found.map((row) => shown(row, agenda))) };
  });
  scope.get('/appointments/:id', (request: Asked) => {
    const agenda = agendaOf(request, parts);
    return { status: 'ok', appointment: shown(book.row(agenda.id, Number(request.params.id)), agenda) };
  });
  scope.get('/give-me-news', (request: Asked, reply) => {
    const answer = news(request.query, agendaOf(request, parts), parts);
    return reply.type('application/json').send(JSON.stringify(answer));
  });
  scope.post('/appointments', (request: Asked) => ask(request, parts));
  scope.post('/appointments/:id', (request: Asked) => {
    const agenda = agendaOf(request, parts, true);
    const row = book.row(agenda.id, Number(request.params.id));
    if (request.query['method'] === 'PUT') {
      const { startDate, duration, title } = form(request);
      const start = readTime(startDate, agenda.zone);
      const to = { start, end: start + duration * MINUTE, ...(title === undefined ? {} : { title }) };
      return { status: 'ok', id: book.move(row, to, { by: 'api' }).id };
    }
    if (request.query['method'] !== 'DELETE') throw new LibreRefusal(40, 'method inconnue');
    book.remove(row);
    return { status: 'ok', id: row.id };
  });
}

function ask(request: Asked, { book, tokens, faults }: ApiParts): object {
  const agenda = agendaOf(request, { book, tokens }, true);
  const { startDate, duration, title = '', reference = null } = form(request);
  const start = readTime(startDate, agenda.zone);
  if (faults.take(['lose-write'], { method: 'POST' })) return { status: 'ok', id: 9_999 };
  const row = book.add(agenda.id, { start, end: start + duration * MINUTE, title, reference }, { by: 'api' });
  return { status: 'ok', id: row.id };
}

/** Numbered pages of what touches the days asked for, as they are at this moment. */
function listing(query: Query, agenda: Agenda, { book, faults }: ApiParts): object {
  const from = readTime(query['from'] ?? '', agenda.zone);
  const to = readTime(query['to'] ?? '', agenda.zone) + DAY;
  const page = Number(query['page'] ?? '1');
  if (!Number.isInteger(page) || page < 1) throw new LibreRefusal(40);
  const size = pageSize(faults);
  const rows = book.rows(agenda.id).filter((row) => row.corrupt || (row.start < to && from < row.end));
  const part = rows.slice((page - 1) * size, page * size);
  return {
    ...{
      status: 'ok',
      total: rows.length,
      pages: Math.max(1, Math.ceil(rows.length / size)),
      news: String(book.seq()),
    },
    appointments: orNull(part.map((row) => shown(row, agenda))),
  };
}

/** `null` and nothing else: nothing is new. */
function news(query: Query, agenda: Agenda, { book, faults }: ApiParts): object | null {
  const after = /^\d{1,16}$/.test(query['news'] ?? '') ? Number(query['news']) : -1;
  const rows = book.news(agenda.id, after);
  if (rows.length === 0) return null;
  const told = rows.slice(0, pageSize(faults));
  const last = told.at(-1)?.seq ?? after;
  return {
    ...{ status: 'ok', news: String(last), more: told.length < rows.length ? 1 : 0 },
    appointments: told.map((row) => shown(row, agenda)),
  };
}

/** A page may hold fewer rows than usual. */
function pageSize(faults: Faults): number {
  return faults.take(['partial-page'], {}) ? Math.floor(PAGE / 3) : PAGE;
}

function shown(row: Row, { zone }: Agenda): object {
  const date = (instant: number): string => (row.corrupt ? '00-00-0000 00:00' : written(instant, zone));
  return {
    ...{ id: row.id, agenda: row.agendaId, startDate: date(row.start), endDate: date(row.end) },
    duration: Math.round((row.end - row.start) / MINUTE),
    creationDate: written(row.created, zone),
    ...{ status: row.status, title: row.title === '' ? null : row.title, reference: row.reference, note: null },
    ...{ origin: ORIGINS[row.by], deleted: row.deleted ? 1 : 0 },
  };
}

function orNull<T>(items: readonly T[]): readonly T[] | null {
  return items.length === 0 ? null : items;
}

/** Whoever does not say who he is, and in which version he speaks, is told so before anything else. */
function introduced(query: Query, book: Book): string {
  if (!query['pms_name'] || !query['pms_version']) throw new LibreRefusal(10);
  if (query['api_version'] !== API_VERSION) throw new LibreRefusal(11);
  const apiKey = query['apikey'] ?? '';
  if (!book.agendas().some((agenda) => agenda.apiKey === apiKey)) throw new LibreRefusal(12);
  return apiKey;
}

function opened({ query }: Asked, { book, tokens }: Pick<ApiParts, 'book' | 'tokens'>): readonly Agenda[] {
  const apiKey = introduced(query, book);
  tokens.check(apiKey, query['token']);
  return book.agendas().filter((agenda) => agenda.apiKey === apiKey);
}

function agendaOf(request: Asked, parts: Pick<ApiParts, 'book' | 'tokens'>, write = false): Agenda {
  const agendas = opened(request, parts);
  const agenda = agendas.find(({ id }) => String(id) === request.query['agenda']);
  if (!agenda) throw new LibreRefusal(21);
  if (write && !agenda.writable) throw new LibreRefusal(14);
  return agenda;
}

function form({ body }: Asked): z.output<typeof formInput> {
  const read = formInput.safeParse(body);
  if (!read.success) throw new LibreRefusal(40);
  return read.data;
}

/** Forms in; out, errors in JSON with 200, or bare words with 500. */
function speakLikeIt(scope: FastifyInstance): void {
  scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });
  scope.setErrorHandler((error, _request, reply) => refuse(error, reply));
}

function refuse(error: unknown, reply: FastifyReply): FastifyReply {
  if (!(error instanceof LibreRefusal)) return reply.code(500).type('text/plain').send('ERREUR 99: interne');
  if (error.asText)
    return reply
      .code(500)
      .type('text/plain')
      .send(`ERREUR ${String(error.code)}: ${error.detail}`);
  return reply.code(200).send({ status: 'error', code: error.code, message: error.detail });
}
