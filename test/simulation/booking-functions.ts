import type {
  AppointmentRecord,
  ConfirmHoldCommand,
  MoveCommand,
  PlaceCommand,
  PlaceResult,
  Reason,
  RequestKey,
} from '#application';
import { isLive } from '#domain';
import type { Lifecycle } from './lifecycle.js';
import { AGENDA, COLLABORATOR, MOTIF, type Appointment, type KeyRow, type Tables, type WriteRow } from './tables.js';

/** How an agenda treats bookings on a copy that is too old. */
export interface AgendaPolicy {
  readonly staleAfterMs: number;
  readonly whenUnreachable: 'refuse' | 'queue';
  readonly visitMs: number;
}

/** Taking, moving and giving up claims, in one transaction each: the migrations' functions of the same names. */
export class BookingFunctions {
  private readonly tables: Tables;

  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly policy: AgendaPolicy,
  ) {
    this.tables = lifecycle.tables;
  }

  place({ id, start, holdSeconds, key, acceptStale }: PlaceCommand): PlaceResult {
    const known = this.findKey(key) ?? this.obstacle(acceptStale);
    if (known) return known;
    const visit = { start, end: start + this.policy.visitMs };
    this.lifecycle.expireHolds(visit);
    if (!this.lifecycle.freeSeat(visit, id))
      return { outcome: 'taken', code: this.lifecycle.blockedByHold(visit) ? 'HELD' : 'BUSY' };
    const held = holdSeconds !== null;
    const holdUntil = held ? this.tables.now() + holdSeconds * 1000 : null;
    const appointment: Appointment = {
      id,
      ...visit,
      status: held ? 'held' : 'pending',
      holdUntil,
      generation: 1,
      version: 1,
      ending: null,
      reason: null,
    };
    this.tables.appointments.set(id, appointment);
    this.tables.claim({
      ...visit,
      authority: 'hub',
      kind: 'appointment',
      holder: id,
      contested: !this.tables.safeties.exclusion,
    });
    if (!held) this.tables.writes.set(id, this.newWrite(id));
    this.keepKey(key, id, held ? { status: 201, body: recordOf(appointment) } : null);
    return { outcome: 'placed', record: recordOf(appointment), remote: true };
  }

  confirmHold({ holdId, key, acceptStale }: ConfirmHoldCommand): PlaceResult {
    const hold = this.tables.appointments.get(holdId);
    if (hold === undefined) return { outcome: 'hold-unknown' };
    const known = this.findKey(key);
    if (known) return known;
    this.lifecycle.expireHolds(hold);
    const obstacle = this.obstacle(acceptStale);
    if (obstacle) return obstacle;
    if (hold.status !== 'held') return { outcome: 'hold-ended' };
    this.tables.set(hold, 'pending');
    this.tables.writes.set(holdId, this.newWrite(holdId));
    this.keepKey(key, holdId, null);
    return { outcome: 'placed', record: recordOf(hold), remote: true };
  }

  move({ id, version, start, acceptStale }: MoveCommand): PlaceResult {
    const appointment = this.tables.appointments.get(id);
    if (appointment === undefined) return { outcome: 'unknown' };
    const record = recordOf(appointment);
    if (appointment.version !== version) return { outcome: 'stale', record };
    if (!isLive(appointment.status) || appointment.status === 'compensating') return { outcome: 'ended', record };
    if (appointment.status !== 'confirmed') return { outcome: 'busy', record };
    const obstacle = this.obstacle(acceptStale);
    if (obstacle) return obstacle;
    const from = start ?? appointment.start;
    const visit = { start: from, end: from + this.policy.visitMs };
    this.lifecycle.expireHolds(visit);
    if (!this.lifecycle.freeSeat(visit, id)) return { outcome: 'taken', code: 'BUSY' };
    const departing = { start: appointment.start, end: appointment.end };
    const write = this.tables.writes.get(id) ?? this.newWrite(id);
    this.tables.writes.set(
      id,
      Object.assign(write, {
        departing,
        due: true,
        dueAt: this.tables.now(),
        askedAt: this.tables.now(),
        attempts: 0,
        failures: 0,
      }),
    );
    this.tables.claim({ ...departing, authority: 'hub', kind: 'departing', holder: id, contested: false });
    this.lifecycle.put(appointment, visit, 'pending');
    return { outcome: 'placed', record: recordOf(appointment), remote: true };
  }

  cancel(
    id: string,
    { version, reason, key }: { version: number | null; reason: Reason; key: RequestKey | null },
  ): PlaceResult {
    const appointment = this.tables.appointments.get(id);
    if (appointment === undefined) return { outcome: 'unknown' };
    const known = this.findKey(key);
    if (known) return known;
    const { status } = appointment;
    if (status !== 'cancelled' && status !== 'compensating') {
      if (!isLive(status)) return { outcome: 'ended', record: recordOf(appointment) };
      if (version !== null && appointment.version !== version)
        return { outcome: 'stale', record: recordOf(appointment) };
      if (this.tables.writes.has(id)) this.lifecycle.compensate(id, [status], 'cancelled', reason);
      else this.lifecycle.end(id, [status], 'cancelled', reason);
    }
    const record = recordOf(appointment);
    this.keepKey(key, id, record.status === 'cancelled' ? { status: 200, body: record } : null);
    return { outcome: 'placed', record, remote: this.tables.writes.has(id) };
  }

  answerKey(
    { key, hash }: RequestKey,
    answer: { status: number; body: unknown; resource: string | null },
  ): { status: number; body: unknown } | null {
    const row: KeyRow = this.tables.keys.get(key) ?? {
      hash: hash.toString('hex'),
      resource: answer.resource,
      answer: null,
    };
    this.tables.keys.set(key, row);
    if (row.answer !== null) return row.answer;
    row.answer = { status: answer.status, body: answer.body };
    return null;
  }

  private findKey(key: RequestKey | null): PlaceResult | null {
    const row = key === null ? undefined : this.tables.keys.get(key.key);
    if (key === null || row === undefined) return null;
    if (row.hash !== key.hash.toString('hex')) return { outcome: 'reused' };
    if (row.answer === null) return { outcome: 'running', resource: row.resource ?? '' };
    return { outcome: 'answered', ...row.answer, resource: row.resource };
  }

  private keepKey(key: RequestKey | null, resource: string, answer: KeyRow['answer']): void {
    if (key !== null) this.tables.keys.set(key.key, { hash: key.hash.toString('hex'), resource, answer });
  }

  /** What stands between a booking and the practitioner's own tool. */
  private obstacle(acceptStale: boolean): PlaceResult | null {
    const { staleAfterMs, whenUnreachable } = this.policy;
    if (acceptStale || this.tables.link.asOf >= this.tables.now() - staleAfterMs) return null;
    return { outcome: 'stale-copy', agendaId: AGENDA, whenUnreachable };
  }

  private newWrite(appointmentId: string): WriteRow {
    const now = this.tables.now();
    return {
      appointmentId,
      due: true,
      dueAt: now,
      askedAt: now,
      attempts: 0,
      unanswered: 0,
      lastSentAt: null,
      failures: 0,
      departing: null,
    };
  }
}

/** What answers and events say of an appointment. */
export function recordOf({ id, status, start, end, holdUntil, version, reason }: Appointment): AppointmentRecord {
  return {
    id,
    agendaId: AGENDA,
    motifId: MOTIF,
    status,
    start,
    end,
    holdUntil,
    version,
    reason,
    createdBy: COLLABORATOR,
    overbooked: false,
  };
}
