import type { Reason } from '#application';
import { overlaps, type AppointmentStatus, type Interval } from '#domain';
import type { Appointment, Claim, Tables } from './tables.js';

const PRACTITIONER_BUSY: Reason = { code: 'PRACTITIONER_BUSY' };

/** How appointments take time, end, are confirmed, give way and follow: the migrations' functions of the same names. */
export class Lifecycle {
  constructor(readonly tables: Tables) {}

  /** True when nobody else has anything in the range. */
  freeSeat(range: Interval, holder: string): boolean {
    if (!this.tables.safeties.exclusion) return true;
    return !this.tables.claims.some((claim) => claim.holder !== holder && overlaps(claim, range));
  }

  blockedByHold(range: Interval): boolean {
    return this.tables.claims.some(
      (claim) => overlaps(claim, range) && this.tables.appointments.get(claim.holder)?.status === 'held',
    );
  }

  expireHolds(range: Interval): number {
    let expired = 0;
    for (const appointment of this.tables.appointments.values()) {
      if (
        appointment.status !== 'held' ||
        (appointment.holdUntil ?? Infinity) > this.tables.now() ||
        !overlaps(appointment, range)
      )
        continue;
      this.tables.unclaim(({ holder }) => holder === appointment.id);
      this.tables.set(appointment, 'expired');
      expired += 1;
    }
    return expired;
  }

  /** Puts an appointment at another range, with its claim. */
  put(appointment: Appointment, { start, end }: Interval, status: AppointmentStatus): void {
    this.tables.unclaim(({ kind, holder }) => kind === 'appointment' && holder === appointment.id);
    Object.assign(appointment, { start, end });
    this.tables.set(appointment, status, null);
    this.tables.claim({ start, end, authority: 'hub', kind: 'appointment', holder: appointment.id, contested: false });
  }

  end(
    id: string,
    from: readonly AppointmentStatus[],
    to: 'cancelled' | 'refused' | 'expired',
    reason: Reason | null,
  ): boolean {
    const { tables } = this;
    const appointment = tables.from(id, from);
    if (appointment === null) return false;
    tables.set(appointment, to, reason ?? appointment.reason);
    tables.unclaim(({ holder }) => holder === id);
    this.settleWrite(id);
    for (const mirror of tables.mirrors.values()) if (mirror.appointmentId === id) mirror.gone = true;
    this.recheckContests();
    return true;
  }

  compensate(id: string, from: readonly AppointmentStatus[], ending: 'cancelled' | 'refused', reason: Reason): boolean {
    const { tables } = this;
    const appointment = tables.from(id, from);
    if (appointment === null) return false;
    tables.set(appointment, 'compensating', reason);
    appointment.ending = ending;
    const write = tables.writes.get(id);
    if (write) Object.assign(write, { due: true, dueAt: tables.now(), askedAt: tables.now(), failures: 0 });
    return true;
  }

  /** The backend was read and holds the appointment where the hub wants it. */
  confirm(id: string, visit: Interval): boolean {
    const appointment = this.tables.from(id, ['pending', 'unknown']);
    if (appointment === null || appointment.start !== visit.start || appointment.end !== visit.end) return false;
    this.tables.set(appointment, 'confirmed', null);
    this.tables.unclaim(({ kind, holder }) => kind === 'departing' && holder === id);
    this.settleWrite(id);
    if (!this.tables.claims.some(({ holder }) => holder === id)) {
      // Only where a safety is missing: a dead appointment came back to life.
      this.tables.claims.push({
        start: visit.start,
        end: visit.end,
        authority: 'hub',
        kind: 'appointment',
        holder: id,
        contested: true,
      });
    }
    return true;
  }

  /** The backend holds our request, and has yet to accept it. */
  awaitAcceptance(id: string, visit: Interval): void {
    const appointment = this.tables.from(id, ['pending', 'unknown']);
    if (appointment === null || appointment.start !== visit.start || appointment.end !== visit.end) return;
    this.tables.set(appointment, 'pending', { code: 'AWAITING_ACCEPTANCE' });
    const write = this.tables.writes.get(id);
    if (write) write.due = false;
  }

  /** A person must look. The claims stay. */
  contest(id: string, reason: Reason): boolean {
    const appointment = this.tables.from(id, ['pending', 'unknown', 'confirmed']);
    if (appointment === null) return false;
    this.tables.set(appointment, 'conflict', reason);
    const write = this.tables.writes.get(id);
    if (write?.departing === null) write.due = false;
    return true;
  }

  /** Policy cannot settle it; what it was in conflict about before is part of the question. */
  ask(id: string, text: string): void {
    const appointment = this.tables.from(id, ['pending', 'unknown', 'confirmed', 'conflict']);
    if (appointment === null) return;
    this.tables.set(appointment, 'conflict', { code: 'CONFLICT', text });
    const write = this.tables.writes.get(id);
    if (write) write.due = false;
  }

  /** Where an appointment in conflict still stands at the backend is kept for it, if nobody else has it; `null`: nowhere. */
  depart(id: string, place: Interval | null): void {
    const write = this.tables.writes.get(id);
    if (write === undefined) return;
    this.tables.unclaim(({ kind, holder }) => kind === 'departing' && holder === id);
    write.departing = place !== null && this.freeSeat(place, id) ? place : null;
    if (write.departing === null) return;
    const { start, end } = write.departing;
    this.tables.claim({ start, end, authority: 'hub', kind: 'departing', holder: id, contested: false });
  }

  /** A move that the backend refused: back to the old place, which was kept. */
  revertMove(id: string): boolean {
    const write = this.tables.writes.get(id);
    const appointment = this.tables.from(id, ['pending', 'unknown']);
    if (!write?.departing || appointment === null) return false;
    const { departing } = write;
    this.tables.unclaim(({ kind, holder }) => kind === 'departing' && holder === id);
    this.settleWrite(id);
    this.put(appointment, departing, 'confirmed');
    return true;
  }

  /** A move that may have reached the backend, onto an event of the practitioner's: the way back is a move like any other. */
  retreatMove(id: string): void {
    const { tables } = this;
    const write = tables.writes.get(id);
    const appointment = tables.from(id, ['pending', 'unknown']);
    if (!write?.departing || appointment === null) return;
    const [from, to] = [{ start: appointment.start, end: appointment.end }, write.departing];
    tables.unclaim(({ kind, holder }) => kind === 'departing' && holder === id);
    Object.assign(write, { departing: from, due: true, dueAt: tables.now(), failures: 0 });
    this.put(appointment, to, 'pending');
    tables.claim({ ...from, authority: 'hub', kind: 'departing', holder: id, contested: false });
  }

  /** The practitioner moved ours: the appointment follows, onto another booking if he says so. */
  followMove(id: string, to: Interval): void {
    const { tables } = this;
    const appointment = tables.from(id, ['pending', 'unknown', 'confirmed', 'conflict']);
    if (appointment === null) return;
    tables.unclaim(({ kind, holder }) => kind === 'departing' && holder === id);
    this.settleWrite(id);
    this.expireHolds(to);
    if (this.freeSeat(to, id)) return this.put(appointment, to, 'confirmed');
    tables.unclaim(({ holder }) => holder === id);
    Object.assign(appointment, { start: to.start, end: to.end });
    tables.set(appointment, 'conflict', PRACTITIONER_BUSY);
    tables.claim({ start: to.start, end: to.end, authority: 'hub', kind: 'appointment', holder: id, contested: true });
  }

  /** Settles what a contest was about once one side is gone. */
  recheckContests(): void {
    const { tables } = this;
    const contested = (): Claim[] => tables.claims.filter((claim) => claim.contested);
    for (const claim of contested())
      if (claim.kind === 'appointment' && this.freeSeat(claim, claim.holder)) tables.uncontest(claim);
    for (const claim of contested()) {
      const opposed = tables.claims.some(
        (other) => other.authority === 'hub' && !other.contested && overlaps(other, claim),
      );
      if (claim.authority === 'remote' && !opposed) tables.uncontest(claim);
    }
    for (const appointment of tables.appointments.values()) {
      if (appointment.status !== 'conflict' || appointment.reason?.code !== 'PRACTITIONER_BUSY') continue;
      const still = contested().some(
        (claim) => claim.holder === appointment.id || (claim.authority === 'remote' && overlaps(claim, appointment)),
      );
      if (still || !this.seenAt(appointment)) continue;
      tables.set(appointment, 'confirmed', null);
      tables.unclaim(({ kind, holder }) => kind === 'departing' && holder === appointment.id);
      this.settleWrite(appointment.id);
    }
    for (const remote of contested()) {
      if (remote.authority === 'hub') continue;
      for (const { id, status, start, end } of tables.appointments.values()) {
        if (status === 'confirmed' && overlaps(remote, { start, end })) this.contest(id, PRACTITIONER_BUSY);
      }
    }
  }

  /** True when the backend was last seen to hold the appointment where the hub has it. */
  private seenAt({ id, start, end }: Appointment): boolean {
    return [...this.tables.mirrors.values()].some(
      ({ gone, appointmentId, when }) => !gone && appointmentId === id && when?.start === start && when.end === end,
    );
  }

  settleWrite(id: string): void {
    const write = this.tables.writes.get(id);
    if (write) Object.assign(write, { due: false, departing: null });
  }
}
