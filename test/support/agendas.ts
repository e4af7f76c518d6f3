import { randomUUID } from 'node:crypto';
import { newId } from '#application';
import { linkAgenda } from './hub.js';
import type { InHouseHub } from './in-house-hub.js';
import { inTenant } from './practice.js';

/** Further agendas of the practice, each with one of its own at the simulator: on the practice's connection, or each on its own. */
export async function moreAgendas(at: InHouseHub, n: number, connections: 'one' | 'own'): Promise<string[]> {
  const ids = Array.from({ length: n }, () => randomUUID());
  const { apiKey } = at.account.secrets;
  const agendas = ids.map((id) => ({
    id: `agenda-${id}`,
    name: 'Dr Leroy',
    zone: 'Europe/Paris',
    apiKey,
    entries: [],
  }));
  await at.control('POST', 'seed', { agendas });
  for (const agenda of ids) {
    await addAgenda(at, agenda);
    const account = { ...at.account, remoteAgendaId: `agenda-${agenda}` };
    if (connections === 'own') await linkAgenda(at.hub, { ...at.practice, agenda }, account);
    else await linkBeside(at, agenda, account.remoteAgendaId);
  }
  return ids;
}

/** Links an agenda on the connection that the practice has already, and reads it. */
async function linkBeside(at: InHouseHub, agendaId: string, remoteAgendaId: string): Promise<void> {
  const { organization: organizationId, collaborator } = at.practice;
  const sql = 'SELECT connection_id AS id FROM link WHERE id = $1';
  const [connection] = await at.sql<{ id: string }>(sql, [at.linkId]);
  const linked = await at.hub.links.create({
    organizationId,
    id: newId(),
    agendaId,
    connectionId: connection!.id,
    remoteAgendaId,
    direction: 'two-way',
    disclosure: 'full',
    policy: 'practitioner-wins',
    approved: true,
    actor: { kind: 'collaborator', id: collaborator, key: newId() },
  });
  if (linked.outcome !== 'linked') throw new Error(`link: ${linked.outcome}`);
  const ran = await at.hub.lanes.run({ organizationId, agendaId, sync: 'full' });
  if (ran !== 'done') throw new Error(`first sync: ${ran}`);
}

/** A copy of the practice's agenda that is linked to nothing yet. */
export async function addAgenda(at: Pick<InHouseHub, 'practice' | 'pool' | 'hub'>, id: string): Promise<void> {
  const { organization, agenda } = at.practice;
  await inTenant(at.pool, organization, async (client) => {
    await client.query(
      `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, opened_until)
       SELECT organization_id, $1, practitioner_id, location_id, 'Cabinet', opened_until FROM agenda WHERE id = $2`,
      [id, agenda],
    );
    await client.query(
      'INSERT INTO agenda_motif SELECT organization_id, $1, motif_id FROM agenda_motif WHERE agenda_id = $2',
      [id, agenda],
    );
    await client.query(
      `INSERT INTO opening (organization_id, id, agenda_id, rrule, starts_local, duration_minutes, time_zone)
       SELECT organization_id, gen_random_uuid(), $1, rrule, starts_local, duration_minutes, time_zone FROM opening WHERE agenda_id = $2`,
      [id, agenda],
    );
  });
  await at.hub.housekeeping.extendOpenings(organization, id);
}
