import {
  Feeds,
  type Actor,
  type Disclosure,
  type FeedRecord,
  type FeedVisit,
  type NewFeed,
  type OpenFeed,
  type Vault,
} from '#application';
import type { AppointmentStatus } from '#domain';
import type { Database, Statement, Transaction } from '../database.js';
import { openPatient, sealedPatient } from './sealed-patients.js';

const epoch = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::float8`;
const RECORD = `id, agenda_id AS "agendaId", label, disclosure, ${epoch('created_at')} AS "createdAt", ${epoch('fetched_at')} AS "fetchedAt"`;

const FIND: Statement = {
  name: 'find-feed',
  text: `SELECT f.agenda_id, f.disclosure, f.token_hash, a.name, p.time_zone FROM feed f
    JOIN agenda a ON a.organization_id = f.organization_id AND a.id = f.agenda_id
    JOIN location p ON p.organization_id = a.organization_id AND p.id = a.location_id
    WHERE f.organization_id = $1 AND f.id = $2 AND f.revoked_at IS NULL`,
};
/** Identities are not even read where none is disclosed. A hold is nobody's visit yet. */
const VISITS: Statement = {
  name: 'feed-visits',
  text: `SELECT a.id, ${epoch('lower(a.during)')} AS start, ${epoch('upper(a.during)')} AS end, a.status, a.version, ${epoch('a.updated_at')} AS changed_at,
      m.label_fr, ${sealedPatient('i')} AS sealed FROM appointment a JOIN motif m ON m.organization_id = a.organization_id AND m.id = a.motif_id
    LEFT JOIN patient_identity i ON i.organization_id = a.organization_id AND i.appointment_id = a.id AND $4
    WHERE a.organization_id = $1 AND a.agenda_id = $2 AND a.status IN ('pending', 'unknown', 'confirmed', 'compensating', 'conflict')
      AND lower(a.during) >= to_timestamp($3::numeric / 1000) - interval '24 hours'
      AND upper(a.during) > to_timestamp($3::numeric / 1000)
    ORDER BY lower(a.during), a.id LIMIT 20000`,
};
const FETCHED: Statement = {
  name: 'feed-fetched',
  text: `UPDATE feed SET fetched_at = now() WHERE organization_id = $1 AND id = $2 AND (fetched_at IS NULL OR fetched_at < now() - interval '1 minute')`,
};

interface FoundRow {
  agenda_id: string;
  disclosure: Disclosure;
  token_hash: Buffer;
  name: string;
  time_zone: string;
}

interface VisitRow {
  id: string;
  start: number;
  end: number;
  status: AppointmentStatus;
  version: number;
  changed_at: number;
  label_fr: string;
  sealed: Buffer | null;
}

type Row<T> = T & Record<string, unknown>;

/** Feeds in PostgreSQL; of an address only the hash of its secret. */
export class PgFeeds extends Feeds {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  create(feed: NewFeed): Promise<FeedRecord | null> {
    const { organizationId, id, agendaId, label, disclosure, tokenHash, actor } = feed;
    return this.database.withOrganization(organizationId, async (transaction) => {
      if (!(await isAgenda(transaction, organizationId, agendaId))) return null;
      const [row] = await transaction.query<Row<FeedRecord>>(
        `INSERT INTO feed (organization_id, id, agenda_id, label, disclosure, token_hash) VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${RECORD}`,
        [organizationId, id, agendaId, label, disclosure, tokenHash],
      );
      await transaction.query(`SELECT append_event('feed-created', $1, $2, $3, $4)`, [
        agendaId,
        id,
        JSON.stringify(actor),
        JSON.stringify({ disclosure }),
      ]);
      return row ?? null;
    });
  }

  list(organizationId: string, agendaId: string): Promise<readonly FeedRecord[] | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      if (!(await isAgenda(transaction, organizationId, agendaId))) return null;
      return transaction.query<Row<FeedRecord>>(
        `SELECT ${RECORD} FROM feed WHERE organization_id = $1 AND agenda_id = $2 AND revoked_at IS NULL ORDER BY id`,
        [organizationId, agendaId],
      );
    });
  }

  revoke({ organizationId, id, actor }: { organizationId: string; id: string; actor: Actor }): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ agenda_id: string }>(
        'UPDATE feed SET revoked_at = now() WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING agenda_id',
        [organizationId, id],
      );
      if (row === undefined) return false;
      await transaction.query(`SELECT append_event('feed-revoked', $1, $2, $3, '{}')`, [
        row.agenda_id,
        id,
        JSON.stringify(actor),
      ]);
      return true;
    });
  }

  async find(organizationId: string, id: string): Promise<{ feed: OpenFeed; tokenHash: Buffer } | null> {
    const [row] = await this.database.one<Row<FoundRow>>(organizationId, FIND, [organizationId, id]);
    if (row === undefined) return null;
    const { agenda_id: agendaId, name: agendaName, time_zone: timeZone, disclosure, token_hash: tokenHash } = row;
    return { feed: { organizationId, id, agendaId, agendaName, timeZone, disclosure }, tokenHash };
  }

  async visits({ organizationId, id, agendaId, disclosure }: OpenFeed, from: number): Promise<readonly FeedVisit[]> {
    const values = [organizationId, agendaId, from, disclosure !== 'busy'];
    const rows = await this.database.withOrganization(organizationId, async (transaction) => {
      const visits = await transaction.query<Row<VisitRow>>(VISITS, values);
      await transaction.query(FETCHED, [organizationId, id]);
      return visits;
    });
    return Promise.all(
      rows.map(async (row) => ({
        appointmentId: row.id,
        start: row.start,
        end: row.end,
        status: row.status,
        version: row.version,
        changedAt: row.changed_at,
        motifLabel: row.label_fr,
        patient: await openPatient(this.vault, organizationId, row.sealed),
      })),
    );
  }
}

async function isAgenda(transaction: Transaction, organizationId: string, agendaId: string): Promise<boolean> {
  const found = await transaction.query('SELECT 1 FROM agenda WHERE organization_id = $1 AND id = $2', [
    organizationId,
    agendaId,
  ]);
  return found.length > 0;
}
