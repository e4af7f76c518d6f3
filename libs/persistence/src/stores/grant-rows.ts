import type { GrantRecord, Holder } from '#application';

const ms = (column: string): string => `(extract(epoch FROM g.${column}) * 1000)::float8 AS ${column}`;

export const GRANT_COLUMNS = `g.id, g.collaborator_id, g.team_id, g.api_key_id, g.actions, g.identity, g.agenda_ids, g.location_ids, g.motif_ids, g.audiences, g.channels,
  g.hours, g.quotas, ${ms('valid_from')}, ${ms('valid_until')}, g.delegable, g.delegated_from, g.delegation, g.state, g.issued_by, g.approved_by,
  ${ms('revoked_at')}, ${ms('created_at')}, g.version`;

export interface GrantRow extends Record<string, unknown> {
  id: string;
  collaborator_id: string | null;
  team_id: string | null;
  api_key_id: string | null;
  actions: GrantRecord['actions'];
  identity: GrantRecord['identity'];
  agenda_ids: string[] | null;
  location_ids: string[] | null;
  motif_ids: string[] | null;
  audiences: GrantRecord['audiences'];
  channels: GrantRecord['channels'];
  hours: GrantRecord['hours'];
  quotas: GrantRecord['quotas'];
  valid_from: number | null;
  valid_until: number | null;
  delegable: boolean;
  delegated_from: string | null;
  delegation: GrantRecord['delegation'];
  state: GrantRecord['state'];
  issued_by: string | null;
  approved_by: string | null;
  revoked_at: number | null;
  created_at: number;
  version: number;
}

function holderOf({ collaborator_id, team_id, api_key_id }: GrantRow): Holder {
  if (collaborator_id !== null) return { kind: 'collaborator', id: collaborator_id };
  if (team_id !== null) return { kind: 'team', id: team_id };
  return { kind: 'application', id: api_key_id ?? '' };
}

export function grantOf(row: GrantRow): GrantRecord {
  const { id, actions, identity, audiences, channels, hours, quotas, delegable, delegation, state, version } = row;
  return {
    ...{
      id,
      holder: holderOf(row),
      actions,
      identity,
      audiences,
      channels,
      hours,
      quotas,
      delegable,
      delegation,
      state,
      version,
    },
    agendaIds: row.agenda_ids,
    locationIds: row.location_ids,
    motifIds: row.motif_ids,
    validFrom: row.valid_from,
    validUntil: row.valid_until,
    delegatedFrom: row.delegated_from,
    issuedBy: row.issued_by,
    approvedBy: row.approved_by,
    revokedAt: row.revoked_at,
    createdAt: row.created_at,
  };
}
