import {
  LaneLost,
  PlanStore,
  referenceOf,
  StageStore,
  StoreRefused,
  summaryOf,
  type Actor,
  type FirstSyncPlan,
  type Lease,
  type LinkRecord,
  type LinkRef,
  type PlannedAppointment,
  type StoredPlan,
  type Vault,
  type WrittenText,
} from '#application';
import type { Database } from '../database.js';
import { MOST_REFUSALS } from './patients.js';
import { asKeyed, textDigest } from './mirror-digests.js';
import { openPatient, sealedPatient } from './sealed-patients.js';

const LANE_LOST = 'UK002';
/** A plan that waits for approval is made anew now and then, so that what is shown is not old. */
const REPLAN = `interval '10 minutes'`;
const ms = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::float8`;

const TEXTS = `SELECT a.id, a.generation, m.remote_id, m.version, m.summary_hash, ${ms('lower(m.during)')} AS start, ${ms('upper(m.during)')} AS "end", ${sealedPatient('p')} AS sealed, t.label_fr, a.overbooking IS NOT NULL AS overbooked, d.former
  FROM mirror m JOIN appointment a ON a.organization_id = m.organization_id AND a.id = m.appointment_id
  JOIN motif t ON t.organization_id = a.organization_id AND t.id = a.motif_id
  LEFT JOIN patient_identity p ON p.organization_id = a.organization_id AND p.appointment_id = a.id
  LEFT JOIN text_due d ON d.organization_id = a.organization_id AND d.appointment_id = a.id AND d.refusals < ${String(MOST_REFUSALS)}
  WHERE m.organization_id = $1 AND m.link_id = $2 AND m.gone_at IS NULL AND m.during IS NOT NULL AND (a.status IN ('confirmed', 'conflict') AND upper(a.during) > now() OR d.former IS NOT NULL) AND ($3::uuid IS NULL OR a.id > $3)
  ORDER BY a.id LIMIT $4`;

interface TextRow {
  id: string;
  generation: number;
  remote_id: string;
  version: string | null;
  summary_hash: string | null;
  start: number;
  end: number;
  sealed: Buffer | null;
  label_fr: string;
  overbooked: boolean;
  former: string[] | null;
}

/** The stages of a link's life that its lane carries out. */
export class PgStages extends StageStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  async backfill(link: LinkRecord, lease: Lease, limit: number): Promise<boolean> {
    const statement = { name: 'backfill-link', text: 'SELECT backfill_link($1, $2, $3, $4) AS more' };
    const values = [link.organizationId, link.id, lease.fence, limit];
    const [row] = await this.database.call<{ more: boolean }>(statement, values).catch((error: unknown) => {
      throw error instanceof StoreRefused && error.code === LANE_LOST ? new LaneLost() : error;
    });
    return row?.more ?? false;
  }

  settle(link: LinkRecord): Promise<void> {
    return this.database.withOrganization(link.organizationId, async (transaction) => {
      const settled = await transaction.query(
        `UPDATE link l SET phase = 'live', phase_since = now() WHERE l.organization_id = $1 AND l.id = $2 AND l.phase = 'writing'
           AND NOT EXISTS (SELECT 1 FROM remote_write w WHERE w.organization_id = l.organization_id AND w.link_id = l.id AND w.state = 'due') RETURNING l.id`,
        [link.organizationId, link.id],
      );
      if (settled.length > 0)
        await transaction.query(`SELECT append_event('link-live', $1, $2, '{"kind":"system"}', '{}')`, [
          link.agendaId,
          link.id,
        ]);
    });
  }

  async texts(link: LinkRecord, after: string | null, limit: number): Promise<readonly WrittenText[]> {
    const values = [link.organizationId, link.id, after, limit];
    const rows = await this.database.withOrganization(link.organizationId, (transaction) =>
      transaction.query<TextRow & Record<string, unknown>>(TEXTS, values),
    );
    return Promise.all(rows.map((row) => this.written(link, row)));
  }

  learnt(link: LinkRecord, manners: LinkRecord['manners']): Promise<void> {
    return this.database.withOrganization(link.organizationId, async (transaction) => {
      // What could not be found out is looked at again the next day.
      await transaction.query(
        `UPDATE link SET manners = coalesce($3, manners), probed_at = clock_timestamp() - CASE WHEN $3::jsonb IS NULL THEN interval '29 days' ELSE interval '0' END
           WHERE organization_id = $1 AND id = $2`,
        [link.organizationId, link.id, manners === null ? null : JSON.stringify(manners)],
      );
    });
  }

  rewrote(link: LinkRecord, appointmentId: string, done: boolean): Promise<void> {
    return this.database.withOrganization(link.organizationId, async (transaction) => {
      await transaction.query(
        done
          ? 'DELETE FROM text_due WHERE organization_id = $1 AND link_id = $2 AND appointment_id = $3'
          : 'UPDATE text_due SET refusals = refusals + 1 WHERE organization_id = $1 AND link_id = $2 AND appointment_id = $3',
        [link.organizationId, link.id, appointmentId],
      );
    });
  }

  rewritten(link: LinkRecord): Promise<void> {
    return this.database.withOrganization(link.organizationId, async (transaction) => {
      // What stands there no longer, and is not on its way, says nothing any more.
      await transaction.query(
        `DELETE FROM text_due d USING appointment a WHERE d.organization_id = $1 AND d.link_id = $2 AND a.organization_id = d.organization_id AND a.id = d.appointment_id
           AND a.status NOT IN ('pending', 'unknown', 'compensating')
           AND NOT EXISTS (SELECT 1 FROM mirror m WHERE m.organization_id = d.organization_id AND m.link_id = d.link_id AND m.appointment_id = d.appointment_id AND m.gone_at IS NULL)`,
        [link.organizationId, link.id],
      );
      await transaction.query(
        `UPDATE link SET rewriting = EXISTS (SELECT 1 FROM text_due d WHERE d.organization_id = $1 AND d.link_id = $2 AND d.refusals < ${String(MOST_REFUSALS)})
         WHERE organization_id = $1 AND id = $2 AND disclosure = $3`,
        [link.organizationId, link.id, link.disclosure],
      );
    });
  }

  private async written({ organizationId }: LinkRecord, row: TextRow): Promise<WrittenText> {
    const patient = await openPatient(this.vault, organizationId, row.sealed);
    const { label_fr: motifLabel, overbooked, summary_hash: seen } = row;
    const shown = seen === null ? null : await asKeyed(this.vault, organizationId, seen);
    const digests = (['full', 'initials', 'busy'] as const).map(async (level) => {
      const text = summaryOf(level, patient, motifLabel, overbooked);
      return { level, digest: await textDigest(this.vault, organizationId, text) };
    });
    const former = await Promise.all((row.former ?? []).map((one) => asKeyed(this.vault, organizationId, one)));
    return {
      appointmentId: row.id,
      reference: referenceOf(row.id, row.generation),
      remoteId: row.remote_id,
      version: row.version,
      when: { start: row.start, end: row.end },
      shows: (await Promise.all(digests)).filter(({ digest }) => digest === shown).map(({ level }) => level),
      former: row.former === null ? null : { isShown: shown !== null && former.includes(shown) },
      patient,
      motifLabel,
      overbooked,
    };
  }
}

/** Plans of first synchronisations, in PostgreSQL. */
export class PgPlans extends PlanStore {
  constructor(private readonly database: Database) {
    super();
  }

  get(organizationId: string, linkId: string): Promise<StoredPlan | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<StoredPlan & Record<string, unknown>>(
        `SELECT version, ${ms('made_at')} AS "madeAt", plan FROM link_plan WHERE organization_id = $1 AND link_id = $2`,
        [organizationId, linkId],
      );
      return row ?? null;
    });
  }

  appointments(link: LinkRecord): Promise<readonly PlannedAppointment[]> {
    return this.database.withOrganization(link.organizationId, (transaction) =>
      transaction.query<PlannedAppointment & Record<string, unknown>>(
        `SELECT a.id, ${ms('lower(a.during)')} AS start, ${ms('upper(a.during)')} AS "end", t.label_fr AS motif,
           jsonb_build_object('start', ${ms('lower(a.occupies)')}, 'end', ${ms('upper(a.occupies)')}) AS occupies
         FROM appointment a JOIN motif t ON t.organization_id = a.organization_id AND t.id = a.motif_id
         WHERE a.organization_id = $1 AND a.agenda_id = $2 AND a.status IN ('pending', 'unknown', 'confirmed', 'conflict') AND upper(a.during) > now() ORDER BY a.during, a.id`,
        [link.organizationId, link.agendaId],
      ),
    );
  }

  put(link: LinkRecord, { plan, digest }: { plan: FirstSyncPlan; digest: string }, lease: Lease): Promise<void> {
    const { organizationId, id, agendaId } = link;
    return this.database.withOrganization(organizationId, async (transaction) => {
      const held = await transaction.query(
        'SELECT 1 FROM agenda_lane WHERE organization_id = $1 AND agenda_id = $2 AND fence = $3 FOR SHARE',
        [organizationId, agendaId, lease.fence],
      );
      if (held.length === 0) throw new LaneLost();
      const [made] = await transaction.query<{ version: number }>(
        `INSERT INTO link_plan AS p (organization_id, link_id, version, digest, plan) VALUES ($1, $2, 1, $3, $4)
         ON CONFLICT (organization_id, link_id) DO UPDATE SET version = p.version + 1, digest = excluded.digest, plan = excluded.plan, made_at = now() WHERE p.digest <> excluded.digest RETURNING version`,
        [organizationId, id, digest, JSON.stringify(plan)],
      );
      await transaction.query('UPDATE link_plan SET made_at = now() WHERE organization_id = $1 AND link_id = $2', [
        organizationId,
        id,
      ]);
      await transaction.query(
        `UPDATE link SET status = 'active', read_failures = 0, last_error = NULL, poll_at = clock_timestamp() + ${REPLAN} WHERE organization_id = $1 AND id = $2 AND phase = 'planning'`,
        [organizationId, id],
      );
      if (made !== undefined)
        await transaction.query(`SELECT append_event('link-planned', $1, $2, '{"kind":"system"}', $3)`, [
          agendaId,
          id,
          JSON.stringify({ version: made.version, counts: plan.counts }),
        ]);
    });
  }

  approve({ organizationId, id }: LinkRef, version: number, actor: Actor): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ agenda_id: string }>(
        `UPDATE link l SET phase = 'reading', phase_since = now(), poll_at = now(), version = l.version + 1,
           backfill_total = (SELECT sum(n.value::integer) FROM jsonb_each_text(p.plan->'counts') n WHERE n.key NOT IN ('create', 'conflict', 'unreadable', 'remove'))
         FROM link_plan p WHERE l.organization_id = $1 AND l.id = $2 AND l.phase = 'planning' AND p.organization_id = l.organization_id AND p.link_id = l.id AND p.version = $3 RETURNING l.agenda_id`,
        [organizationId, id, version],
      );
      if (row === undefined) return false;
      await transaction.query(`SELECT append_event('link-approved', $1, $2, $3, $4)`, [
        row.agenda_id,
        id,
        JSON.stringify(actor),
        JSON.stringify({ version }),
      ]);
      return true;
    });
  }
}
