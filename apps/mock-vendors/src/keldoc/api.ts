import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Faults } from '../core/faults.js';
import { leadsToLoopback } from '../core/loopback.js';
import type { Access } from './access.js';
import { instantOf, stamp, view, type Account, type Agenda, type Appointment } from './model.js';
import { badRequest, invalid, notFound } from './refusal.js';
import { freeRanges, slotsByDay } from './slots.js';
import type { KeldocStore } from './store.js';

const DAY_MS = 86_400_000;
const MAX_AVAILABILITIES_MS = 7 * DAY_MS;
const MAX_SLOTS_MS = 62 * DAY_MS;

/** What the API needs of the simulator around it. */
export interface ApiParts {
  readonly store: KeldocStore;
  readonly access: Access;
  readonly faults: Faults;
  readonly now: () => number;
}

const moment = z.string().transform((text, context) => {
  const ms = instantOf(text);
  if (ms !== null) return ms;
  context.addIssue('not a date');
  return z.NEVER;
});
const integers = z.union([z.string(), z.array(z.string())]).transform((ids) => [ids].flat().map(Number));
const number = z.coerce.number().int();

const availabilitiesQuery = z.object({
  motive_id: number,
  start_date: moment,
  end_date: moment,
  agenda_ids: integers.optional(),
  'agenda_ids[]': integers.optional(),
});
const slotsQuery = z.object({ agenda_id: number, start_date: moment.optional(), end_date: moment.optional() });
const appointmentsQuery = z.object({
  agenda_id: number,
  start_date: moment.optional(),
  end_date: moment.optional(),
  patient_comment: z.string().optional(),
});
const webhook = z.object({ url: z.url() });

export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const read = schema.safeParse(value);
  if (!read.success) throw badRequest();
  return read.data;
}

export function opened(store: KeldocStore, { agendaIds }: Account, agendaId: number): Agenda {
  if (!agendaIds.includes(agendaId)) throw notFound();
  return store.agenda(agendaId);
}

type Answer = (account: Account, query: unknown) => unknown;

/** What partners read. */
export function registerReads(scope: FastifyInstance, parts: ApiParts): void {
  const { store, access } = parts;
  const agendasOf = ({ agendaIds }: Account): object[] =>
    store
      .agendas()
      .filter(({ id }) => agendaIds.includes(id))
      .map(({ id, name }) => ({ id, name }));
  const answers: Readonly<Record<string, Answer>> = {
    '/agendas.json': (account) => ({ agendas: agendasOf(account) }),
    '/motives.json': () => ({ motives: store.motives() }),
    '/specialties.json': () => ({ specialties: store.specialties() }),
    '/config': (account) => ({
      agendas: agendasOf(account),
      motives: store.motives(),
      specialties: store.specialties(),
    }),
    '/availabilities': availabilitiesOf(parts),
    '/available_slots': slotsOf(parts),
    '/appointments': (account, query) => {
      const asked = parse(appointmentsQuery, query);
      const agenda = opened(store, account, asked.agenda_id);
      return { appointments: listed(store, agenda, asked).map((one) => view(one, store.patient(one.patientId))) };
    },
  };
  for (const [route, answer] of Object.entries(answers))
    scope.get(route, (request) => answer(access.account(request.headers), request.query));

  scope.get<{ Params: { id: string } }>('/appointments/:id', (request) => {
    const account = access.account(request.headers);
    const appointment = store.appointment(Number(request.params.id));
    opened(store, account, appointment.agendaId);
    return view(appointment, store.patient(appointment.patientId));
  });
}

const availabilitiesOf =
  ({ store }: ApiParts): Answer =>
  (account, query) => {
    const asked = parse(availabilitiesQuery, query);
    const { motive_id, start_date: start, end_date: end } = asked;
    if (end - start > MAX_AVAILABILITIES_MS) throw badRequest();
    const lengthMs = store.motive(motive_id).duration * 60_000;
    const ids = asked.agenda_ids ?? asked['agenda_ids[]'] ?? account.agendaIds;
    const ranges = ids.flatMap((id) => freeRanges(store, opened(store, account, id), { start, end }));
    const offered = ranges.filter(({ motiveIds }) => motiveIds.length === 0 || motiveIds.includes(motive_id));
    return { availabilities: slotsByDay(offered, lengthMs) };
  };

const slotsOf =
  ({ store, now }: ApiParts): Answer =>
  (account, query) => {
    const { agenda_id, start_date: start = now(), end_date: end = start + MAX_SLOTS_MS } = parse(slotsQuery, query);
    if (end - start > MAX_SLOTS_MS) throw badRequest();
    const free = freeRanges(store, opened(store, account, agenda_id), { start, end });
    const shown = free.map((one) => ({
      start_time: stamp(one.start),
      end_time: stamp(one.end),
      motive_ids: one.motiveIds,
    }));
    return [{ availabilities: shown }];
  };

/** What touches a window of two months at most, or what carries a comment. */
function listed(store: KeldocStore, agenda: Agenda, asked: z.output<typeof appointmentsQuery>): Appointment[] {
  const { start_date: start, end_date: end, patient_comment: comment } = asked;
  const all = store.appointments(agenda.id).sort((a, b) => a.id - b.id);
  if (comment !== undefined) return all.filter((one) => one.comment === comment);
  if (start === undefined || end === undefined || end - start > MAX_SLOTS_MS) throw badRequest();
  return all.filter((one) => one.start < end && start < one.end);
}

/** Where partners are told of changes: URLs, and nothing to prove by whom. */
export function registerWebhooks(scope: FastifyInstance, { store, access }: ApiParts): void {
  const urlsOf = (request: FastifyRequest): Set<string> => store.webhooks(access.account(request.headers).accessKeyId);
  const shown = (urls: Set<string>): object => ({ webhooks: [...urls].map((url) => ({ url })) });

  scope.get('/config/webhooks', (request) => shown(urlsOf(request)));
  for (const method of ['POST', 'PUT'] as const)
    scope.route({
      method,
      url: '/config/webhooks',
      handler(request) {
        const urls = urlsOf(request);
        const { url } = parse(webhook, request.body);
        if (!leadsToLoopback(url)) throw invalid('url', 'is invalid');
        if (method === 'PUT') urls.clear();
        urls.add(url);
        return { url };
      },
    });
  scope.delete('/config/webhooks', (request) => {
    const urls = urlsOf(request);
    const { url } = parse(webhook.partial().default({}), request.body);
    if (url === undefined) urls.clear();
    else if (!urls.delete(url)) throw notFound();
    return {};
  });
}
