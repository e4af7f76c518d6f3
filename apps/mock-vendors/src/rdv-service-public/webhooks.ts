import { createHmac } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Deliveries, postTo } from '../core/deliveries.js';
import type { Faults } from '../core/faults.js';
import { leadsToLoopback } from '../core/loopback.js';
import { parsed } from '../core/refusal.js';
import { organisationOf, page, type ApiParts } from './api.js';
import { forbidden, invalid, noRecord } from './answers.js';
import type { Endpoint, Event, Happening } from './model.js';
import { stampOf } from './paris.js';
import type { RdvStore } from './store.js';
import { absenceView, endpointView, rdvView } from './views.js';

const RETRY_MS = [3_000, 18_000, 83_000];
const MODELS = [
  ...['rdv', 'absence', 'plage_ouverture', 'user', 'user_profile', 'organisation', 'motif', 'lieu', 'agent'],
  ...['agent_role', 'referent_assignation'],
];
const DEFAULT_SUBSCRIPTIONS = ['rdv', 'absence', 'plage_ouverture'];

const endpointBody = z.looseObject({
  target_url: z.string().nullish(),
  secret: z.string().nullish(),
  subscriptions: z.array(z.string()).nullish(),
});
const endpointQuery = z.looseObject({ target_url: z.string().optional() });

interface OfOrganisation {
  readonly Params: { readonly id: string };
}
interface OneEndpoint {
  readonly Params: { readonly id: string; readonly endpointId: string };
}

/** One POST for each event: signed, without an id, in no order that anybody promises. */
export class Webhooks {
  readonly #deliveries: Deliveries;

  constructor(
    private readonly store: RdvStore,
    faults: Faults,
    private readonly now: () => number,
  ) {
    this.#deliveries = new Deliveries(faults, RETRY_MS);
  }

  happened(happening: Happening): void {
    const { agentId } = happening.model === 'Rdv' ? happening.rdv : happening.absence;
    const organisationIds = this.store.agents.get(agentId)?.organisationIds ?? [];
    for (const endpoint of this.store.endpoints.values())
      if (organisationIds.includes(endpoint.organisationId)) this.#tell(endpoint, happening);
  }

  /** A new or changed endpoint is told of everything there is, as if it had just been made. */
  replay(endpoint: Endpoint): void {
    const event = 'created';
    for (const rdv of this.store.rdvs.values())
      if (rdv.organisationId === endpoint.organisationId) this.#tell(endpoint, { model: 'Rdv', event, rdv });
    for (const absence of this.store.absences.values()) {
      const known = this.store.agents.get(absence.agentId)?.organisationIds.includes(endpoint.organisationId) ?? false;
      if (known && !absence.deleted) this.#tell(endpoint, { model: 'Absence', event, absence });
    }
  }

  stop(): void {
    this.#deliveries.stop();
  }

  #tell(endpoint: Endpoint, happening: Happening): void {
    if (!endpoint.subscriptions.includes(happening.model === 'Rdv' ? 'rdv' : 'absence')) return;
    // Written once: what is tried again later says what was true now.
    const body = this.#bodyOf(happening);
    const signed = createHmac('sha256', endpoint.secret).update(body).digest('hex');
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    this.#deliveries.dispatch(async (forged) => {
      const signature = forged ? createHmac('sha256', 'not the secret').update(body).digest('hex') : signed;
      const status = await postTo(endpoint.targetUrl, { ...headers, 'x-lapin-signature': signature }, body);
      return status >= 200 && status < 300;
    });
  }

  #bodyOf(happening: Happening): string {
    const { model, event } = happening;
    const data =
      happening.model === 'Rdv' ? rdvView(this.store, happening.rdv) : absenceView(this.store, happening.absence);
    const meta: { model: string; event: Event; webhook_reason: null; timestamp: string } = {
      model,
      event,
      webhook_reason: null,
      timestamp: stampOf(this.now()),
    };
    return JSON.stringify({ data, meta });
  }
}

/** Endpoints are made and changed, and never deleted. */
export function registerEndpoints(scope: FastifyInstance, parts: ApiParts): void {
  const { store, accounts, faults, webhooks } = parts;

  scope.get<OfOrganisation>('/organisations/:id/webhook_endpoints', (request) => {
    const me = accounts.signedIn(request);
    organisationOf(parts, request, me);
    const { target_url } = parsed(endpointQuery, request.query);
    const found = [...store.endpoints.values()]
      .filter(({ organisationId }) => organisationId === Number(request.params.id))
      .filter(({ targetUrl }) => target_url === undefined || targetUrl === target_url);
    return page(request, faults, { webhook_endpoints: found.map(endpointView) });
  });
  scope.post<OfOrganisation>('/organisations/:id/webhook_endpoints', (request) => {
    const me = accounts.signedIn(request);
    const organisation = organisationOf(parts, request, me);
    if (!me.territorialAdmin) throw forbidden();
    const blank = { targetUrl: '', secret: '', subscriptions: DEFAULT_SUBSCRIPTIONS };
    const checked = validEndpoint(store, { ...blank, id: 0, organisationId: organisation.id }, request.body);
    const made = { ...checked, id: store.nextId() };
    store.endpoints.set(made.id, made);
    webhooks.replay(made);
    return { webhook_endpoint: endpointView(made) };
  });
  scope.patch<OneEndpoint>('/organisations/:id/webhook_endpoints/:endpointId', (request) => {
    const me = accounts.signedIn(request);
    const known = store.endpoints.get(Number(request.params.endpointId));
    if (!known || !me.organisationIds.includes(known.organisationId))
      throw noRecord('WebhookEndpoint', request.params.endpointId);
    if (!me.territorialAdmin) throw forbidden();
    const changed = validEndpoint(store, known, request.body);
    store.endpoints.set(changed.id, changed);
    webhooks.replay(changed);
    return { webhook_endpoint: endpointView(changed) };
  });
}

function validEndpoint(store: RdvStore, known: Endpoint, body: unknown): Endpoint {
  const { target_url, secret, subscriptions } = parsed(endpointBody, body ?? {});
  const changed: Endpoint = {
    ...known,
    targetUrl: target_url ?? known.targetUrl,
    secret: secret ?? known.secret,
    subscriptions: subscriptions ?? known.subscriptions,
  };
  if (changed.targetUrl === '') throw invalid('target_url', 'blank');
  if (changed.secret === '') throw invalid('secret', 'blank');
  if (!leadsToLoopback(changed.targetUrl)) throw invalid('target_url', 'invalid');
  if (changed.subscriptions.some((model) => !MODELS.includes(model)))
    throw invalid('base', 'la liste des abonnements choisis contient une ou plusieurs valeurs incorrectes');
  const twin = [...store.endpoints.values()].find(
    (one) => one.id !== known.id && one.organisationId === known.organisationId && one.targetUrl === changed.targetUrl,
  );
  if (twin) throw invalid('target_url', 'taken');
  return changed;
}
