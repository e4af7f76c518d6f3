import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { parsed } from '../core/refusal.js';
import { Answer, forbidden, invalid, missing } from './answers.js';
import type { Absence, Agent } from './model.js';
import { parsedInstant } from './paris.js';
import { registerPublicLinks } from './public-links.js';
import { intervalOf, type AbsenceInput, type RdvStore } from './store.js';
import { absenceView, agentView, organisationView, rdvView } from './views.js';
import { organisationOf, page, type ApiParts, type ById } from './parts.js';
import { registerEndpoints } from './endpoints.js';

const credentials = z.looseObject({ email: z.string().catch(''), password: z.string().catch('') });
const agentsQuery = z.looseObject({ organisation_id: z.coerce.number().optional() });
const rdvsQuery = z.looseObject({ starts_after: z.string().optional(), starts_before: z.string().optional() });
const absenceBody = z.looseObject({
  agent_id: z.coerce.number().nullish(),
  agent_email: z.string().nullish(),
  title: z.string().nullish(),
  first_day: z.string().nullish(),
  start_time: z.string().nullish(),
  end_day: z.string().nullish(),
  end_time: z.string().nullish(),
});
type AbsenceBody = z.output<typeof absenceBody>;

/** The published API, version 1, as far as a hub has use for it. */
export function registerApi(scope: FastifyInstance, parts: ApiParts): void {
  const { store, accounts, faults } = parts;
  scope.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof Answer)) throw error;
    return reply.code(error.status).send(error.body);
  });
  scope.post('/auth/sign_in', (request, reply) => {
    const { email, password } = parsed(credentials, request.body ?? {});
    return accounts.signIn(email, password, reply);
  });
  scope.get('/organisations', (request) => {
    const organisations = accounts.organisationsOf(accounts.signedIn(request));
    return page(request, faults, { organisations: organisations.map(organisationView) });
  });
  scope.get<ById>('/organisations/:id', (request) => ({
    organisation: organisationView(organisationOf(parts, request, accounts.signedIn(request))),
  }));
  scope.get('/agents', (request) => {
    const me = accounts.signedIn(request);
    const { organisation_id } = parsed(agentsQuery, request.query);
    // An organisation that is not one's own narrows nothing.
    const narrowed = organisation_id !== undefined && me.organisationIds.includes(organisation_id);
    const seen = accounts
      .agentsSeenBy(me)
      .filter((agent) => !narrowed || agent.organisationIds.includes(organisation_id));
    return page(request, faults, { agents: seen.map(agentView) });
  });
  scope.get<ById>('/organisations/:id/rdvs', (request) => {
    const me = accounts.signedIn(request);
    const query = parsed(rdvsQuery, request.query);
    const after = boundary(query.starts_after, -Infinity);
    const before = boundary(query.starts_before, Infinity);
    // An organisation that is not one's own has none, rather than being refused.
    const found = [...store.rdvs.values()]
      .filter((rdv) => rdv.organisationId === Number(request.params.id) && accounts.seesRdv(me, rdv) && !rdv.deleted)
      .filter(({ start }) => start >= after && start <= before);
    return page(request, faults, { rdvs: found.map((rdv) => rdvView(store, rdv)) });
  });
  registerAbsences(scope, parts);
  registerEndpoints(scope, parts);
  registerPublicLinks(scope, parts);
}

function registerAbsences(scope: FastifyInstance, { store, accounts, faults }: ApiParts): void {
  const own = (request: FastifyRequest<ById>): Absence => {
    const me = accounts.signedIn(request);
    const absence = store.absences.get(Number(request.params.id));
    if (!absence || absence.deleted) throw missing('absence');
    if (!accounts.agentsSeenBy(me).some(({ id }) => id === absence.agentId)) throw forbidden();
    return absence;
  };
  const lost = (method: string): boolean => faults.take(['lose-write'], { method, route: '/absences' }) !== undefined;

  scope.get('/absences', (request) => {
    const seen = new Set(accounts.agentsSeenBy(accounts.signedIn(request)).map(({ id }) => id));
    const absences = [...store.absences.values()]
      .filter(({ deleted, agentId }) => !deleted && seen.has(agentId))
      .sort((a, b) => (a.firstDay + a.startTime < b.firstDay + b.startTime ? 1 : -1));
    return page(request, faults, { absences: absences.map((absence) => absenceView(store, absence)) });
  });
  scope.post('/absences', (request) => {
    const me = accounts.signedIn(request);
    const body = parsed(absenceBody, request.body ?? {});
    const agent = namedAgent(store, body);
    const input = validAbsence(body, null);
    if (!accounts.agentsSeenBy(me).includes(agent)) throw forbidden();
    if (lost('POST')) {
      const never = {
        ...input,
        id: store.nextId(),
        agentId: agent.id,
        rrule: null,
        by: 'api' as const,
        deleted: false,
      };
      return { absence: absenceView(store, never) };
    }
    return { absence: absenceView(store, store.addAbsence(agent.id, input, 'api')) };
  });
  scope.get<ById>('/absences/:id', (request) => ({ absence: absenceView(store, own(request)) }));
  scope.patch<ById>('/absences/:id', (request) => {
    const known = own(request);
    const input = validAbsence(parsed(absenceBody, request.body ?? {}), known);
    const changed = lost('PATCH') ? { ...known, ...input } : store.changeAbsence(known.id, input);
    return { absence: absenceView(store, changed) };
  });
  scope.delete<ById>('/absences/:id', (request, reply) => {
    const { id } = own(request);
    if (!lost('DELETE')) store.removeAbsence(id);
    return reply.code(204).send();
  });
}

function namedAgent(store: RdvStore, { agent_id, agent_email }: AbsenceBody): Agent {
  const named = [...store.agents.values()].find(({ id, email }) =>
    agent_id == null ? email === agent_email : id === agent_id,
  );
  if (!named) throw agent_id == null ? missing('agent') : invalid('agent', 'doit exister');
  return named;
}

/** As the vendor's model validates; what a change leaves out stays. */
function validAbsence(body: AbsenceBody, known: Absence | null): AbsenceInput {
  const { title, firstDay, startTime, endDay, endTime } = { ...known, ...given(body) };
  if ((title ?? '').trim() === '') throw invalid('title', 'doit être rempli(e)');
  const input = {
    title: (title ?? '').trim(),
    firstDay: day('first_day', firstDay),
    startTime: time('start_time', startTime),
    endDay: day('end_day', endDay ?? firstDay),
    endTime: time('end_time', endTime),
  };
  const { start, end } = intervalOf(input);
  if (start >= end) throw invalid('ends_time', 'doit être après le début.');
  return input;
}

function given(body: AbsenceBody): Partial<AbsenceInput> {
  const { title, first_day: firstDay, start_time: startTime, end_day: endDay, end_time: endTime } = body;
  const all = Object.entries({ title, firstDay, startTime, endDay, endTime });
  return Object.fromEntries(all.filter(([, value]) => value != null));
}

function day(attribute: string, value: string | undefined): string {
  if (!z.iso.date().safeParse(value).success) throw invalid(attribute, 'doit être rempli(e)');
  return value ?? '';
}

function time(attribute: string, value: string | undefined): string {
  try {
    return Temporal.PlainTime.from(value ?? '').toString({ smallestUnit: 'second' });
  } catch {
    throw invalid(attribute, 'doit être rempli(e)');
  }
}

function boundary(text: string | undefined, open: number): number {
  return text === undefined ? open : (parsedInstant(text) ?? open);
}
