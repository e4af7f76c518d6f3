import {
  Calendar,
  type AgendaRecord,
  type AgendaWindow,
  type BookingFacts,
  type Certainty,
  type Freshness,
  type MotifRecord,
  type FoundRuling,
  type AskerRecord,
  type VisitMinutes,
} from '#application';
import type { Interval } from '#domain';
import type { Database } from '../database.js';
import { factsOf, type FactColumns } from './facts.js';
import { putExpansion, readRules } from './rule-expansion.js';

interface FreshnessRow {
  agenda_id: string;
  master: 'hub' | 'remote';
  /** True when what stands in the agenda is read from a backend. */
  read_there: boolean;
  as_of: number | null;
  age_ms: number | null;
  stale_after_seconds: number;
  reachable: boolean | null;
}

interface AgendaRow extends FreshnessRow {
  name: string;
  practitioner_id: string;
  display_name: string;
  speciality: string;
  rpps: string | null;
  location_id: string;
  location_name: string;
  time_zone: string;
  capacity: number;
  active: boolean;
}

interface WindowRow extends FreshnessRow {
  rules: FoundRuling;
  minutes: VisitMinutes;
  facts: FactColumns;
}

interface MotifRow {
  id: string;
  label_fr: string;
  label_en: string;
  duration_minutes: number;
  buffer_before_minutes: number;
  buffer_after_minutes: number;
  granularity_minutes: number;
  agenda_ids: string[];
}

/** An agenda that offers the motif, or that none does. */
type FoundRow = { now: number } & (WindowRow | { agenda_id: null });

/** Read this recently, an agenda counts as live. */
const LIVE_MS = 15_000;

const FRESHNESS = `a.id AS agenda_id, a.master, a.stale_after_seconds,
  (extract(epoch FROM nullif(l.as_of, '-infinity')) * 1000)::float8 AS as_of, (extract(epoch FROM clock_timestamp() - nullif(l.as_of, '-infinity')) * 1000)::float8 AS age_ms,
  l.status = 'active' AND l.paused_at IS NULL AND c.blocked_until <= clock_timestamp() AS reachable,
  a.master = 'remote' OR coalesce(l.direction = 'read-only' AND l.phase IN ('writing', 'live'), false) AS read_there`;
const LINKED = `LEFT JOIN link l ON l.organization_id = a.organization_id AND l.agenda_id = a.id
  LEFT JOIN connection c ON c.organization_id = l.organization_id AND c.id = l.connection_id`;

const MOTIF_COLUMNS =
  't.id, t.label_fr, t.label_en, t.duration_minutes, t.buffer_before_minutes, t.buffer_after_minutes, t.granularity_minutes';

/** One row per agenda; one without an agenda when none of them offers the motif. */
const WINDOWS = {
  name: 'windows',
  text: `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now, w.* FROM motif t
  CROSS JOIN (SELECT $2::uuid[] AS ids, to_timestamp($4::numeric / 1000) AS from_at, to_timestamp($5::numeric / 1000) AS to_at OFFSET 0) q
  LEFT JOIN LATERAL (SELECT ${FRESHNESS}, CASE WHEN a.backend_rules IS NULL THEN m.rules ELSE m.rules || jsonb_build_object('backend', a.backend_rules) END AS rules, f.minutes, f.facts
    FROM agenda a JOIN location p ON p.organization_id = a.organization_id AND p.id = a.location_id ${LINKED}
    JOIN agenda_motif m ON m.organization_id = a.organization_id AND m.agenda_id = a.id AND m.motif_id = t.id
    CROSS JOIN LATERAL facts_between(a, p.time_zone, t, m.rules, q.from_at, q.to_at, NULL) f
    WHERE a.organization_id = t.organization_id AND a.active AND a.id = ANY (q.ids)) w ON true
  WHERE t.organization_id = $1 AND t.id = $3 AND t.active`,
};

const FACTS_AT = {
  name: 'facts-at',
  text: `SELECT booking_facts($1, $2, $3, to_timestamp($4::numeric / 1000), $5, (SELECT i.fingerprint FROM patient_identity i WHERE i.organization_id = $1 AND i.appointment_id = $6), $7, false) AS found, f.*
    FROM (SELECT ${FRESHNESS}, a.when_unreachable FROM agenda a ${LINKED} WHERE a.organization_id = $1 AND a.id = $2) f`,
};

const STANDING = {
  name: 'standing',
  text: `WITH other AS (SELECT a.agenda_id, a.motif_id, a.during FROM patient_identity s
      JOIN patient_identity i ON i.organization_id = s.organization_id AND i.fingerprint = s.fingerprint
      JOIN appointment a ON a.organization_id = i.organization_id AND a.id = i.appointment_id
      WHERE s.organization_id = $1 AND s.appointment_id = $3 AND is_live(a.status))
    SELECT (SELECT c.secretariat FROM collaborator c WHERE c.organization_id = $1 AND c.id = $2) AS secretariat,
      coalesce((SELECT jsonb_agg(jsonb_build_object('agendaId', o.agenda_id, 'motifId', o.motif_id, 'start', milliseconds(lower(o.during)))) FROM other o), '[]') AS visits,
      ARRAY(SELECT h.id FROM agenda h WHERE h.organization_id = $1 AND h.practitioner_id IN
        (SELECT g.practitioner_id FROM other o JOIN agenda g ON g.organization_id = $1 AND g.id = o.agenda_id))::text[] AS "usualAgendaIds"`,
};

/** What stands in the hub's calendars, in PostgreSQL. */
export class PgCalendar extends Calendar {
  constructor(private readonly database: Database) {
    super();
  }

  agendas(organizationId: string, ids: readonly string[] | null): Promise<readonly AgendaRecord[]> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const rows = await transaction.query<AgendaRow & Record<string, unknown>>(
        `SELECT ${FRESHNESS}, a.name, a.capacity, a.active, d.id AS practitioner_id, d.display_name, d.speciality, d.rpps, p.id AS location_id, p.name AS location_name, p.time_zone
         FROM agenda a JOIN practitioner d ON d.organization_id = a.organization_id AND d.id = a.practitioner_id
         JOIN location p ON p.organization_id = a.organization_id AND p.id = a.location_id ${LINKED}
         WHERE a.organization_id = $1 AND ($2::uuid[] IS NULL OR a.id = ANY ($2)) ORDER BY d.display_name, p.name, a.name, a.id`,
        [organizationId, ids],
      );
      return rows.map(agendaOf);
    });
  }

  motifs(organizationId: string): Promise<readonly MotifRecord[]> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const rows = await transaction.query<MotifRow & Record<string, unknown>>(
        `SELECT ${MOTIF_COLUMNS}, coalesce((SELECT array_agg(m.agenda_id ORDER BY m.agenda_id) FROM agenda_motif m WHERE m.organization_id = t.organization_id AND m.motif_id = t.id), '{}') AS agenda_ids
         FROM motif t WHERE t.organization_id = $1 AND t.active ORDER BY t.label_fr, t.id`,
        [organizationId],
      );
      return rows.map(motifOf);
    });
  }

  async windows(query: {
    organizationId: string;
    agendaIds: readonly string[];
    motifId: string;
    window: Interval;
  }): ReturnType<Calendar['windows']> {
    const { organizationId, agendaIds, motifId, window } = query;
    const { start, end } = window;
    const values = [organizationId, agendaIds, motifId, start, Math.max(start, end)];
    const rows = await this.database.one<FoundRow & Record<string, unknown>>(organizationId, WINDOWS, values);
    const [first] = rows;
    if (first === undefined) return null;
    return { now: first.now, agendas: rows.flatMap((row) => windowOf(row) ?? []) };
  }

  async factsAt(question: Parameters<Calendar['factsAt']>[0]): ReturnType<Calendar['factsAt']> {
    const { organizationId, agendaId, motifId, start, asker } = question;
    const { collaboratorId = null, patientOf = null, moving = null } = asker ?? {};
    const values = [organizationId, agendaId, motifId, start, collaboratorId, patientOf, moving];
    type Found = Omit<BookingFacts, 'facts'> & { facts: FactColumns };
    type Row = FreshnessRow & { found: Found | null; when_unreachable: 'refuse' | 'queue' } & Record<string, unknown>;
    const [row] = await this.database.one<Row>(organizationId, FACTS_AT, values);
    if (!row?.found) return null;
    const facts = factsOf(row.found.facts);
    return { ...row.found, facts, freshness: freshnessOf(row), whenUnreachable: row.when_unreachable };
  }

  async standing(
    organizationId: string,
    { collaboratorId = null, patientOf = null }: Parameters<Calendar['standing']>[1],
  ): Promise<AskerRecord> {
    const values = [organizationId, collaboratorId, patientOf];
    type Row = AskerRecord & Record<string, unknown>;
    const [row] = await this.database.one<Row>(organizationId, STANDING, values);
    return row ?? { secretariat: null, visits: [], usualAgendaIds: [] };
  }

  collaborator(organizationId: string, id: string): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const rows = await transaction.query(
        'SELECT 1 FROM collaborator WHERE organization_id = $1 AND id = $2 AND active',
        [organizationId, id],
      );
      return rows.length === 1;
    });
  }

  async expandRules(organizationId: string, agendaId: string): Promise<void> {
    const agenda = { organizationId, agendaId };
    await this.database.withOrganization(organizationId, async (transaction) => {
      const rules = await readRules(transaction, agenda, true);
      if (rules !== null) await putExpansion(transaction, agenda, rules);
    });
  }
}

function freshnessOf({
  agenda_id: agendaId,
  read_there: readThere,
  as_of: asOf,
  age_ms: ageMs,
  stale_after_seconds: staleAfter,
  reachable,
}: FreshnessRow): Freshness {
  if (!readThere) return { agendaId, asOf: null, certainty: 'live' };
  return { agendaId, asOf, certainty: certaintyOf(ageMs, staleAfter * 1000, reachable === true) };
}

function certaintyOf(ageMs: number | null, staleAfterMs: number, reachable: boolean): Certainty {
  if (ageMs === null || !reachable) return 'unreachable';
  if (ageMs <= LIVE_MS) return 'live';
  return ageMs <= staleAfterMs ? 'fresh' : 'stale';
}

function agendaOf(row: AgendaRow): AgendaRecord {
  return {
    id: row.agenda_id,
    name: row.name,
    practitioner: {
      id: row.practitioner_id,
      displayName: row.display_name,
      speciality: row.speciality,
      rpps: row.rpps,
    },
    location: { id: row.location_id, name: row.location_name, timeZone: row.time_zone },
    capacity: row.capacity,
    master: row.master,
    active: row.active,
    freshness: freshnessOf(row),
  };
}

function motifOf(row: MotifRow): MotifRecord {
  return {
    id: row.id,
    labelFr: row.label_fr,
    labelEn: row.label_en,
    durationMinutes: row.duration_minutes,
    bufferBeforeMinutes: row.buffer_before_minutes,
    bufferAfterMinutes: row.buffer_after_minutes,
    granularityMinutes: row.granularity_minutes,
    agendaIds: row.agenda_ids,
  };
}

function windowOf(row: WindowRow | { agenda_id: null }): AgendaWindow | null {
  if (row.agenda_id === null) return null;
  const { agenda_id: agendaId, rules, minutes, facts } = row;
  return { agendaId, rules, minutes, facts: factsOf(facts), freshness: freshnessOf(row) };
}
