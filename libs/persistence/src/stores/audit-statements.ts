import type { AuditEntry } from '#application';
import type { Transaction } from '../database.js';

/** An instant as text that loses nothing: RFC 3339, microseconds, UTC. */
export const STAMP = (instant: string): string =>
  `to_char(${instant} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Where an event or a trace stands among all. */
export const PLACE = '(transaction_id, id)';

const hex = (column: string): string => `encode(${column}, 'hex')`;

export const headOf = (table: string): string =>
  `${table}.seq::float8 AS seq, ${table}.transaction_id::text AS "transactionId", ${table}.source_id::text AS "sourceId", ${hex(`${table}.hash`)} AS hash`;

export const SEAL = `${headOf('audit_seal')}, kind, key_id AS "keyId", signature`;

export const ENTRY = `${headOf('audit_entry')}, ${STAMP('at')} AS at, action, agenda_id AS "agendaId", entity_id AS "entityId", objects, patients,
  actor_kind AS "actorKind", actor_id AS "actorId", key_id AS "keyId", behalf_id AS "behalfId", grant_ids AS "grantIds",
  request_id AS "requestId", address, agent, reason, ${hex('before')} AS before, ${hex('after')} AS after`;

const idOf = (text: string): string =>
  `CASE WHEN ${text} ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN ${text} END`;

/** Anything else there would stop the chain. */
const GRANTS = `ARRAY(SELECT g::uuid FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(origin->'grants') = 'array' THEN origin->'grants' ELSE '[]' END) g
        WHERE ${idOf('g')} IS NOT NULL)`;

/** Why it was done: a code, and what somebody gave as his reason to overbook. */
const REASON = `left(nullif(concat_ws(': ', data->'reason'->>'code', data->>'overbooking'), ''), 400)`;

/** Events and traces as sources of the chain, in its order. `$1`: the organization. */
export function sources({ where, limit }: { where: string; limit?: string }): string {
  const cut = `WHERE organization_id = $1 AND ${where} ORDER BY transaction_id, id ${limit === undefined ? '' : `LIMIT ${limit}`}`;
  return `SELECT transaction_id::text AS "transactionId", id::text AS "sourceId", ${STAMP('at')} AS at, action, agenda_id AS "agendaId", entity_id AS "entityId", objects,
      coalesce(actor->>'kind', 'system') AS "actorKind", ${idOf(`actor->>'id'`)} AS "actorId", ${idOf(`actor->>'key'`)} AS "keyId",
      ${idOf(`origin->>'behalf'`)} AS "behalfId", ${GRANTS} AS "grantIds", origin->>'request' AS "requestId", origin->>'address' AS address,
      origin->>'agent' AS agent, reason, ${hex('after')} AS after
    FROM ((SELECT transaction_id, id, at, type AS action, agenda_id, subject_id AS entity_id, '{}'::uuid[] AS objects, actor, origin, ${REASON} AS reason,
        sha256(convert_to(data::text, 'UTF8')) AS after FROM event s ${cut})
      UNION ALL (SELECT transaction_id, id, at, action, NULL, entity_id, objects, actor, origin, NULL, after FROM trace s ${cut})) found
    ORDER BY found.transaction_id, found.id ${limit === undefined ? '' : `LIMIT ${limit}`}`;
}

const COLUMNS = `organization_id, seq, transaction_id, source_id, at, action, agenda_id, entity_id, objects, patients, actor_kind, actor_id, key_id, behalf_id,
  grant_ids, request_id, address, agent, reason, before, after, hash`;

/** Adds links to the chain, and under every id they speak of. */
export async function insertEntries(
  transaction: Transaction,
  organizationId: string,
  entries: readonly AuditEntry[],
): Promise<void> {
  const insert = {
    name: 'audit-append',
    text: `INSERT INTO audit_entry (${COLUMNS}) SELECT $1, seq, "transactionId", "sourceId", at, action, "agendaId", "entityId", objects, patients, "actorKind", "actorId", "keyId",
        "behalfId", "grantIds", "requestId", address, agent, reason, decode(before, 'hex'), decode(after, 'hex'), decode(hash, 'hex')
      FROM jsonb_to_recordset($2) AS e (seq bigint, "transactionId" bigint, "sourceId" bigint, at timestamptz, action text, "agendaId" uuid, "entityId" uuid, objects uuid[],
        patients uuid[], "actorKind" text, "actorId" uuid, "keyId" uuid, "behalfId" uuid, "grantIds" uuid[], "requestId" text, address text, agent text, reason text,
        before text, after text, hash text)`,
  };
  await transaction.query(insert, [organizationId, JSON.stringify(entries)]);
  const subjects = entries.flatMap((entry) => {
    const { agendaId, entityId, actorId, behalfId, grantIds, objects, patients, seq } = entry;
    const ids = new Set([agendaId, entityId, actorId, behalfId, ...grantIds, ...objects, ...patients]);
    ids.delete(null);
    return [...ids].map((id) => ({ id, seq }));
  });
  const name = {
    name: 'audit-subjects',
    text: 'INSERT INTO audit_subject (organization_id, subject_id, seq) SELECT $1, s.id, s.seq FROM unnest($2::uuid[], $3::bigint[]) AS s (id, seq)',
  };
  await transaction.query(name, [organizationId, subjects.map(({ id }) => id), subjects.map(({ seq }) => seq)]);
}
