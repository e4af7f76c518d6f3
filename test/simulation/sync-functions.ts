import {
  appointmentOfReference,
  referenceOf,
  summaryDigest,
  summaryOf,
  type PullEnd,
  type SyncBase,
  type SyncedAppointment,
} from '#application';
import { overlaps, type Action, type Interval, type KnownObject, type RemoteChange, type RemoteObject } from '#domain';
import type { Lifecycle } from './lifecycle.js';
import { MOTIF_LABEL, PATIENT, type Appointment, type Mirror, type Tables } from './tables.js';

const LIVE = ['held', 'pending', 'unknown', 'confirmed', 'conflict'] as const;
const WAITING = ['pending', 'unknown'] as const;
const ORDER: Partial<Record<Action['type'], number>> = { forget: 0, 'follow-cancel': 1, recreate: 1, mirror: 2 };

/** Reading the base of a reconciliation and applying what it decided: the migrations' functions of the same names. */
export class SyncFunctions {
  private readonly tables: Tables;
  private readonly summary = summaryDigest(summaryOf('initials', PATIENT, MOTIF_LABEL));

  constructor(private readonly lifecycle: Lifecycle) {
    this.tables = lifecycle.tables;
  }

  base(changes: readonly RemoteChange[], window: Interval | null): SyncBase {
    const named = new Set(
      changes.map((change) => (change.kind === 'upsert' ? change.object.remoteId : change.remoteId)),
    );
    const ids = new Set<string>();
    for (const change of changes) {
      const id =
        change.kind === 'upsert' && change.object.reference !== null
          ? appointmentOfReference(change.object.reference)
          : null;
      if (id !== null) ids.add(id);
    }
    const there = [...this.tables.mirrors.values()].filter(({ gone }) => !gone);
    const wanted = ({ remoteId, appointmentId }: Mirror): boolean =>
      window !== null || named.has(remoteId) || (appointmentId !== null && ids.has(appointmentId));
    const known = there.filter(wanted);
    for (const { appointmentId } of known) if (appointmentId !== null) ids.add(appointmentId);
    const appointments = [...ids]
      .flatMap((id) => this.tables.appointments.get(id) ?? [])
      .map((appointment) => this.wanted(appointment));
    return { known: known.map((mirror) => this.knownOf(mirror)), appointments, knownTotal: there.length };
  }

  /** One transaction, the cursor last. Returns the number of writes now due. */
  apply(actions: readonly Action[], end: PullEnd | null): number {
    const inOrder = [...actions].sort((a, b) => (ORDER[a.type] ?? 3) - (ORDER[b.type] ?? 3));
    for (const action of inOrder) this.act(action);
    this.lifecycle.recheckContests();
    if (end !== null) {
      const { braked } = end;
      const { link } = this.tables;
      link.braked = braked;
      link.asOf = Number(end.asOf);
      link.pollAt = this.tables.now() + end.nextPollMs;
      if (!braked) link.held = link.released = [];
      if (!braked) link.cursor = end.cursor;
      if (!braked && end.full) link.reconciledAt = link.asOf;
    }
    return [...this.tables.writes.values()].filter(({ due }) => due).length;
  }

  private act(action: Action): void {
    const { lifecycle } = this;
    switch (action.type) {
      case 'mirror':
        return this.see(action.object, action.appointmentId);
      case 'forget':
        return this.forget(action.remoteId);
      case 'confirm':
        this.see(action.object, action.appointmentId);
        if (action.object.when && !lifecycle.confirm(action.appointmentId, action.object.when))
          this.followIfElsewhere(action.appointmentId, action.object.when);
        return;
      case 'await':
        this.see(action.object, action.appointmentId);
        if (action.object.when) lifecycle.awaitAcceptance(action.appointmentId, action.object.when);
        return;
      case 'follow-move':
        this.see(action.object, action.appointmentId);
        return lifecycle.followMove(action.appointmentId, action.to);
      case 'follow-retitle':
        return this.see(action.object, action.appointmentId);
      case 'follow-cancel':
        return this.followCancel(action);
      case 'write-back':
        return this.writeBack(action);
      case 'conflict':
        return this.conflict(action);
      case 'recreate':
        return this.recreate(action);
      case 'brake':
        this.tables.link.held = action.held;
        return;
      case 'remove-stray':
      case 'quarantine':
        return;
    }
  }

  /** Another action of the plan may have taken the appointment back from where it is now seen to stand. */
  private followIfElsewhere(id: string, when: Interval): void {
    const appointment = this.tables.from(id, ['confirmed', 'conflict']);
    if (appointment && (appointment.start !== when.start || appointment.end !== when.end))
      this.lifecycle.followMove(id, when);
  }

  private followCancel(action: Extract<Action, { type: 'follow-cancel' }>): void {
    const { appointmentId, remoteId, object, declined = false } = action;
    const reason = { code: declined ? 'REQUEST_DECLINED' : 'PRACTITIONER_CANCELLED' } as const;
    const ending = declined ? 'refused' : 'cancelled';
    if (object === null) this.forget(remoteId);
    // What had no answer may still land and bring it back: the place is kept until it cannot.
    const unanswered = this.tables.writes.get(appointmentId)?.unanswered ?? 0;
    if (object === null && unanswered > 0) this.lifecycle.compensate(appointmentId, LIVE, ending, reason);
    else this.lifecycle.end(appointmentId, LIVE, ending, reason);
    if (object !== null) this.see(object, null);
  }

  private conflict({ appointmentId, remoteId, object, reason }: Extract<Action, { type: 'conflict' }>): void {
    if (reason !== 'deleted-there' && object !== null) this.see(object, appointmentId);
    else this.leave(remoteId, object);
    this.lifecycle.ask(appointmentId, reason);
    this.lifecycle.depart(appointmentId, reason === 'both-moved' ? (object?.when ?? null) : null);
  }

  /** The hub wins over a deletion: a new aim under a new reference, with nothing to go back to. */
  private recreate({ appointmentId, remoteId, object }: Extract<Action, { type: 'recreate' }>): void {
    this.leave(remoteId, object);
    const appointment = this.tables.from(appointmentId, WAITING);
    const write = this.tables.writes.get(appointmentId);
    if (appointment === null || write === undefined) return;
    this.tables.set(appointment, 'pending');
    appointment.generation += 1;
    this.lifecycle.depart(appointmentId, null);
    const now = this.tables.now();
    Object.assign(write, { due: true, dueAt: now, attempts: 0, failures: 0 });
  }

  /** What he left behind is his. */
  private leave(remoteId: string, object: RemoteObject | null): void {
    if (object === null) this.forget(remoteId);
    else this.see(object, null);
  }

  private writeBack({ object, appointmentId }: Extract<Action, { type: 'write-back' }>): void {
    this.see(object, appointmentId);
    // Where he has it is kept to go back to: what was promised once is not refused because of his own change.
    this.lifecycle.depart(appointmentId, object.when);
    const contested = this.tables.appointments.get(appointmentId)?.status === 'conflict';
    if (contested || this.tables.writes.get(appointmentId)?.departing == null)
      return this.lifecycle.ask(appointmentId, 'both-moved');
    const appointment = this.tables.from(appointmentId, ['confirmed']);
    if (appointment) this.tables.set(appointment, 'pending');
    const write = this.tables.writes.get(appointmentId);
    const now = this.tables.now();
    if (write?.due === false) Object.assign(write, { due: true, dueAt: now, askedAt: now, attempts: 0, failures: 0 });
  }

  /** Stores what a remote object is now. Foreign ones take time; ours stand for their appointment. */
  private see(
    { remoteId, version, contentHash, summary, when, busy }: RemoteObject,
    appointmentId: string | null,
  ): void {
    if (appointmentId !== null) {
      for (const other of this.tables.mirrors.values())
        if (other.appointmentId === appointmentId && other.remoteId !== remoteId) other.gone = true;
    }
    this.tables.mirrors.set(remoteId, { remoteId, version, contentHash, summary, appointmentId, when, gone: false });
    this.claimRemote(remoteId, appointmentId === null ? busy : []);
  }

  private forget(remoteId: string): void {
    this.tables.unclaim(({ kind, holder }) => kind === 'mirror' && holder === remoteId);
    const mirror = this.tables.mirrors.get(remoteId);
    if (mirror) mirror.gone = true;
  }

  private claimRemote(remoteId: string, busy: readonly Interval[]): void {
    const mine = this.tables.claims.filter(({ kind, holder }) => kind === 'mirror' && holder === remoteId);
    if (
      mine.length === busy.length &&
      mine.every((claim, index) => claim.start === busy[index]?.start && claim.end === busy[index].end)
    )
      return;
    this.tables.unclaim((claim) => mine.includes(claim));
    for (const { start, end } of busy) {
      const contested = !this.giveWay({ start, end });
      this.tables.claim({ start, end, authority: 'remote', kind: 'mirror', holder: remoteId, contested });
    }
  }

  /** What is not certain yet on our side gives way; what is certain on both becomes a conflict. False when something of ours still stands. */
  private giveWay(range: Interval): boolean {
    const { lifecycle, tables } = this;
    const reason = { code: 'PRACTITIONER_BUSY' } as const;
    const standing = tables.claims
      .filter((claim) => claim.authority === 'hub' && !claim.contested && overlaps(claim, range))
      .map(({ holder, kind }) => ({
        id: holder,
        old: kind === 'departing',
        status: tables.appointments.get(holder)?.status,
        write: tables.writes.get(holder),
      }))
      .map(({ write, ...rest }) => ({ ...rest, moving: write?.departing != null, tried: (write?.attempts ?? 0) > 0 }));
    for (const { id, old, status, moving, tried } of standing) {
      const waiting = status === 'pending' || status === 'unknown';
      if (status === 'held') lifecycle.end(id, ['held'], 'expired', reason);
      else if (waiting && !moving && !tried) lifecycle.end(id, WAITING, 'refused', reason);
      else if (waiting && !moving) lifecycle.compensate(id, WAITING, 'refused', reason);
      else if (waiting && !old && !tried) lifecycle.revertMove(id);
      else if (waiting && !old) lifecycle.retreatMove(id);
      else if (status === 'confirmed' && !old) lifecycle.contest(id, reason);
    }
    // Looked at anew: what gave way may have made room for one that was contested until now.
    return !tables.claims.some((claim) => claim.authority === 'hub' && !claim.contested && overlaps(claim, range));
  }

  private knownOf({ remoteId, version, contentHash, appointmentId, when, summary }: Mirror): KnownObject {
    const busy = this.tables.claims
      .filter(({ kind, holder }) => kind === 'mirror' && holder === remoteId)
      .map(({ start, end }) => ({ start, end }));
    return { remoteId, version, contentHash, appointmentId, when, summary, busy };
  }

  private wanted({ id, status, start, end, generation, reason }: Appointment): SyncedAppointment {
    const write = this.tables.writes.get(id);
    const unansweredForMs =
      write?.unanswered && write.lastSentAt !== null ? this.tables.now() - write.lastSentAt : null;
    return {
      id,
      status,
      when: { start, end },
      summary: this.summary,
      reference: referenceOf(id, generation),
      unansweredForMs,
      changedAt: write?.askedAt ?? null,
      endedThere: status === 'cancelled' && reason?.code === 'PRACTITIONER_CANCELLED',
    };
  }
}
