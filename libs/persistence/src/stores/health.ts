import { AlertStore, HealthStore, type HealthFacts, type Light } from '#application';
import type { Database } from '../database.js';

const at = (expression: string): string => `(extract(epoch FROM nullif(${expression}, '-infinity')) * 1000)::float8`;
const since = (expression: string): string =>
  `(extract(epoch FROM clock_timestamp() - nullif(${expression}, '-infinity')) * 1000)::float8`;

const FACTS = `SELECT l.id AS "linkId", l.agenda_id AS "agendaId", a.name AS "agendaName", l.status, CASE WHEN l.status = 'moved' THEN l.successor END AS successor, l.phase, l.paused_at IS NOT NULL AS paused, l.direction,
  ${since('l.phase_since')} AS "phaseMs", ${at('l.as_of')} AS "asOf", ${since('l.as_of')} AS "ageMs", l.read_failures AS failures,
  CASE WHEN l.read_failures > 0 THEN ${since(`(l.last_error->>'since')::timestamptz`)} END AS "failingMs", ${at('l.poll_at')} AS "pollAt",
  greatest(0, coalesce(${since('greatest(l.poll_at, l.phase_since)')}, 0)) AS "overdueMs", a.stale_after_seconds * 1000 AS "staleAfterMs",
  l.last_error - 'since' AS "lastError", l.brake, ${at('l.reconciled_at')} AS "reconciledAt", l.backfill_total AS "backfillTotal", l.rewriting,
  (SELECT count(*)::int FROM quarantine q WHERE q.organization_id = l.organization_id AND q.link_id = l.id AND q.dismissed_at IS NULL) AS quarantined,
  (SELECT count(*)::int FROM mirror m WHERE l.phase = 'reading' AND m.organization_id = l.organization_id AND m.link_id = l.id AND m.gone_at IS NULL) AS mirrored,
  greatest(0, coalesce(-${since('c.blocked_until')}, 0)) AS "blockedMs", ${at('c.expires_at')} AS "expiresAt", -${since('c.expires_at')} AS "expiresInMs",
  CASE WHEN c.responsible_name IS NOT NULL THEN jsonb_build_object('name', c.responsible_name, 'email', c.responsible_email) END AS responsible,
  jsonb_build_object('subscribed', l.subscription_id IS NOT NULL, 'until', ${at('l.subscription_until')}, 'lastHintAt', ${at('l.hinted_at')}, 'silentSince', ${at('l.silent_since')}) AS push,
  jsonb_build_object('light', coalesce(h.light, 'green'), 'redSince', ${at('h.red_since')}, 'alertedAt', ${at('h.alerted_at')}, 'nextAlertAt', ${at('h.alert_at')}, 'alertError', h.alert_error) AS watch,
  w.*
  FROM link l JOIN agenda a ON a.organization_id = l.organization_id AND a.id = l.agenda_id
  JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id
  LEFT JOIN link_watch h ON h.organization_id = l.organization_id AND h.link_id = l.id
  CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE w.state = 'due')::int AS queued, ${since(`min(w.asked_at) FILTER (WHERE w.state = 'due')`)} AS "oldestMs",
    ${at(`min(w.due_at) FILTER (WHERE w.state = 'due')`)} AS "nextWriteAt", ${at('max(w.last_sent_at)')} AS "lastSentAt"
    FROM remote_write w WHERE w.organization_id = l.organization_id AND w.link_id = l.id) w
  WHERE l.organization_id = $1 AND ($2::uuid[] IS NULL OR l.id = ANY ($2)) ORDER BY l.id`;

/** What is known of the health of links, by the database's clock. */
export class PgHealthStore extends HealthStore {
  constructor(private readonly database: Database) {
    super();
  }

  facts(organizationId: string, linkIds: readonly string[] | null): Promise<readonly HealthFacts[]> {
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<HealthFacts & Record<string, unknown>>(FACTS, [organizationId, linkIds]),
    );
  }
}

/** Every alert hangs on a row of the link: whoever changes it is the one who acts. */
export class PgAlertStore extends AlertStore {
  constructor(private readonly database: Database) {
    super();
  }

  turned(
    organizationId: string,
    link: { id: string; agendaId: string },
    { from, to, data, everyMs }: { from: Light; to: Light; data: object; everyMs: number },
  ): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        'INSERT INTO link_watch (organization_id, link_id) SELECT l.organization_id, l.id FROM link l WHERE l.organization_id = $1 AND l.id = $2 ON CONFLICT DO NOTHING',
        [organizationId, link.id],
      );
      const changed = await transaction.query(
        `UPDATE link_watch SET light = $4, red_since = CASE WHEN $4 = 'red' THEN now() END, alert_error = NULL,
           alert_at = CASE WHEN $4 = 'red' THEN greatest(now(), alerted_at + $5 * interval '1 millisecond') END
         WHERE organization_id = $1 AND link_id = $2 AND light = $3 RETURNING link_id`,
        [organizationId, link.id, from, to, everyMs],
      );
      if (changed.length === 0) return;
      await transaction.query(`SELECT append_event('link-' || $1, $2, $3, '{"kind":"system"}', $4)`, [
        to,
        link.agendaId,
        link.id,
        JSON.stringify(data),
      ]);
    });
  }

  claim(organizationId: string, everyMs: number): Promise<readonly string[]> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      // A mail that is tried again is the same alert: it is not said twice.
      const due = await transaction.query<{ link_id: string; anew: boolean }>(
        `UPDATE link_watch w SET alert_at = now() + $2 * interval '1 millisecond',
           alerts = w.alerts + o.anew::integer, alerted_at = CASE WHEN o.anew THEN now() ELSE w.alerted_at END
         FROM (SELECT link_id, alert_error IS NULL OR alerted_at + $2 * interval '1 millisecond' <= now() AS anew FROM link_watch
           WHERE organization_id = $1 AND light = 'red' AND alert_at <= now() FOR UPDATE SKIP LOCKED) o
         WHERE w.organization_id = $1 AND w.link_id = o.link_id RETURNING w.link_id, o.anew`,
        [organizationId, everyMs],
      );
      for (const { link_id, anew } of due) {
        if (!anew) continue;
        await transaction.query(
          `SELECT append_event('link-alert', l.agenda_id, l.id, '{"kind":"system"}', jsonb_build_object('alerts', w.alerts, 'redSince', (extract(epoch FROM w.red_since) * 1000)::bigint))
           FROM link l JOIN link_watch w ON w.organization_id = l.organization_id AND w.link_id = l.id WHERE l.organization_id = $1 AND l.id = $2`,
          [organizationId, link_id],
        );
      }
      return due.map(({ link_id }) => link_id);
    });
  }

  mailed(
    organizationId: string,
    linkId: string,
    { error, retryMs }: { error: string | null; retryMs: number },
  ): Promise<void> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE link_watch SET alert_error = $3, alert_at = CASE WHEN $3::text IS NULL THEN alert_at ELSE least(alert_at, now() + $4 * interval '1 millisecond') END
         WHERE organization_id = $1 AND link_id = $2 AND light = 'red'`,
        [organizationId, linkId, error, retryMs],
      );
    });
  }
}
