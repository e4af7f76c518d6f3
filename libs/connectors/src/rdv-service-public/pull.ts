import { ConnectorError, type CallOptions, type PullItem, type PullRequest } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import type { Client } from './client.js';
import type { Settings } from './config.js';
import { isKind } from './errors.js';
import { wholeOf } from './listing.js';
import { absenceChange, isInside, rdvChange } from './mapping.js';
import * as schemas from './schemas.js';

/** No rendez-vous lasts longer: one that began earlier does not reach into the window. */
const LONGEST_RDV_MS = 86_400_000;
const BATCH = 200;

/** What reading one account's agendas needs. */
export interface Reading {
  readonly client: Client;
  readonly settings: Settings;
  readonly options: CallOptions;
}

/** Lists everything in the window: rendez-vous by organisation, and all absences, which no query narrows. */
export async function* pull(reading: Reading, request: PullRequest): AsyncGenerator<PullItem> {
  const { window } = request;
  const agentId = Number(request.agendaId);
  await refuseIfGone(reading, agentId);
  const changes: RemoteChange[] = [];
  for (const organisationId of reading.settings.organisationIds) {
    const query = { starts_after: iso(window.start - LONGEST_RDV_MS), starts_before: iso(window.end) };
    const path = `/organisations/${organisationId}/rdvs`;
    for (const item of await wholeOf(reading.client, { path, root: 'rdvs', query }, reading.options)) {
      const change = rdvChange(item, agentId, window);
      if (change !== null && isInside(change, window)) changes.push(change);
    }
  }
  const before = await request.known();
  const present = new Set(changes.map(idOf));
  for (const item of await wholeOf(reading.client, { path: '/absences', root: 'absences' }, reading.options)) {
    const change = absenceChange(item, agentId, window);
    if (change === null) continue;
    present.add(idOf(change));
    // One that was moved out of the window is told all the same: it is not deleted.
    if (isInside(change, window) || before.has(idOf(change))) changes.push(change);
  }
  for (let at = 0; at < changes.length; at += BATCH) yield { type: 'changes', changes: changes.slice(at, at + BATCH) };
  yield { type: 'end', cursor: null, complete: { window, present } };
}

/**
 * Lists of an organisation that the account has left are empty, not refused, and those of absences lack whoever it no
 * longer sees: so both are asked about first.
 */
async function refuseIfGone(reading: Reading, agentId: number): Promise<void> {
  await refuseUnlessMember(reading);
  const agents = await agentsOf(reading);
  if (!agents.some(({ id }) => id === agentId))
    throw new ConnectorError('not_found', 'the account does not see this agent any more');
}

/** Throws `forbidden` for the first organisation that the account does not belong to. */
export async function refuseUnlessMember({ client, settings, options }: Reading): Promise<void> {
  for (const id of settings.organisationIds) {
    try {
      await client.json(schemas.organisation, { method: 'GET', path: `/organisations/${id}` }, options);
    } catch (error) {
      if (!isKind(error, 'forbidden', 'invalid')) throw error;
      const todo = `the account must be made an agent of organisation ${id}, or the organisation taken out of the settings`;
      throw new ConnectorError('forbidden', todo, { status: error.status });
    }
  }
}

/** The agents whom the account sees in its organisations. */
export async function agentsOf({ client, settings, options }: Reading): Promise<{ id: number; name: string }[]> {
  const found = new Map<number, string>();
  for (const organisation_id of settings.organisationIds) {
    const items = await wholeOf(client, { path: '/agents', root: 'agents', query: { organisation_id } }, options);
    for (const item of items) {
      const { id, first_name, last_name } = schemas.agent.parse(item);
      const name = [first_name, last_name].filter((part) => part != null && part !== '').join(' ');
      found.set(id, name === '' ? String(id) : name);
    }
  }
  return [...found].map(([id, name]) => ({ id, name }));
}

function idOf(change: RemoteChange): string {
  return change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
