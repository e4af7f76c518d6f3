import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { leadsToLoopback } from '../core/loopback.js';
import { parsed } from '../core/refusal.js';
import { forbidden, invalid, noRecord } from './answers.js';
import type { Endpoint } from './model.js';
import { organisationOf, page, type ApiParts } from './parts.js';
import type { RdvStore } from './store.js';
import { endpointView } from './views.js';

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
