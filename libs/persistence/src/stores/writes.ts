import {
  referenceOf,
  Writes,
  type AppointmentRef,
  type Failure,
  type PendingWrite,
  type Question,
  type Reason,
  type Vault,
} from '#application';
import type { AppointmentStatus } from '#domain';
import type { Database, Transaction } from '../database.js';
import { openPatient, sealedPatient } from './sealed-patients.js';

interface WriteRow {
  appointment_id: string;
  agenda_id: string;
  link_id: string;
  status: AppointmentStatus;
  version: number;
  start: number;
  end: number;
  generation: number;
  sealed: Buffer | null;
  motif_label: string;
  questions: readonly Question[] | null;
  overbooked: boolean;
  attempts: number;
  unanswered: number;
  since_sent_ms: number | null;
  failures: number;
  asked_at: number;
  departing_start: number | null;
  departing_end: number | null;
  remote_id: string | null;
  remote_version: string | null;
  mirror_start: number | null;
  mirror_end: number | null;
  nameless: boolean | null;
}

const ms = (expression: string): string => `(extract(epoch FROM ${expression}) * 1000)::float8`;

const SELECT = `SELECT w.appointment_id, w.agenda_id, w.link_id, a.status, a.version, ${ms('lower(a.during)')} AS start, ${ms('upper(a.during)')} AS "end",
  a.generation, ${sealedPatient('p')} AS sealed, t.label_fr AS motif_label, o.rules->'questions' AS questions, a.overbooking IS NOT NULL AS overbooked, w.attempts, w.unanswered, ${ms('clock_timestamp() - w.last_sent_at')} AS since_sent_ms, w.failures, ${ms('w.asked_at')} AS asked_at,
  ${ms('lower(w.departing_visit)')} AS departing_start, ${ms('upper(w.departing_visit)')} AS departing_end,
  m.remote_id, m.version AS remote_version, ${ms('lower(m.during)')} AS mirror_start, ${ms('upper(m.during)')} AS mirror_end, m.nameless
  FROM remote_write w JOIN appointment a ON a.organization_id = w.organization_id AND a.id = w.appointment_id
  JOIN motif t ON t.organization_id = a.organization_id AND t.id = a.motif_id
  LEFT JOIN agenda_motif o ON o.organization_id = a.organization_id AND o.agenda_id = w.agenda_id AND o.motif_id = a.motif_id
  LEFT JOIN patient_identity p ON p.organization_id = a.organization_id AND p.appointment_id = a.id
  LEFT JOIN mirror m ON m.organization_id = w.organization_id AND m.link_id = w.link_id AND m.appointment_id = w.appointment_id AND m.gone_at IS NULL
  WHERE w.organization_id = $1`;

/** Claims the step: as long as the appointment is in the version that was read, nobody else tried since, and the link was not stopped. */
const SENT = `WITH w AS (UPDATE remote_write SET attempts = attempts + 1, unanswered = unanswered + 1, last_sent_at = clock_timestamp()
    WHERE organization_id = $1 AND appointment_id = $2 AND attempts = $4 AND EXISTS (SELECT 1 FROM appointment a WHERE a.organization_id = $1 AND a.id = $2 AND a.version = $3
      AND a.status IN ('pending', 'unknown')) AND NOT EXISTS (SELECT 1 FROM link l WHERE l.organization_id = $1 AND l.id = remote_write.link_id AND l.paused_at IS NOT NULL) RETURNING attempts)
  UPDATE appointment a SET status = CASE WHEN w.attempts > 1 THEN 'unknown' ELSE a.status END FROM w WHERE a.organization_id = $1 AND a.id = $2 RETURNING a.id`;

/** The saga's database. Every change of state is a compare-and-set under the agenda's lock. */
export class PgWrites extends Writes {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  next(organizationId: string, agendaId: string, except: readonly string[]): Promise<PendingWrite | null> {
    return this.one(
      organizationId,
      `${SELECT} AND w.agenda_id = $2 AND w.state = 'due' AND w.due_at <= clock_timestamp() AND w.appointment_id <> ALL ($3::uuid[])
        ORDER BY w.asked_at, w.appointment_id LIMIT 1`,
      [agendaId, except],
    );
  }

  load({ organizationId, id }: AppointmentRef): Promise<PendingWrite | null> {
    return this.one(organizationId, `${SELECT} AND w.appointment_id = $2`, [id]);
  }

  sent(write: PendingWrite): Promise<boolean> {
    return this.in(write, async (transaction) => {
      await transaction.query('SELECT lock_agenda_of($1)', [write.appointmentId]);
      const { organizationId, appointmentId, version, attempts } = write;
      return (await transaction.query(SENT, [organizationId, appointmentId, version, attempts])).length === 1;
    });
  }

  answered(write: PendingWrite): Promise<void> {
    return this.update(write, 'unanswered = greatest(0, unanswered - 1)', []);
  }

  postpone(write: PendingWrite, delayMs: number, failure: Failure | null): Promise<void> {
    const error = failure === null ? null : { kind: failure.kind, message: failure.message };
    return this.update(
      write,
      `due_at = clock_timestamp() + $3 * interval '1 millisecond', failures = failures + CASE WHEN $4::jsonb IS NULL THEN 0 ELSE 1 END, last_error = $4`,
      [delayMs, error],
    );
  }

  refuse(write: PendingWrite, reason: Reason): Promise<boolean> {
    return this.ended(write, 'refuse_write($1, $2, false)', reason);
  }

  revertMove(write: PendingWrite, reason: Reason): Promise<boolean> {
    return this.ended(write, 'revert_move($1, $2)', reason);
  }

  compensate(write: PendingWrite, reason: Reason): Promise<boolean> {
    return this.ended(write, 'refuse_write($1, $2, true)', reason);
  }

  finish(write: PendingWrite): Promise<boolean> {
    const ending = `(SELECT ending FROM appointment WHERE organization_id = current_organization() AND id = $1)`;
    return this.ended(write, `end_appointment($1, ARRAY['compensating'], ${ending}, $2, '{"kind":"system"}')`, null);
  }

  renewReference(write: PendingWrite): Promise<boolean> {
    return this.in(write, async (transaction) => {
      await transaction.query('SELECT lock_agenda_of($1)', [write.appointmentId]);
      const rows = await transaction.query(
        `UPDATE appointment a SET generation = a.generation + 1 FROM remote_write w WHERE a.organization_id = $1 AND a.id = $2 AND a.generation = $3 AND a.status IN ('pending', 'unknown')
           AND w.organization_id = a.organization_id AND w.appointment_id = a.id AND w.attempts <= $4 + 1 RETURNING a.id`,
        [write.organizationId, write.appointmentId, write.generation, write.attempts],
      );
      if (rows.length === 0) return false;
      await transaction.query(
        'UPDATE remote_write SET attempts = 0, unanswered = 0, due_at = now() WHERE organization_id = $1 AND appointment_id = $2',
        [write.organizationId, write.appointmentId],
      );
      return true;
    });
  }

  settle(write: PendingWrite): Promise<void> {
    const sameVersion =
      'EXISTS (SELECT 1 FROM appointment a WHERE a.organization_id = $1 AND a.id = $2 AND a.version = $3)';
    return this.update(write, `state = CASE WHEN ${sameVersion} THEN 'settled' ELSE state END`, [write.version]);
  }

  private async one(organizationId: string, text: string, values: readonly unknown[]): Promise<PendingWrite | null> {
    const [row] = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<WriteRow & Record<string, unknown>>(text, [organizationId, ...values]),
    );
    return row === undefined ? null : this.writeOf(organizationId, row);
  }

  /**
   * Only as long as the appointment is as it was read, and nobody tried but this step: one that lost its lane decides
   * nothing.
   */
  private ended(write: PendingWrite, call: string, reason: Reason | null): Promise<boolean> {
    return this.in(write, async (transaction) => {
      await transaction.query('SELECT lock_agenda_of($1)', [write.appointmentId]);
      const [row] = await transaction.query<{ record: unknown }>(
        `SELECT ${call} AS record FROM appointment a JOIN remote_write w ON w.organization_id = a.organization_id AND w.appointment_id = a.id
         WHERE a.organization_id = current_organization() AND a.id = $1 AND a.version = $3 AND a.generation = $4 AND w.attempts <= $5 + 1`,
        [write.appointmentId, reason, write.version, write.generation, write.attempts],
      );
      return row !== undefined && row.record !== null;
    });
  }

  private update(write: PendingWrite, assignments: string, values: readonly unknown[]): Promise<void> {
    return this.in(write, async (transaction) => {
      await transaction.query(
        `UPDATE remote_write SET ${assignments} WHERE organization_id = $1 AND appointment_id = $2 AND state = 'due'`,
        [write.organizationId, write.appointmentId, ...values],
      );
    });
  }

  private in<T>(write: PendingWrite, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.withOrganization(write.organizationId, work);
  }

  private async writeOf(organizationId: string, row: WriteRow): Promise<PendingWrite> {
    return {
      organizationId,
      appointmentId: row.appointment_id,
      agendaId: row.agenda_id,
      linkId: row.link_id,
      status: row.status,
      version: row.version,
      when: { start: row.start, end: row.end },
      reference: referenceOf(row.appointment_id, row.generation),
      generation: row.generation,
      patient: await openPatient(this.vault, organizationId, row.sealed),
      motifLabel: row.motif_label,
      questions: row.questions ?? [],
      overbooked: row.overbooked,
      attempts: row.attempts,
      unanswered: row.unanswered,
      sinceSentMs: row.since_sent_ms,
      failures: row.failures,
      askedAt: row.asked_at,
      departing:
        row.departing_start === null || row.departing_end === null
          ? null
          : { start: row.departing_start, end: row.departing_end },
      mirror:
        row.remote_id === null
          ? null
          : {
              remoteId: row.remote_id,
              version: row.remote_version,
              when: intervalOf(row.mirror_start, row.mirror_end),
              nameless: row.nameless ?? false,
            },
    };
  }
}

function intervalOf(start: number | null, end: number | null): { start: number; end: number } | null {
  return start === null || end === null ? null : { start, end };
}
