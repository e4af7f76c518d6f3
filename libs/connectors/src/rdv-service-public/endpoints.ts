import { ConnectorError, type CallOptions, type SubscribeRequest, type Subscription } from '#connector-sdk';
import type { Client } from './client.js';
import { isKind } from './errors.js';
import * as schemas from './schemas.js';

const SUBSCRIPTIONS = ['rdv', 'absence'];
/** `organisation:endpoint`, as many as there are organisations. */
const PART = /^(\d+):(\d+)$/;

interface Place {
  readonly organisationId: number;
  readonly endpointId: number;
}

/** Registers the address with every organisation. An address that is known there already is taken over. */
export async function register(
  client: Client,
  organisationIds: readonly number[],
  { callbackUrl, secret }: SubscribeRequest,
  options: CallOptions,
): Promise<Subscription> {
  const places: Place[] = [];
  for (const organisationId of organisationIds) {
    const known = await endpointAt(client, organisationId, callbackUrl, options);
    const path = `/organisations/${organisationId}/webhook_endpoints`;
    const body = { target_url: callbackUrl, secret, subscriptions: SUBSCRIPTIONS };
    const call =
      known === undefined
        ? ({ method: 'POST', path, body } as const)
        : ({ method: 'PATCH', path: `${path}/${known}`, body } as const);
    const { webhook_endpoint } = await allowed(client.json(schemas.endpoint, call, options));
    places.push({ organisationId, endpointId: webhook_endpoint.id });
  }
  return { id: places.map((place) => `${place.organisationId}:${place.endpointId}`).join(','), expiresAt: null };
}

/** There is no way to delete an endpoint: one that ends hears of nothing any more. */
export async function silence(client: Client, subscriptionId: string, options: CallOptions): Promise<void> {
  for (const { organisationId, endpointId } of placesOf(subscriptionId)) {
    const path = `/organisations/${organisationId}/webhook_endpoints/${endpointId}`;
    try {
      await client.json(schemas.endpoint, { method: 'PATCH', path, body: { subscriptions: [] } }, options);
    } catch (error) {
      if (!isKind(error, 'invalid')) throw error;
    }
  }
}

async function endpointAt(
  client: Client,
  organisationId: number,
  target_url: string,
  options: CallOptions,
): Promise<number | undefined> {
  const path = `/organisations/${organisationId}/webhook_endpoints`;
  const { webhook_endpoints } = await client.json(
    schemas.endpoints,
    { method: 'GET', path, query: { target_url } },
    options,
  );
  return webhook_endpoints.find((one) => one.target_url === target_url)?.id;
}

async function allowed<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!isKind(error, 'forbidden')) throw error;
    throw new ConnectorError('forbidden', 'webhooks need an agent who is an administrator of the territory', {
      status: error.status,
    });
  }
}

function placesOf(subscriptionId: string): Place[] {
  return subscriptionId.split(',').flatMap((part) => {
    const [, organisationId, endpointId] = PART.exec(part) ?? [];
    return endpointId === undefined ? [] : [{ organisationId: Number(organisationId), endpointId: Number(endpointId) }];
  });
}
