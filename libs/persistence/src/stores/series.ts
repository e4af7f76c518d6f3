import {
  newId,
  SeriesStore,
  type PlaceResult,
  type SeriesCommand,
  type SeriesMove,
  type SeriesPlaced,
  type SeriesRecord,
  type SeriesState,
} from '#application';
import type { Database, Transaction } from '../database.js';
import { again } from './booking-calls.js';
import type { PgBookings } from './bookings.js';

const GET = `SELECT s.id, s.agenda_id AS "agendaId", s.motif_id AS "motifId", s.mode, s.state, s.actor, s.refused, s.moving,
  coalesce((SELECT jsonb_agg(appointment_record(a) ORDER BY lower(a.during), a.created_at, a.id) FROM appointment a WHERE a.organization_id = s.organization_id AND a.series_id = s.id), '[]') AS appointments
  FROM series s WHERE s.organization_id = $1 AND s.id = $2`;

/** A worker looks after a series that its request has left. */
const LEFT_MS = 15_000;

/** Nothing of the transaction is to remain. */
class NotPlaced extends Error {
  constructor(readonly why: SeriesPlaced) {
    super('the series was not placed');
  }
}

/** Results that concern the request as a whole, not one occurrence. */
const OF_ONE: ReadonlySet<PlaceResult['outcome']> = new Set(['placed', 'taken', 'rule']);

/** Series in PostgreSQL. */
export class PgSeries extends SeriesStore {
  constructor(
    private readonly database: Database,
    private readonly bookings: PgBookings,
  ) {
    super();
  }

  async place(command: SeriesCommand): Promise<SeriesPlaced> {
    try {
      return await again(() =>
        this.database.withOrganization(command.organizationId, (transaction) => this.placeIn(transaction, command)),
      );
    } catch (error) {
      if (error instanceof NotPlaced) return error.why;
      throw error;
    }
  }

  async get(organizationId: string, id: string): Promise<SeriesRecord | null> {
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<SeriesRecord & Record<string, unknown>>(GET, [organizationId, id]),
    );
    return row ?? null;
  }

  async moves({ organizationId, id }: { organizationId: string; id: string }, move: SeriesMove | null): Promise<void> {
    await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query('UPDATE series SET moving = $3 WHERE organization_id = $1 AND id = $2', [
        organizationId,
        id,
        move && JSON.stringify(move),
      ]),
    );
  }

  turn(
    { organizationId, id }: { organizationId: string; id: string },
    from: readonly SeriesState[],
    to: SeriesState,
    dueMs = LEFT_MS,
  ): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const turned = await transaction.query<{ agenda_id: string; was: SeriesState }>(
        `UPDATE series s SET state = $4, due_at = now() + $5 * interval '1 millisecond' FROM series old
         WHERE s.organization_id = $1 AND s.id = $2 AND s.state = ANY ($3) AND old.organization_id = s.organization_id AND old.id = s.id RETURNING s.agenda_id, old.state AS was`,
        [organizationId, id, from, to, dueMs],
      );
      const [row] = turned;
      if (row !== undefined && row.was !== to)
        await transaction.query(`SELECT append_event('series-' || $1, $2, $3, '{"kind":"system"}', '{}')`, [
          to,
          row.agenda_id,
          id,
        ]);
      return row !== undefined;
    });
  }

  private async placeIn(transaction: Transaction, command: SeriesCommand): Promise<SeriesPlaced> {
    const { organizationId, id, agendaId, motifId, mode, actor, key } = command;
    const [agenda] = await transaction.query<{ master: string }>(
      'SELECT master FROM agenda WHERE organization_id = $1 AND id = $2 FOR UPDATE',
      [organizationId, agendaId],
    );
    const known = await this.known(transaction, command);
    if (known !== null) return known;
    const results = await this.placeEach(transaction, command);
    const whole = results.find(({ outcome }) => !OF_ONE.has(outcome));
    if (whole !== undefined) throw new NotPlaced({ outcome: 'refused', result: whole });
    const placed = results.filter(({ outcome }) => outcome === 'placed');
    if (placed.length === 0 || (mode === 'all-or-nothing' && placed.length < results.length))
      throw new NotPlaced({ outcome: 'conflicts', results });
    const refused = results.flatMap((result, n) =>
      result.outcome === 'taken' || result.outcome === 'rule' ? [{ start: command.starts[n], code: result.code }] : [],
    );
    const state: SeriesState = agenda?.master === 'remote' ? 'settling' : 'done';
    await transaction.query(
      `INSERT INTO series (organization_id, id, agenda_id, motif_id, mode, state, refused, actor, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 millisecond')`,
      [organizationId, id, agendaId, motifId, mode, state, JSON.stringify(refused), actor, LEFT_MS],
    );
    const event = JSON.stringify({ mode, booked: placed.length, refused: refused.length });
    await transaction.query(`SELECT append_event('series-' || $1, $2, $3, $4, $5)`, [
      state,
      agendaId,
      id,
      actor,
      event,
    ]);
    if (key !== null) await transaction.query('SELECT keep_key($1, $2, $3, NULL, NULL)', [key.key, key.hash, id]);
    return { outcome: 'placed', id };
  }

  /** Each is judged with those before it in place, so that the answer tells of every conflict at once. */
  private async placeEach(transaction: Transaction, command: SeriesCommand): Promise<PlaceResult[]> {
    const { starts, terms, actor, id: series } = command;
    const results: PlaceResult[] = [];
    for (const start of starts)
      results.push(
        await this.bookings.placeAmong(transaction, {
          ...{ ...command, id: newId(), start, key: null, holdSeconds: null, collaboratorId: actor.id },
          terms: { ...terms, series },
        }),
      );
    return results;
  }

  private async known(transaction: Transaction, { key }: SeriesCommand): Promise<SeriesPlaced | null> {
    if (key === null) return null;
    const [row] = await transaction.query<{ state: string; resource: string | null; body: unknown }>(
      'SELECT state, resource, body FROM find_key($1, $2)',
      [key.key, key.hash],
    );
    if (row?.state === 'reused') return { outcome: 'refused', result: { outcome: 'reused' } };
    if (row?.resource != null) return { outcome: 'placed', id: row.resource };
    return row?.state === 'answered' ? { outcome: 'answered', body: row.body } : null;
  }
}
