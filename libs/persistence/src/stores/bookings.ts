import {
  Bookings,
  type Actor,
  type AppointmentRecord,
  type AppointmentRef,
  type BookingTerms,
  type ConfirmHoldCommand,
  type ListQuery,
  type MoveCommand,
  type Patient,
  type PlaceCommand,
  type PlaceResult,
  type Reason,
  type ReassignCommand,
  type RequestKey,
  type Vault,
} from '#application';
import pLimit, { type LimitFunction } from 'p-limit';
import type { Database, Statement, Transaction } from '../database.js';
import { namingHolder } from './holders.js';
import { BookingCalls, type Brought, type Call } from './booking-calls.js';
import { fingerprintOf, openPatient, sealedPatient, sealPatient } from './sealed-patients.js';

const PLACE: Statement = {
  name: 'place',
  text: 'SELECT * FROM place_appointment($1, $2, $3, $4, to_timestamp($5::numeric / 1000), $6, $7, $8, $9, $10, $11, $12, $13)',
};
const CONFIRM: Statement = { name: 'confirm-hold', text: 'SELECT * FROM confirm_hold($1, $2, $3, $4, $5, $6, $7, $8)' };
const MOVE: Statement = {
  name: 'move',
  text: 'SELECT * FROM move_appointment($1, $2, $3, to_timestamp($4::numeric / 1000), $5, $6, $7, $8)',
};
const REASSIGN: Statement = {
  name: 'reassign',
  text: 'SELECT * FROM reassign_appointment($1, $2, $3, $4, $5, to_timestamp($6::numeric / 1000), $7, $8, $9, $10)',
};
const CANCEL: Statement = {
  name: 'cancel',
  text: 'SELECT *, NULL AS code FROM cancel_appointment($1, $2, $3, $4, $5, $6, $7)',
};
const RECORD = 'appointment_record(a) AS record';
const GET: Statement = {
  name: 'get-appointment',
  text: `SELECT ${RECORD} FROM appointment a WHERE a.organization_id = $1 AND a.id = $2`,
};
const PATIENTS: Statement = {
  name: 'patients',
  text: `SELECT p.appointment_id AS id, ${sealedPatient('p')} AS sealed FROM patient_identity p WHERE p.organization_id = $1 AND p.appointment_id = ANY ($2)`,
};
const KEEP_ANSWER: Statement = {
  name: 'keep-answer',
  text: 'SELECT status, body FROM keep_answer($1, $2, $3, $4, $5, $6)',
};
/** Bookings of one agenda that one process has at the database at once; they take turns at its lock there anyway. */
const AT_ONCE_PER_AGENDA = 2;

/** Appointments in PostgreSQL; the rules are in the SQL functions, under the agenda's lock. */
export class PgBookings extends Bookings {
  private readonly queues = new Map<string, LimitFunction>();
  private readonly calls: BookingCalls;

  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
    this.calls = new BookingCalls(database);
  }

  async place(command: PlaceCommand): Promise<PlaceResult> {
    const { organizationId, agendaId, motifId, start, collaboratorId, patient, terms } = command;
    const [call, brought] = [await this.placing(command), await this.brought(organizationId, patient, terms)];
    const place = { agendaId, motifId, start, collaboratorId, self: null };
    const result = await this.inTurn(agendaId, () =>
      this.calls.underRules(call, brought, () => Promise.resolve(place)),
    );
    return namingHolder(this.database, command, result);
  }

  /** One of several places of a transaction, which holds the agenda's lock already. */
  async placeAmong(transaction: Transaction, command: PlaceCommand): Promise<PlaceResult> {
    const { organizationId, agendaId, motifId, start, collaboratorId, patient, terms } = command;
    const brought = await this.brought(organizationId, patient, terms);
    const place = { agendaId, motifId, start, collaboratorId, self: null };
    return this.calls.among(transaction, await this.placing(command), brought, place);
  }

  async confirmHold(command: ConfirmHoldCommand): Promise<PlaceResult> {
    const { organizationId, holdId, collaboratorId, actor, patient, key, acceptStale, terms } = command;
    const sealed = await sealPatient(this.vault, organizationId, holdId, patient);
    const values = [organizationId, holdId, actor, sealed, key?.key ?? null, key?.hash ?? null, acceptStale];
    return this.calls.underRules(
      { statement: CONFIRM, values, key },
      await this.brought(organizationId, patient, terms),
      async () => {
        const hold = await this.get({ organizationId, id: holdId });
        return hold && { ...hold, collaboratorId, self: holdId, held: true };
      },
    );
  }

  move(command: MoveCommand): Promise<PlaceResult> {
    const { organizationId, id, version, start, motifId, actor, acceptStale } = command;
    const values = [organizationId, id, version, start, motifId, actor, acceptStale];
    return this.moved(command, { statement: MOVE, values, key: null }, null);
  }

  reassign(command: ReassignCommand): Promise<PlaceResult> {
    const { organizationId, id, version, successorId, agendaId, start, motifId, actor, acceptStale } = command;
    const values = [organizationId, id, version, successorId, agendaId, start, motifId, actor, acceptStale];
    return this.moved(command, { statement: REASSIGN, values, key: null }, agendaId);
  }

  cancel(
    ref: AppointmentRef,
    request: { version: number | null; reason: Reason; actor: Actor; key: RequestKey | null },
  ): Promise<PlaceResult> {
    const { version, reason, actor, key } = request;
    const what = [ref.organizationId, ref.id, version, reason, actor];
    return this.calls.decide({ statement: CANCEL, values: [...what, key?.key ?? null, key?.hash ?? null], key });
  }

  release({ organizationId, id }: AppointmentRef, actor: Actor): Promise<boolean> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{ ended: unknown }>(
        `SELECT end_appointment($1, ARRAY['held'], 'expired', '{"code":"CANCELLED"}', $2) AS ended`,
        [id, actor],
      );
      return row?.ended !== null && row !== undefined;
    });
  }

  async get({ organizationId, id }: AppointmentRef): Promise<AppointmentRecord | null> {
    const [row] = await this.database.one<{ record: AppointmentRecord }>(organizationId, GET, [organizationId, id]);
    return row?.record ?? null;
  }

  list({
    organizationId,
    agendaIds,
    from,
    to,
    statuses,
    after,
    limit,
  }: ListQuery): Promise<readonly AppointmentRecord[]> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const rows = await transaction.query<{ record: AppointmentRecord }>(
        `SELECT ${RECORD} FROM appointment a WHERE a.organization_id = $1
           AND (cardinality($2::uuid[]) = 0 OR a.agenda_id = ANY ($2)) AND (cardinality($3::text[]) = 0 OR a.status = ANY ($3))
           AND ($4::numeric IS NULL OR a.starts_at >= to_timestamp($4 / 1000)) AND ($5::numeric IS NULL OR a.starts_at < to_timestamp($5 / 1000))
           AND ($6::numeric IS NULL OR (a.starts_at, a.id) > (to_timestamp($6 / 1000), $7::uuid))
         ORDER BY a.starts_at, a.id LIMIT $8`,
        [organizationId, agendaIds, statuses, from, to, after?.start ?? null, after?.id ?? null, limit],
      );
      return rows.map(({ record }) => record);
    });
  }

  async patients(organizationId: string, ids: readonly string[]): Promise<ReadonlyMap<string, Patient>> {
    const values = [organizationId, ids];
    type Row = { id: string; sealed: Buffer | null };
    const rows = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row>(PATIENTS, values),
    );
    const opened = await Promise.all(
      rows.map(async ({ id, sealed }) => [id, await openPatient(this.vault, organizationId, sealed)] as const),
    );
    return new Map(opened.flatMap(([id, patient]) => (patient === null ? [] : [[id, patient]])));
  }

  findKey(organizationId: string, { key, hash }: RequestKey): ReturnType<Bookings['findKey']> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<{
        state: 'new' | 'reused' | 'running' | 'answered';
        status: number;
        body: unknown;
      }>('SELECT * FROM find_key($1, $2)', [key, hash]);
      if (row === undefined || row.state !== 'answered')
        return { state: row?.state === 'reused' ? 'reused' : row?.state === 'running' ? 'running' : 'new' };
      return { state: 'answered', status: row.status, body: row.body };
    });
  }

  async answerKey(
    organizationId: string,
    { key, hash }: RequestKey,
    answer: { status: number; body: unknown; resource: string | null },
  ): Promise<{ status: number; body: unknown } | null> {
    const { status, body, resource } = answer;
    const values = [organizationId, key, hash, resource, status, JSON.stringify(body)];
    const [first] = await this.database.call<{ status: number | null; body: unknown }>(KEEP_ANSWER, values);
    return first === undefined || first.status === null ? null : { status: first.status, body: first.body };
  }

  expireHolds(organizationId: string, agendaId: string): Promise<number> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query('SELECT 1 FROM agenda WHERE organization_id = $1 AND id = $2 FOR UPDATE', [
        organizationId,
        agendaId,
      ]);
      const [row] = await transaction.query<{ n: number }>(`SELECT expire_holds($1, '(,)'::tstzrange) AS n`, [
        agendaId,
      ]);
      return row?.n ?? 0;
    });
  }

  /** A crowd at one agenda waits here, in the order it came, and not on connections that other agendas need. */
  private async inTurn<T>(agendaId: string, work: () => Promise<T>): Promise<T> {
    const queue = this.queues.get(agendaId) ?? pLimit(AT_ONCE_PER_AGENDA);
    this.queues.set(agendaId, queue);
    try {
      return await queue(work);
    } finally {
      if (queue.activeCount + queue.pendingCount === 0) this.queues.delete(agendaId);
    }
  }

  /** An appointment that goes elsewhere takes its patient along; its version tells when it was changed meanwhile. */
  private async moved(command: MoveCommand, call: Call, agendaId: string | null): Promise<PlaceResult> {
    const { organizationId, id, collaboratorId, terms } = command;
    return this.calls.underRules(call, await this.brought(organizationId, null, terms), async () => {
      const before = await this.get({ organizationId, id });
      if (before === null) return null;
      const found = (await this.patients(organizationId, [id])).get(id) ?? null;
      const { patient, fingerprint } = await this.brought(organizationId, found, terms);
      const { start, motifId } = command;
      const place = { start: start ?? before.start, motifId: motifId ?? before.motifId };
      return { ...place, agendaId: agendaId ?? before.agendaId, collaboratorId, self: id, patient, fingerprint };
    });
  }

  private async placing(command: PlaceCommand): Promise<Call> {
    const { organizationId, id, agendaId, motifId, start, holdSeconds, collaboratorId, actor, key, patient } = command;
    const sealed = patient === null ? null : await sealPatient(this.vault, organizationId, id, patient);
    const wanted = [organizationId, id, agendaId, motifId, start, holdSeconds, collaboratorId, actor, sealed];
    return { statement: PLACE, values: [...wanted, key?.key ?? null, key?.hash ?? null, command.acceptStale], key };
  }

  private async brought(organizationId: string, patient: Patient | null, terms: BookingTerms): Promise<Brought> {
    const fingerprint = patient && (await fingerprintOf(this.vault, organizationId, patient));
    return { organizationId, patient, fingerprint, terms };
  }
}
