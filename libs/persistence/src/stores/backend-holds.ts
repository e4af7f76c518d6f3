import { BackendHoldStore, referenceOf, type AppointmentRef, type HoldThere } from '#application';
import type { Database } from '../database.js';

interface AgendaRef {
  readonly organizationId: string;
  readonly agendaId: string;
}

interface Row extends Record<string, unknown> {
  connectionId: string;
  agendaId: string;
  generation: number;
  start: number;
  end: number;
  timeZone: string;
  until: number | null;
}

const FIND = {
  name: 'hold-there',
  text: `SELECT l.connection_id AS "connectionId", l.remote_agenda_id AS "agendaId", a.generation, milliseconds(lower(a.during))::float8 AS start, milliseconds(upper(a.during))::float8 AS "end",
      p.time_zone AS "timeZone", milliseconds(a.held_there_until)::float8 AS until
    FROM appointment a JOIN link l ON l.organization_id = a.organization_id AND l.agenda_id = a.agenda_id
    JOIN agenda g ON g.organization_id = a.organization_id AND g.id = a.agenda_id
    JOIN location p ON p.organization_id = g.organization_id AND p.id = g.location_id
    WHERE a.organization_id = $1 AND a.id = $2 AND a.status IN ('held', 'expired') AND l.direction = 'two-way' AND l.status = 'active' AND l.paused_at IS NULL`,
};
const KEPT = {
  name: 'hold-kept-there',
  text: `UPDATE appointment SET held_there_until = to_timestamp($3::numeric / 1000) WHERE organization_id = $1 AND id = $2 AND status IN ('held', 'expired')`,
};
const GONE = {
  name: 'hold-gone-there',
  text: `UPDATE appointment SET held_there_until = NULL WHERE organization_id = $1 AND id = $2 AND status IN ('held', 'expired')`,
};
const LEFT = {
  name: 'holds-left-there',
  text: `SELECT id FROM appointment WHERE organization_id = $1 AND agenda_id = $2 AND status = 'expired' AND held_there_until > clock_timestamp() ORDER BY held_there_until LIMIT 20`,
};
const LAPSED = {
  name: 'holds-lapsed-there',
  text: `SELECT id FROM appointment WHERE organization_id = $1 AND agenda_id = $2 AND status = 'held' AND hold_until > clock_timestamp() AND held_there_until <= clock_timestamp()
    ORDER BY held_there_until LIMIT 20`,
};

/** Holds that are kept elsewhere too, in PostgreSQL. */
export class PgBackendHolds extends BackendHoldStore {
  constructor(private readonly database: Database) {
    super();
  }

  async find({ organizationId, id }: AppointmentRef): Promise<HoldThere | null> {
    const [row] = await this.database.one<Row>(organizationId, FIND, [organizationId, id]);
    if (row === undefined) return null;
    const { connectionId, agendaId, generation, start, end, timeZone, until } = row;
    const reference = referenceOf(id, generation);
    return { connectionId, request: { agendaId, reference, when: { start, end }, timeZone }, until };
  }

  async kept({ organizationId, id }: AppointmentRef, until: number): Promise<void> {
    await this.database.one(organizationId, KEPT, [organizationId, id, until]);
  }
  async gone({ organizationId, id }: AppointmentRef): Promise<void> {
    await this.database.one(organizationId, GONE, [organizationId, id]);
  }

  left(agenda: AgendaRef): Promise<readonly string[]> {
    return this.ids(LEFT, agenda);
  }

  lapsed(agenda: AgendaRef): Promise<readonly string[]> {
    return this.ids(LAPSED, agenda);
  }

  private async ids(statement: typeof LEFT, { organizationId, agendaId }: AgendaRef): Promise<readonly string[]> {
    const rows = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<{ id: string }>(statement, [organizationId, agendaId]),
    );
    return rows.map(({ id }) => id);
  }
}
