import { setTimeout as sleep } from 'node:timers/promises';
import { type Actor, Alarm, Connections, Links } from '#application';
import { connectors } from '#connectors';
import { ACTIONS } from '#domain';
import type { Database, Transaction } from '#persistence';
import { type Environment, type Scope, SCOPES } from '#platform';
import { createKey, type NewKey, revokeKeys } from '../keys.js';
import { createUseCases, type UseCases } from '../use-cases.js';
import {
  agendas,
  collaborators,
  connection,
  FIRST_DAY,
  locations,
  motifs,
  organization,
  practitioners,
} from './practice.js';

const SYSTEM: Actor = { kind: 'system' };
const SECRETARY: readonly Scope[] = ['agenda:read', 'appointment:write', 'event:read'];
/** How often a simulator that is just starting is asked again, and how long to wait in between (milliseconds). */
const LINK_ATTEMPTS = 8;
const LINK_PAUSE_MS = 400;

/** What was made, keys included: they are shown this once. */
export interface Demonstration {
  readonly organization: { readonly id: string; readonly name: string };
  readonly collaborators: readonly { readonly id: string; readonly name: string; readonly apiKey: string }[];
  /** A key with every right. */
  readonly administration: { readonly apiKey: string };
  readonly locations: readonly { readonly id: string; readonly name: string }[];
  readonly practitioners: readonly { readonly id: string; readonly name: string; readonly speciality: string }[];
  readonly agendas: readonly {
    readonly id: string;
    readonly name: string;
    readonly practitionerId: string;
    readonly locationId: string;
    readonly remoteAgendaId: string | null;
    readonly linkId: string | null;
  }[];
  readonly motifs: readonly { readonly id: string; readonly label: string; readonly minutes: number }[];
  readonly connectionId: string;
}

/** Nobody needs waking: the worker finds what is due when it starts. */
class NoAlarm extends Alarm {
  async wake(): Promise<void> {
    await Promise.resolve();
  }
}

/**
 * Makes the demonstration practice, or what is missing of it. Keys cannot be shown twice: seeding again replaces them.
 * `vendorsUrl` is where the simulators are.
 */
export async function seed(database: Database, environment: Environment, vendorsUrl: string): Promise<Demonstration> {
  await database.withOrganization(organization.id, insertPractice);
  const useCases = createUseCases(database, environment, new NoAlarm());
  try {
    for (const { id } of agendas) await useCases.housekeeping.extendOpenings(organization.id, id);
    await connect(useCases, vendorsUrl);
    await linkAgendas(useCases);
  } finally {
    await useCases.close();
  }
  const keys = await Promise.all(collaborators.map(({ displayName }) => replaceKey(database, displayName, SECRETARY)));
  const administration = await replaceKey(database, 'Administration', SCOPES);
  return describe(keys, administration);
}

async function insertPractice(transaction: Transaction): Promise<void> {
  const insert = async (table: string, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> => {
    for (const row of rows) {
      const columns = ['organization_id', ...Object.keys(row)];
      const places = columns.map((_, index) => `$${String(index + 1)}`);
      const text = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places.join(', ')}) ON CONFLICT DO NOTHING`;
      await transaction.query(text, [organization.id, ...Object.values(row)]);
    }
  };
  await insert('organization', [{ name: organization.name }]);
  await insert(
    'collaborator',
    collaborators.map(({ id, displayName }) => ({ id, display_name: displayName })),
  );
  await grantTo(transaction, { kind: 'collaborator', ids: collaborators.map(({ id }) => id) });
  await insert(
    'location',
    locations.map(({ id, name, timeZone }) => ({ id, name, time_zone: timeZone })),
  );
  await insert(
    'practitioner',
    practitioners.map(({ id, displayName, speciality, rpps }) => ({ id, display_name: displayName, speciality, rpps })),
  );
  await insert(
    'motif',
    motifs.map(({ id, fr, en, minutes, bufferAfter }) => ({
      id,
      label_fr: fr,
      label_en: en,
      duration_minutes: minutes,
      buffer_after_minutes: bufferAfter,
    })),
  );
  for (const agenda of agendas) {
    const { id, name, practitionerId, locationId, whenUnreachable } = agenda;
    await insert('agenda', [
      { id, practitioner_id: practitionerId, location_id: locationId, name, when_unreachable: whenUnreachable },
    ]);
    await insert(
      'agenda_motif',
      agenda.motifIds.map((motifId) => ({ agenda_id: id, motif_id: motifId })),
    );
    await insert(
      'opening',
      agenda.openings.map((opening) => ({
        id: opening.id,
        agenda_id: id,
        rrule: `FREQ=WEEKLY;BYDAY=${opening.days}`,
        starts_local: `${FIRST_DAY}T${opening.from}`,
        duration_minutes: opening.minutes,
        time_zone: agenda.timeZone,
      })),
    );
  }
}

async function connect({ connections, backends, effects }: UseCases, vendorsUrl: string): Promise<void> {
  if ((await connections.account(organization.id, connection.id)) !== null) return;
  const made = await new Connections(connections, connectors, backends, effects).create({
    organizationId: organization.id,
    id: connection.id,
    actor: SYSTEM,
    connectorId: connection.connectorId,
    label: connection.label,
    settings: { baseUrl: new URL('/in-house/api', vendorsUrl).href },
    secrets: { apiKey: connection.apiKey },
  });
  if (made.outcome !== 'created') throw new Error(`the demonstration's connection was refused (${made.outcome})`);
}

/** With its simulator up a link is made as the API makes one, pushes included; without, it is made and polled. */
async function linkAgendas(useCases: UseCases): Promise<void> {
  const links = new Links({
    store: useCases.connections,
    health: useCases.health,
    backends: useCases.backends,
    effects: useCases.effects,
    alarm: new NoAlarm(),
    subscriptions: useCases.subscriptions,
  });
  for (const { id: agendaId, linkId, remoteAgendaId } of agendas) {
    if (remoteAgendaId === null || (await useCases.sync.link(organization.id, linkId)) !== null) continue;
    const link = {
      organizationId: organization.id,
      id: linkId,
      agendaId,
      connectionId: connection.id,
      remoteAgendaId,
      direction: 'two-way' as const,
      disclosure: 'initials' as const,
      policy: 'practitioner-wins' as const,
      approved: true,
      actor: SYSTEM,
    };
    let outcome = (await links.create(link)).outcome;
    for (let attempt = 1; outcome === 'failed' && attempt < LINK_ATTEMPTS; attempt += 1) {
      await sleep(LINK_PAUSE_MS);
      outcome = (await links.create(link)).outcome;
    }
    if (outcome !== 'linked') outcome = await useCases.connections.link(link);
    if (outcome !== 'linked')
      throw new Error(`the demonstration's agenda ${remoteAgendaId} was not linked (${outcome})`);
    // Until it was read once the hub alone holds what is booked; where nobody answers yet, a worker reads it later.
    await useCases.lanes.run({ organizationId: organization.id, agendaId, sync: 'full' });
  }
}

/** The demonstration's people may do everything, in every agenda; its applications read by themselves. */
async function grantTo(
  transaction: Transaction,
  { kind, ids }: { readonly kind: 'collaborator' | 'application'; readonly ids: readonly string[] },
): Promise<void> {
  const column = kind === 'collaborator' ? 'collaborator_id' : 'api_key_id';
  const actions = kind === 'collaborator' ? ACTIONS : ['see-busy', 'see-identity', 'manage-links', 'manage-grants'];
  await transaction.query(
    `INSERT INTO access_grant (organization_id, id, ${column}, actions, state)
     SELECT $1, gen_random_uuid(), x, $3, 'active' FROM unnest($2::uuid[]) x
     WHERE NOT EXISTS (SELECT 1 FROM access_grant g WHERE g.organization_id = $1 AND g.${column} = x)`,
    [organization.id, ids, actions],
  );
}

async function replaceKey(database: Database, label: string, scopes: readonly Scope[]): Promise<NewKey> {
  await revokeKeys(database, { organizationId: organization.id, label });
  const key = await createKey(database, { organizationId: organization.id, label, scopes });
  await database.withOrganization(organization.id, (transaction) =>
    grantTo(transaction, { kind: 'application', ids: [key.id] }),
  );
  return key;
}

function describe(keys: readonly NewKey[], administration: NewKey): Demonstration {
  return {
    organization,
    collaborators: collaborators.map(({ id, displayName }, index) => ({
      id,
      name: displayName,
      apiKey: keys[index]?.key ?? '',
    })),
    administration: { apiKey: administration.key },
    locations: locations.map(({ id, name }) => ({ id, name })),
    practitioners: practitioners.map(({ id, displayName, speciality }) => ({ id, name: displayName, speciality })),
    agendas: agendas.map(({ id, name, practitionerId, locationId, remoteAgendaId, linkId }) => ({
      id,
      name,
      practitionerId,
      locationId,
      remoteAgendaId,
      linkId: remoteAgendaId === null ? null : linkId,
    })),
    motifs: motifs.map(({ id, fr, minutes }) => ({ id, label: fr, minutes })),
    connectionId: connection.id,
  };
}
