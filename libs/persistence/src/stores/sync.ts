import {
  appointmentOfReference,
  LaneLost,
  referenceOf,
  StoreRefused,
  summaryOf,
  SyncStore,
  type Applied,
  type Failure,
  type Lease,
  type LinkRecord,
  type PullEnd,
  type ReconcileReport,
  type SyncBase,
  type SyncedAppointment,
  type Vault,
} from '#application';
import type { Action, AppointmentStatus, BackendRules, Interval, KnownObject, RemoteChange } from '#domain';
import type { Database, Transaction } from '../database.js';
import { putBackendRules } from './backend-rules.js';
import { keyedChanges, keyMirrors, textDigest } from './mirror-digests.js';
import { openPatient, sealedPatient } from './sealed-patients.js';
import { quarantined } from './sealed-places.js';
import { noteUnannounced, takeHint } from './push-hints.js';
import { noteFailure } from './read-failures.js';

interface KnownRow {
  mirror_id: string;
  remote_id: string;
  version: string | null;
  content_hash: string;
  summary_hash: string | null;
  appointment_id: string | null;
  start: number | null;
  end: number | null;
  busy: Interval[];
}

interface AppointmentRow {
  id: string;
  status: AppointmentStatus;
  start: number;
  end: number;
  generation: number;
  label_fr: string;
  overbooked: boolean;
  sealed: Buffer | null;
  unanswered_for_ms: number | null;
  asked_at: number | null;
  awaited: 'visit' | 'move' | null;
  ended_there: boolean;
}

const LINK = `SELECT l.organization_id AS "organizationId", l.id, l.agenda_id AS "agendaId", l.connection_id AS "connectionId", l.remote_agenda_id AS "remoteAgendaId",
  l.direction, l.disclosure, l.policy, l.status, l.phase, l.paused_at IS NOT NULL AS paused, l.rewriting, l.cursor, l.manners, l.probed_at < clock_timestamp() - interval '30 days' AS "mannersDue", p.time_zone AS "timeZone",
  CASE WHEN l.as_of > '-infinity' THEN (extract(epoch FROM clock_timestamp() - l.as_of) * 1000)::float8 END AS "ageMs",
  CASE WHEN l.rules_read_at > '-infinity' THEN (extract(epoch FROM clock_timestamp() - l.rules_read_at) * 1000)::float8 END AS "rulesAgeMs",
  CASE WHEN l.reconciled_at > '-infinity' THEN (extract(epoch FROM clock_timestamp() - l.reconciled_at) * 1000)::float8 END AS "reconciledMs", coalesce((l.reconcile_report->>'inARow')::integer, 0) AS "comparedInARow",
  (extract(epoch FROM greatest(l.poll_at, '1970-01-01') - clock_timestamp()) * 1000)::float8 AS "dueInMs",
  CASE WHEN l.brake IS NOT NULL THEN (SELECT jsonb_build_object('released', coalesce(jsonb_agg(h.remote_id) FILTER (WHERE h.released_at IS NOT NULL), '[]'),
    'held', coalesce(jsonb_agg(h.remote_id) FILTER (WHERE h.released_at IS NULL), '[]')) FROM held_deletion h WHERE h.organization_id = l.organization_id AND h.link_id = l.id) END AS brake,
  jsonb_build_object('wantedMs', extract(epoch FROM clock_timestamp() - nullif(l.wanted_at, '-infinity')) * 1000, 'pushed', l.silent_since IS NULL AND coalesce(l.subscription_until > clock_timestamp(), l.subscription_id IS NOT NULL),
    'localHour', extract(hour FROM clock_timestamp() AT TIME ZONE p.time_zone), 'staleAfterMs', a.stale_after_seconds * 1000,
    'links', (SELECT count(*) FROM link o WHERE o.organization_id = l.organization_id AND o.connection_id = l.connection_id),
    'throttledMs', (SELECT extract(epoch FROM clock_timestamp() - nullif(c.throttled_at, '-infinity')) * 1000 FROM connection c WHERE c.organization_id = l.organization_id AND c.id = l.connection_id)) AS pace,
  jsonb_build_object('live', l.subscribed_at <= l.as_of AND coalesce(l.subscription_until > clock_timestamp(), l.subscription_id IS NOT NULL),
    'announced', coalesce(l.hinted_at >= l.as_of, false), 'silent', l.silent_reads, 'isSilent', l.silent_since IS NOT NULL, 'hintedAt', l.hinted_at::text) AS push
  FROM link l JOIN agenda a ON a.organization_id = l.organization_id AND a.id = l.agenda_id
  JOIN location p ON p.organization_id = a.organization_id AND p.id = a.location_id WHERE l.organization_id = $1`;

/** The version of an object whose last read was unreadable is not known: so it is read again, and leaves the quarantine once it can be. */
const VERSION = `CASE WHEN NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.organization_id = m.organization_id AND q.link_id = m.link_id AND q.remote_id = m.remote_id)
  THEN m.version END AS version`;

const KNOWN = `SELECT m.id AS mirror_id, m.remote_id, ${VERSION}, m.content_hash, m.summary_hash, m.appointment_id,
  (extract(epoch FROM lower(m.during)) * 1000)::float8 AS start, (extract(epoch FROM upper(m.during)) * 1000)::float8 AS "end",
  coalesce((SELECT jsonb_agg(jsonb_build_object('start', (extract(epoch FROM lower(b.r)) * 1000)::bigint, 'end', (extract(epoch FROM upper(b.r)) * 1000)::bigint) ORDER BY b.r)
    FROM (SELECT DISTINCT c.during AS r FROM claim c WHERE c.organization_id = m.organization_id AND c.holder = m.id) b), '[]') AS busy
  FROM mirror m WHERE m.organization_id = $1 AND m.link_id = $2 AND m.gone_at IS NULL`;

const APPOINTMENTS = `SELECT a.id, a.status, (extract(epoch FROM lower(a.during)) * 1000)::float8 AS start, (extract(epoch FROM upper(a.during)) * 1000)::float8 AS "end",
  a.generation, t.label_fr, a.overbooking IS NOT NULL AS overbooked,${sealedPatient('p')} AS sealed, CASE WHEN w.unanswered > 0 THEN (extract(epoch FROM clock_timestamp() - w.last_sent_at) * 1000)::float8 END AS unanswered_for_ms,
  (extract(epoch FROM w.asked_at) * 1000)::float8 AS asked_at,
  CASE WHEN a.status = 'pending' AND a.reason->>'code' = 'AWAITING_ACCEPTANCE' AND w.state = 'settled' THEN CASE WHEN w.departing IS NULL THEN 'visit' ELSE 'move' END END AS awaited,
  coalesce(a.status = 'cancelled' AND a.reason->>'code' = 'PRACTITIONER_CANCELLED', false) AS ended_there
  FROM appointment a JOIN motif t ON t.organization_id = a.organization_id AND t.id = a.motif_id
  LEFT JOIN patient_identity p ON p.organization_id = a.organization_id AND p.appointment_id = a.id
  LEFT JOIN remote_write w ON w.organization_id = a.organization_id AND w.appointment_id = a.id
  WHERE a.organization_id = $1 AND a.agenda_id = $2 AND a.id = ANY ($3)`;

const APPLY = { name: 'apply-sync', text: 'SELECT apply_sync($1, $2, $3, $4, $5) AS due' };
/** In one transaction; the fence is checked first. */
const APPLY_AND_HOLD = {
  name: 'apply-sync-and-hold',
  text: 'SELECT apply_sync($1, $2, $3, $4, $5) AS due, hold_deletions($1, $2, $6)',
};
/** Raised by apply_sync: the lane was taken by another process. */
const LANE_LOST = 'UK002';

/** Links, mirrors and what reconcile decided, in PostgreSQL. */
export class PgSyncStore extends SyncStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  link(organizationId: string, linkId: string): Promise<LinkRecord | null> {
    return this.oneLink(organizationId, 'l.id', linkId);
  }

  linkOfAgenda(organizationId: string, agendaId: string): Promise<LinkRecord | null> {
    return this.oneLink(organizationId, 'l.agenda_id', agendaId);
  }

  clock(organizationId: string): Promise<string> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ clock: string }>('SELECT clock_timestamp()::text AS clock');
      return row?.clock ?? '';
    });
  }

  reference(link: LinkRecord, appointmentId: string): Promise<string | null> {
    return this.database.withOrganization(link.organizationId, async (transaction) => {
      const [row] = await transaction.query<{ generation: number }>(
        'SELECT generation FROM appointment WHERE organization_id = $1 AND id = $2',
        [link.organizationId, appointmentId],
      );
      return row === undefined ? null : referenceOf(appointmentId, row.generation);
    });
  }

  putBackendRules(link: LinkRecord, rules: BackendRules, until: number): Promise<boolean> {
    return putBackendRules(this.database, link, { rules, until });
  }

  versions(link: LinkRecord): Promise<ReadonlyMap<string, string | null>> {
    return this.database.withOrganization(link.organizationId, async (transaction) => {
      const text = `SELECT m.remote_id, ${VERSION} FROM mirror m WHERE m.organization_id = $1 AND m.link_id = $2 AND m.gone_at IS NULL`;
      const rows = await transaction.query<{ remote_id: string; version: string | null }>(text, [
        link.organizationId,
        link.id,
      ]);
      return new Map(rows.map((row) => [row.remote_id, row.version]));
    });
  }

  digested({ organizationId }: LinkRecord, changes: readonly RemoteChange[]): Promise<readonly RemoteChange[]> {
    return keyedChanges(this.vault, organizationId, changes);
  }

  async base(link: LinkRecord, changes: readonly RemoteChange[], window: Interval | null): Promise<SyncBase> {
    const named = changes.map((change) => (change.kind === 'upsert' ? change.object.remoteId : change.remoteId));
    const referenced = changes.flatMap((change) =>
      change.kind === 'upsert' && change.object.reference !== null
        ? [appointmentOfReference(change.object.reference)]
        : [],
    );
    const ids = referenced.filter((id) => id !== null);
    const found = await this.database.withOrganization(link.organizationId, async (transaction) => {
      const scope = window === null ? ' AND (m.remote_id = ANY ($3) OR m.appointment_id = ANY ($4))' : '';
      const rows = await transaction.query<KnownRow & Record<string, unknown>>(
        KNOWN + scope,
        window === null ? [link.organizationId, link.id, named, ids] : [link.organizationId, link.id],
      );
      const mirrored = rows.flatMap((row) => (row.appointment_id === null ? [] : [row.appointment_id]));
      const appointments = await appointmentRows(transaction, link, [...new Set([...ids, ...mirrored])]);
      const [total] = await transaction.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM mirror WHERE organization_id = $1 AND link_id = $2 AND gone_at IS NULL',
        [link.organizationId, link.id],
      );
      return { rows, appointments, knownTotal: total?.n ?? rows.length };
    });
    const rows = await keyMirrors({ database: this.database, vault: this.vault }, link.organizationId, found.rows);
    const appointments = await Promise.all(found.appointments.map((row) => this.syncedOf(link, row)));
    return { known: rows.map(knownOf), appointments, knownTotal: found.knownTotal };
  }

  async apply(link: LinkRecord, actions: readonly Action[], end: PullEnd | null, lease: Lease): Promise<Applied> {
    if (actions.length === 0 && end === null) return { changes: 0, due: 0 };
    const brake = actions.find((action) => action.type === 'brake');
    const carriedOut = actions.filter((action) => action !== brake);
    const sealed = await Promise.all(
      carriedOut.map(async (action) => (action.type === 'quarantine' ? this.sealRaw(link, action) : action)),
    );
    const plan = [JSON.stringify(sealed), end === null ? null : JSON.stringify(end)];
    const values = [link.organizationId, link.id, ...plan, lease.fence];
    const applied = brake
      ? this.database.call<{ due: number }>(APPLY_AND_HOLD, [...values, JSON.stringify(brake)])
      : this.database.call<{ due: number }>(APPLY, values);
    const [row] = await applied.catch((error: unknown) => {
      throw error instanceof StoreRefused && error.code === LANE_LOST ? new LaneLost() : error;
    });
    return { changes: actions.length, due: row?.due ?? 0 };
  }

  async reconciled(link: LinkRecord, report: ReconcileReport): Promise<void> {
    await this.database.withOrganization(link.organizationId, async (transaction) => {
      await transaction.query('UPDATE link SET reconcile_report = $3 WHERE organization_id = $1 AND id = $2', [
        link.organizationId,
        link.id,
        JSON.stringify(report),
      ]);
      if (report.repaired > 0)
        await transaction.query(`SELECT append_event('agenda-repaired', $1, $2, '{"kind":"system"}', $3)`, [
          link.agendaId,
          link.id,
          JSON.stringify(report),
        ]);
    });
  }

  failed(link: LinkRecord, failure: Failure, retryMs: number): Promise<void> {
    return this.database.withOrganization(link.organizationId, (transaction) =>
      noteFailure(transaction, link, { failure, retryMs }),
    );
  }

  unannounced(link: LinkRecord, reads: { silent: number; isSilent: boolean }): Promise<void> {
    return this.database.withOrganization(link.organizationId, (transaction) =>
      noteUnannounced(transaction, link, reads),
    );
  }

  hinted(organizationId: string, linkId: string, hintId: string): Promise<number | null> {
    return this.database.withOrganization(organizationId, (transaction) =>
      takeHint(transaction, { organizationId, linkId }, hintId),
    );
  }

  private async oneLink(organizationId: string, column: string, id: string): Promise<LinkRecord | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<LinkRecord & Record<string, unknown>>(`${LINK} AND ${column} = $2`, [
        organizationId,
        id,
      ]);
      return row ?? null;
    });
  }

  private async syncedOf(link: LinkRecord, row: AppointmentRow): Promise<SyncedAppointment> {
    const patient = await openPatient(this.vault, link.organizationId, row.sealed);
    const text = summaryOf(link.disclosure, patient, row.label_fr, row.overbooked);
    return {
      id: row.id,
      status: row.status,
      when: { start: row.start, end: row.end },
      summary: await textDigest(this.vault, link.organizationId, text),
      reference: referenceOf(row.id, row.generation),
      unansweredForMs: row.unanswered_for_ms,
      changedAt: row.asked_at,
      awaited: row.awaited,
      endedThere: row.ended_there,
    };
  }

  private async sealRaw(
    link: LinkRecord,
    { raw, ...action }: Extract<Action, { type: 'quarantine' }>,
  ): Promise<object> {
    const place = quarantined(link.id, action.remoteId);
    const sealed = await this.vault.seal(link.organizationId, place, Buffer.from(raw));
    return { ...action, rawSealed: sealed.toString('base64') };
  }
}

async function appointmentRows(
  transaction: Transaction,
  { organizationId, agendaId }: LinkRecord,
  ids: readonly string[],
): Promise<readonly AppointmentRow[]> {
  if (ids.length === 0) return [];
  const values = [organizationId, agendaId, ids];
  return transaction.query<AppointmentRow & Record<string, unknown>>(APPOINTMENTS, values);
}

function knownOf(row: KnownRow): KnownObject {
  const when = row.start === null || row.end === null ? null : { start: row.start, end: row.end };
  return {
    remoteId: row.remote_id,
    version: row.version,
    contentHash: row.content_hash,
    appointmentId: row.appointment_id,
    when,
    summary: row.summary_hash,
    busy: row.busy,
  };
}
