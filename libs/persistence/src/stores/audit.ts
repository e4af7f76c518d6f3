import {
  AuditLog,
  CHAIN_START,
  chainHash,
  type AuditEntry,
  type AuditQuery,
  type AuditSource,
  type ChainHead,
  type ChainSeal,
  type Reading,
  type Unsealed,
} from '#application';
import type { Database, Transaction } from '../database.js';
import { ENTRY, headOf, insertEntries, PLACE, SEAL, sources, STAMP } from './audit-statements.js';

/** Strays told at once: the first is what matters. */
const MOST_STRAYS = 1_000;
/** Rows removed in one statement. */
const PRUNED_AT_ONCE = 5_000;
const MOST_COUNTED = 10_000;

/** The audit log in PostgreSQL. The application's role may add to it and read it, nothing else. */
export class PgAuditLog extends AuditLog {
  constructor(private readonly database: Database) {
    super();
  }

  async note({ organizationId, action, entityId, objects, actor }: Reading): Promise<void> {
    const statement = { name: 'audit-note', text: 'SELECT append_trace($1, $2, $3, $4, NULL)' };
    await this.database.one(organizationId, statement, [action, entityId, objects, JSON.stringify(actor)]);
  }

  seal(organizationId: string, limit: number): Promise<number> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      // One sealer at a time; who books takes no lock that this one waits for, nor the other way round.
      const own = await transaction.query(
        'SELECT 1 FROM organization WHERE organization_id = $1 FOR NO KEY UPDATE SKIP LOCKED',
        [organizationId],
      );
      if (own.length === 0) return 0;
      const head = await headIn(transaction, organizationId);
      const next = {
        name: 'audit-next',
        text: sources({
          where: `${PLACE} > ($2::bigint, $3::bigint) AND transaction_id < event_horizon()`,
          limit: '$4',
        }),
      };
      const place = [organizationId, head.transactionId, head.sourceId, limit];
      const found = await transaction.query<Row<AuditSource>>(next, place);
      if (found.length > 0) await append(transaction, organizationId, head, found);
      return found.length;
    });
  }

  head(organizationId: string): Promise<ChainHead> {
    return this.database.withOrganization(organizationId, (transaction) => headIn(transaction, organizationId));
  }

  async keepSeal(organizationId: string, seal: ChainSeal): Promise<void> {
    const { kind, seq, transactionId, sourceId, hash, keyId, signature } = seal;
    await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query(
        `INSERT INTO audit_seal (organization_id, kind, seq, transaction_id, source_id, hash, key_id, signature)
         VALUES ($1, $2, $3, $4, $5, decode($6, 'hex'), $7, $8) ON CONFLICT DO NOTHING`,
        [organizationId, kind, seq, transactionId, sourceId, hash, keyId, signature],
      ),
    );
  }

  seals(organizationId: string): Promise<readonly ChainSeal[]> {
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row<ChainSeal>>(`SELECT ${SEAL} FROM audit_seal WHERE organization_id = $1 ORDER BY seq`, [
        organizationId,
      ]),
    );
  }

  list(query: AuditQuery): Promise<readonly AuditEntry[]> {
    const { organizationId, subjectId, from, to, after, limit } = query;
    const about =
      subjectId === null
        ? ''
        : 'AND seq IN (SELECT s.seq FROM audit_subject s WHERE s.organization_id = $1 AND s.subject_id = $6 AND s.seq > $2)';
    const text = `SELECT ${ENTRY} FROM audit_entry WHERE organization_id = $1 AND seq > $2 ${about}
      AND ($4::float8 IS NULL OR at >= to_timestamp($4::float8 / 1000)) AND ($5::float8 IS NULL OR at < to_timestamp($5::float8 / 1000))
      ORDER BY seq LIMIT $3`;
    const values = [organizationId, after, limit, from, to, ...(subjectId === null ? [] : [subjectId])];
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row<AuditEntry>>(text, values),
    );
  }

  pseudonymOf(organizationId: string, id: string): Promise<string | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const found = await pseudonyms(transaction, organizationId, [id]);
      return found.get(id) ?? null;
    });
  }

  sources(organizationId: string, first: number, last: number): Promise<readonly AuditSource[]> {
    const sealed = `${PLACE} IN (SELECT a.transaction_id, a.source_id FROM audit_entry a WHERE a.organization_id = $1 AND a.seq BETWEEN $2 AND $3)`;
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row<AuditSource>>(sources({ where: sealed }), [organizationId, first, last]),
    );
  }

  strays(organizationId: string, from: ChainHead, to: ChainHead): Promise<readonly AuditSource[]> {
    const outside = `${PLACE} > ($2::bigint, $3::bigint) AND ${PLACE} <= ($4::bigint, $5::bigint)
      AND NOT EXISTS (SELECT 1 FROM audit_entry a WHERE a.organization_id = $1 AND a.transaction_id = s.transaction_id AND a.source_id = s.id)`;
    const values = [organizationId, from.transactionId, from.sourceId, to.transactionId, to.sourceId];
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row<AuditSource>>(sources({ where: outside, limit: String(MOST_STRAYS) }), values),
    );
  }

  unsealed(organizationId: string): Promise<Unsealed> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const head = await headIn(transaction, organizationId);
      const behind = `organization_id = $1 AND ${PLACE} > ($2::bigint, $3::bigint)`;
      const [row] = await transaction.query<{ count: number; oldest: string | null }>(
        `SELECT count(*)::int AS count, ${STAMP('min(at)')} AS oldest FROM (SELECT at FROM event WHERE ${behind}
           UNION ALL SELECT at FROM trace WHERE ${behind} LIMIT ${String(MOST_COUNTED)}) s`,
        [organizationId, head.transactionId, head.sourceId],
      );
      return row ?? { count: 0, oldest: null };
    });
  }

  expired(organizationId: string): Promise<ChainHead | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<Row<ChainHead>>(
        `SELECT ${headOf('a')} FROM audit_entry a WHERE a.organization_id = $1 AND a.seq < coalesce((SELECT b.seq FROM audit_entry b WHERE b.organization_id = $1
           AND b.at >= ${KEPT_SINCE} ORDER BY b.seq LIMIT 1), 9007199254740991) ORDER BY a.seq DESC LIMIT 1`,
        [organizationId],
      );
      return row ?? null;
    });
  }

  async prune(organizationId: string, upTo: ChainHead): Promise<number> {
    const { transactionId, sourceId } = upTo;
    const place = [organizationId, transactionId, sourceId];
    const pruned = await this.remove(organizationId, 'audit_entry', 'seq <= $2', [organizationId, upTo.seq]);
    await this.remove(organizationId, 'audit_subject', 'seq <= $2', [organizationId, upTo.seq]);
    await this.remove(organizationId, 'trace', `${PLACE} <= ($2::bigint, $3::bigint)`, place);
    // What tells of a visit to come is still needed.
    const over = `${PLACE} <= ($2::bigint, $3::bigint) AND NOT EXISTS (SELECT 1 FROM appointment x
      WHERE x.organization_id = $1 AND x.id = subject_id AND upper(x.during) > now())`;
    await this.remove(organizationId, 'event', over, place);
    return pruned;
  }

  private async remove(organizationId: string, table: string, which: string, values: unknown[]): Promise<number> {
    let gone = 0;
    for (;;) {
      const more = await this.database.withOrganization(organizationId, async (transaction) => {
        await transaction.query('SET LOCAL ROLE unisson_retention');
        const some = `SELECT ctid FROM ${table} WHERE organization_id = $1 AND ${which} LIMIT ${String(PRUNED_AT_ONCE)}`;
        return transaction.query(`DELETE FROM ${table} WHERE ctid IN (${some}) RETURNING 1`, values);
      });
      gone += more.length;
      if (more.length < PRUNED_AT_ONCE) return gone;
    }
  }
}

/** From when on the organization keeps its log. */
const KEPT_SINCE = `now() - (SELECT make_interval(months => o.audit_months) FROM organization o WHERE o.organization_id = $1)`;

type Row<T> = T & Record<string, unknown>;

async function headIn(transaction: Transaction, organizationId: string): Promise<ChainHead> {
  const [head] = await transaction.query<Row<ChainHead>>(
    `SELECT * FROM ((SELECT ${headOf('a')} FROM audit_entry a WHERE a.organization_id = $1 ORDER BY a.seq DESC LIMIT 1)
       UNION ALL (SELECT ${headOf('a')} FROM audit_seal a WHERE a.organization_id = $1 AND a.kind = 'anchor' ORDER BY a.seq DESC LIMIT 1)) h ORDER BY seq DESC LIMIT 1`,
    [organizationId],
  );
  return head ?? CHAIN_START;
}

/** The keyed pseudonyms of the patients of appointments, and of those who wait. */
async function pseudonyms(
  transaction: Transaction,
  organizationId: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  // Version 8 of RFC 9562: made by us.
  const uuid = `overlay(overlay(encode(substr(fingerprint, 1, 16), 'hex') placing '8' from 13 for 1) placing 'a' from 17 for 1)::uuid::text`;
  const rows = await transaction.query<{ id: string; patient: string }>(
    `SELECT appointment_id AS id, ${uuid} AS patient FROM patient_identity WHERE organization_id = $1 AND appointment_id = ANY($2) AND fingerprint IS NOT NULL
     UNION ALL SELECT id, ${uuid} FROM waiting_entry WHERE organization_id = $1 AND id = ANY($2) AND fingerprint IS NOT NULL`,
    [organizationId, ids],
  );
  return new Map(rows.map(({ id, patient }) => [id, patient]));
}

/** What each of these was, as far as the chain tells. */
async function lastKnown(
  transaction: Transaction,
  organizationId: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const rows = await transaction.query<{ id: string; after: string }>(
    `SELECT i.id, encode(e.after, 'hex') AS after FROM unnest($2::uuid[]) AS i (id) CROSS JOIN LATERAL (SELECT a.after FROM audit_entry a
       WHERE a.organization_id = $1 AND a.entity_id = i.id AND a.after IS NOT NULL ORDER BY a.seq DESC LIMIT 1) e`,
    [organizationId, ids],
  );
  return new Map(rows.map(({ id, after }) => [id, after]));
}

async function append(
  transaction: Transaction,
  organizationId: string,
  head: ChainHead,
  found: readonly AuditSource[],
): Promise<void> {
  const entities = [...new Set(found.flatMap(({ entityId }) => entityId ?? []))];
  const objects = [...new Set([...entities, ...found.flatMap((source) => source.objects)])];
  const people = await pseudonyms(transaction, organizationId, objects);
  const known = await lastKnown(transaction, organizationId, entities);
  let { seq, hash } = head;
  const entries = found.map((source): AuditEntry => {
    const { entityId, after } = source;
    const about = [...(entityId === null ? [] : [entityId]), ...source.objects];
    const patients = [...new Set(about.flatMap((id) => people.get(id) ?? []))];
    seq += 1;
    const link = { ...source, seq, patients, before: (entityId === null ? null : known.get(entityId)) ?? null };
    if (entityId !== null && after !== null) known.set(entityId, after);
    hash = chainHash(hash, link);
    return { ...link, hash };
  });
  await insertEntries(transaction, organizationId, entries);
}
