import {
  StoreRefused,
  WaitingOffers,
  type Actor,
  type Candidate,
  type DueVacancies,
  type OfferState,
  type Vault,
  type WaitingOffer,
} from '#application';
import type { PlannedOffer } from '#domain';
import type { Database, Transaction } from '../database.js';
import { openWaiting, sealedWaiting } from './sealed-patients.js';
import { ENTRY, entryOf, type EntryRow } from './waiting-entries.js';

interface AgendaRef {
  readonly organizationId: string;
  readonly agendaId: string;
}

interface Ref {
  readonly organizationId: string;
  readonly id: string;
}

interface OfferRow extends Omit<WaitingOffer, 'patient'>, Record<string, unknown> {
  readonly sealed: Buffer | null;
}

interface CandidateRow extends EntryRow {
  readonly passed: number[];
  readonly visits: { motifId: string; start: number }[];
}

const millis = (column: string, name: string): string =>
  `floor(extract(epoch FROM o.${column}) * 1000)::float8 AS "${name}"`;

const OFFER = `o.id, o.entry_id AS "entryId", o.agenda_id AS "agendaId", o.motif_id AS "motifId", o.state, o.decided_by AS "decidedBy", ${sealedWaiting('e')} AS sealed,
  ${millis('starts_at', 'start')}, ${millis('ends_at', 'end')}, milliseconds(o.hold_until)::float8 AS "holdUntil", ${millis('made_at', 'madeAt')}, ${millis('closed_at', 'closedAt')}
  FROM waiting_offer o JOIN waiting_entry e ON e.organization_id = o.organization_id AND e.id = o.entry_id`;

/** An offer that lapsed, nobody having looked at it, may be made again after this. */
const LAPSED_PAUSE = `interval '1 hour'`;
/** An offer without a hold is under way no longer than this. */
const PREPARING = `interval '1 minute'`;
const SYSTEM = `'{"kind":"system"}'`;
const UNIQUE_VIOLATION = '23505';

/** What time and others have ended; $1 is the organization, $2 the agenda. Entries are locked before their offers. */
const SETTLE = [
  // A last day is over everywhere twelve hours after it is in UTC.
  `SELECT close_waiting_entry(x.id, 'lapsed', NULL, ${SYSTEM}) FROM (SELECT e.id FROM waiting_entry e JOIN waiting_wish w ON w.organization_id = e.organization_id AND w.entry_id = e.id
     WHERE e.organization_id = $1 AND w.agenda_id = $2 AND e.state = 'waiting'
       AND (e.deadline <= clock_timestamp() OR (e.availability->>'to')::date < ((clock_timestamp() - interval '12 hours') AT TIME ZONE 'UTC')::date) ORDER BY e.id) x`,
  // A hold that stands, and was never shown.
  `SELECT open_waiting_offer(x.id) FROM (SELECT o.id FROM waiting_offer o JOIN appointment a ON a.organization_id = o.organization_id AND a.id = o.id
     WHERE o.organization_id = $1 AND o.agenda_id = $2 AND o.state = 'preparing' AND a.status = 'held' AND a.hold_until > clock_timestamp()) x`,
  `DELETE FROM waiting_offer o WHERE o.organization_id = $1 AND o.agenda_id = $2 AND o.state = 'preparing' AND o.made_at < clock_timestamp() - ${PREPARING}`,
  `SELECT end_waiting_offer(x.id, x.state, ${SYSTEM}) FROM (SELECT o.id, CASE WHEN a.status = 'held' OR a.status = 'expired' AND a.reason IS NULL THEN 'lapsed' ELSE 'withdrawn' END AS state
     FROM waiting_offer o LEFT JOIN appointment a ON a.organization_id = o.organization_id AND a.id = o.id
     WHERE o.organization_id = $1 AND o.agenda_id = $2 AND o.state = 'open' AND (a.status = 'held' AND a.hold_until > clock_timestamp()) IS NOT TRUE ORDER BY o.id) x`,
];

const CANDIDATES = `SELECT ${ENTRY},
    ARRAY(SELECT floor(extract(epoch FROM o.starts_at) * 1000)::float8 FROM waiting_offer o WHERE o.organization_id = e.organization_id AND o.entry_id = e.id AND o.agenda_id = $2
      AND (o.state = 'refused' OR o.state = 'lapsed' AND o.closed_at > clock_timestamp() - ${LAPSED_PAUSE})
      UNION SELECT floor(extract(epoch FROM o.starts_at) * 1000)::float8 FROM waiting_offer o WHERE o.organization_id = e.organization_id AND o.agenda_id = $2 AND o.closed_at IS NULL) AS passed,
    coalesce((SELECT jsonb_agg(jsonb_build_object('motifId', a.motif_id, 'start', floor(extract(epoch FROM lower(a.during)) * 1000))) FROM patient_identity i
      JOIN appointment a ON a.organization_id = i.organization_id AND a.id = i.appointment_id
      WHERE i.organization_id = e.organization_id AND i.fingerprint = e.fingerprint AND a.agenda_id = $2 AND is_live(a.status) AND a.status <> 'held'), '[]') AS visits
  FROM waiting_entry e JOIN waiting_wish w ON w.organization_id = e.organization_id AND w.entry_id = e.id
  WHERE e.organization_id = $1 AND w.agenda_id = $2 AND e.state = 'waiting'
    AND NOT EXISTS (SELECT 1 FROM waiting_offer o WHERE o.organization_id = e.organization_id AND o.entry_id = e.id AND o.closed_at IS NULL)
  ORDER BY array_position(ARRAY['urgent', 'soon', 'routine'], e.priority), e.deadline NULLS LAST, e.created_at, e.id LIMIT $3`;

/** Offers to those who wait, in PostgreSQL. */
export class PgWaitingOffers extends WaitingOffers {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  due({ organizationId, agendaId }: AgendaRef): Promise<DueVacancies> {
    return this.inside(organizationId, async (transaction) => {
      const rows = await transaction.query<{ id: string; pause: number }>(
        'SELECT id, pause_seconds AS pause FROM vacancy WHERE organization_id = $1 AND agenda_id = $2 AND due_at <= clock_timestamp()',
        [organizationId, agendaId],
      );
      return { ids: rows.map(({ id }) => id), pauseSeconds: Math.min(...rows.map(({ pause }) => pause)) };
    });
  }

  answered(agenda: AgendaRef, due: DueVacancies, nextSeconds: number): Promise<void> {
    const { organizationId, agendaId } = agenda;
    return this.inside(organizationId, async (transaction) => {
      await transaction.query(
        'DELETE FROM vacancy WHERE organization_id = $1 AND agenda_id = $2 AND (id = ANY ($3) OR due_at > clock_timestamp())',
        [organizationId, agendaId, due.ids],
      );
      await transaction.query(
        `INSERT INTO vacancy (organization_id, agenda_id, due_at, pause_seconds) SELECT $1, $2, clock_timestamp() + $3 * interval '1 second', $3
         WHERE EXISTS (SELECT 1 FROM waiting_wish w JOIN waiting_entry e ON e.organization_id = w.organization_id AND e.id = w.entry_id
           WHERE w.organization_id = $1 AND w.agenda_id = $2 AND e.state = 'waiting')`,
        [organizationId, agendaId, nextSeconds],
      );
    });
  }

  settle({ organizationId, agendaId }: AgendaRef): ReturnType<WaitingOffers['settle']> {
    return this.inside(organizationId, async (transaction) => {
      const values = [organizationId, agendaId];
      for (const text of SETTLE) await transaction.query(text, values);
      const released = await transaction.query<{ id: string }>(
        `SELECT o.id FROM waiting_offer o JOIN appointment a ON a.organization_id = o.organization_id AND a.id = o.id
         WHERE o.organization_id = $1 AND o.agenda_id = $2 AND o.state IN ('withdrawn', 'refused') AND a.status = 'held'`,
        values,
      );
      const [row] = await transaction.query<{ open: number }>(
        'SELECT count(*)::int AS open FROM waiting_offer WHERE organization_id = $1 AND agenda_id = $2 AND closed_at IS NULL',
        values,
      );
      return { release: released.map(({ id }) => id), open: row?.open ?? 0 };
    });
  }

  async candidates({ organizationId, agendaId }: AgendaRef, limit: number): Promise<readonly Candidate[]> {
    const rows = await this.inside(organizationId, (transaction) =>
      transaction.query<CandidateRow>(CANDIDATES, [organizationId, agendaId, limit]),
    );
    const candidates = await Promise.all(
      rows.map(async ({ passed, visits, ...row }) => {
        const { patient, ...entry } = await entryOf(this.vault, organizationId, row);
        return patient === null ? null : { entry: { ...entry, patient }, passed, visits };
      }),
    );
    return candidates.filter((candidate) => candidate !== null);
  }

  async prepare(
    { organizationId, agendaId }: AgendaRef,
    { id, entryId, motifId, start, end }: PlannedOffer & { readonly id: string },
  ): Promise<boolean> {
    try {
      return await this.inside(organizationId, async (transaction) => {
        const locked = `SELECT 1 FROM waiting_entry WHERE organization_id = $1 AND id = $2 AND state = 'waiting' FOR UPDATE`;
        if ((await transaction.query(locked, [organizationId, entryId])).length === 0) return false;
        const made = await transaction.query(
          `INSERT INTO waiting_offer (organization_id, id, entry_id, agenda_id, motif_id, starts_at, ends_at)
           SELECT $1, $2, $3, $4, $5, to_timestamp($6::numeric / 1000), to_timestamp($7::numeric / 1000)
           WHERE NOT EXISTS (SELECT 1 FROM waiting_offer o WHERE o.organization_id = $1 AND o.entry_id = $3 AND o.agenda_id = $4
             AND o.starts_at = to_timestamp($6::numeric / 1000) AND o.state = 'refused') RETURNING id`,
          [organizationId, id, entryId, agendaId, motifId, start, end],
        );
        return made.length > 0;
      });
    } catch (error) {
      if (error instanceof StoreRefused && error.code === UNIQUE_VIOLATION) return false;
      throw error;
    }
  }

  open({ organizationId, id }: Ref): Promise<boolean> {
    return this.inside(organizationId, async (transaction) => {
      await transaction.query('SELECT open_waiting_offer($1)', [id]);
      const text = `SELECT 1 FROM waiting_offer WHERE organization_id = $1 AND id = $2 AND state IN ('open', 'accepted')`;
      return (await transaction.query(text, [organizationId, id])).length > 0;
    });
  }

  drop({ organizationId, id }: Ref): Promise<void> {
    const text = `DELETE FROM waiting_offer WHERE organization_id = $1 AND id = $2 AND state = 'preparing'`;
    return this.inside(organizationId, async (transaction) => {
      await transaction.query(text, [organizationId, id]);
    });
  }

  async get({ organizationId, id }: Ref): Promise<WaitingOffer | null> {
    const text = `SELECT ${OFFER} WHERE o.organization_id = $1 AND o.id = $2 AND o.state <> 'preparing'`;
    const [row] = await this.inside(organizationId, (transaction) =>
      transaction.query<OfferRow>(text, [organizationId, id]),
    );
    return row === undefined ? null : this.shown(organizationId, row);
  }

  async list(query: Parameters<WaitingOffers['list']>[0]): Promise<readonly WaitingOffer[]> {
    const { organizationId, agendaIds, states, after, limit } = query;
    const rows = await this.inside(organizationId, (transaction) =>
      transaction.query<OfferRow>(
        `SELECT ${OFFER} WHERE o.organization_id = $1 AND o.state <> 'preparing' AND o.state = ANY ($2) AND (o.state <> 'open' OR o.hold_until > clock_timestamp())
           AND (cardinality($3::uuid[]) = 0 OR o.agenda_id = ANY ($3))
           AND ($4::float8 IS NULL OR (date_trunc('milliseconds', o.made_at), o.id) > (to_timestamp($4 / 1000), $5::uuid))
         ORDER BY date_trunc('milliseconds', o.made_at), o.id LIMIT $6`,
        [
          organizationId,
          states satisfies readonly OfferState[],
          agendaIds,
          after?.at ?? null,
          after?.id ?? null,
          limit,
        ],
      ),
    );
    return Promise.all(rows.map((row) => this.shown(organizationId, row)));
  }

  deciding({ organizationId, id }: Ref, actor: Actor | null): Promise<void> {
    const text = `UPDATE waiting_offer SET decided_by = $3 WHERE organization_id = $1 AND id = $2 AND state = 'open'`;
    return this.inside(organizationId, async (transaction) => {
      await transaction.query(text, [organizationId, id, actor]);
    });
  }

  refuse({ organizationId, id }: Ref, actor: Actor): Promise<boolean> {
    return this.inside(organizationId, async (transaction) => {
      const open = `SELECT 1 FROM waiting_offer WHERE organization_id = $1 AND id = $2 AND state = 'open'`;
      if ((await transaction.query(open, [organizationId, id])).length === 0) return false;
      // The agenda is locked first, as bookings lock it: either the hold is booked, or it ends here.
      await transaction.query(`SELECT end_appointment($1, ARRAY['held'], 'expired', '{"code":"CANCELLED"}', $2)`, [
        id,
        actor,
      ]);
      await transaction.query(
        'UPDATE waiting_offer SET decided_by = NULL WHERE organization_id = $1 AND id = $2 AND state = $3',
        [organizationId, id, 'open'],
      );
      const [row] = await transaction.query<{ done: boolean }>(`SELECT end_waiting_offer($1, 'refused', $2) AS done`, [
        id,
        actor,
      ]);
      return row?.done === true;
    });
  }

  private inside<T>(organizationId: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.withOrganization(organizationId, work);
  }

  private async shown(organizationId: string, { sealed, ...offer }: OfferRow): Promise<WaitingOffer> {
    return { ...offer, patient: await openWaiting(this.vault, organizationId, sealed) };
  }
}
