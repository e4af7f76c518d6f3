import { ConnectorError, type CallOptions, type ConnectorErrorKind } from '#connector-sdk';
import { planDeleted, type RemoteChange, type RemoteObject } from '#domain';
import { backoffMs } from './backoff.js';
import { answersOf, summaryOf } from './disclosure.js';
import type { Effects, Failure, PendingWrite, Writes } from './ports.js';
import { isUnsure, mustSettle, settlingMs } from './settling.js';
import { failureOf, type Remote, type SyncLink } from './sync-link.js';
import { isReadTogether, type UnreadWrite, type UnreadWrites } from './unread-writes.js';

/** One remote write or look, as a whole, unless the backend needs longer. */
const CALL_MS = 5_000;
/** A read of our own within the last second is "just before the write". */
const JUST_READ_MS = 1_000;
const GONE_RETRY_MS = 30_000;

const WAITING: ReadonlySet<string> = new Set(['pending', 'unknown']);

/**
 * Carries one appointment to the practitioner's agenda, or out of it, one step at a time. The caller holds the agenda's
 * lane. Whatever the step is interrupted by, the next one starts from the database and looks before it repeats:
 *
 * - nothing is refused while an earlier attempt may still land, nothing freed before it was looked for again;
 * - the word "confirmed" comes from reconcile alone, over an object that was read back.
 */
export class RemoteWriter {
  constructor(
    private readonly writes: Writes,
    private readonly sync: SyncLink,
    private readonly effects: Effects,
  ) {}

  /** What is left to be read back is added to `unread`. */
  async advance(write: PendingWrite, remote: Remote, unread: UnreadWrites): Promise<void> {
    if (write.status === 'compensating') return this.remove(write, remote);
    if (WAITING.has(write.status)) return this.push(write, remote, unread);
    return this.writes.settle(write);
  }

  /**
   * Reads the agenda, and with it what was written there: if somebody slipped in between, ours gives way before anybody
   * was promised anything.
   */
  async readBack(unread: readonly UnreadWrite[], remote: Remote): Promise<void> {
    try {
      await this.sync.pull(remote, { own: unread.flatMap(({ object }) => object ?? []) });
    } catch (error) {
      const failure = failureOf(error);
      for (const { write } of unread) await this.putOff(write, failure);
      return;
    }
    for (const { write, object } of unread) if (object === null) await this.lookFor(write, remote);
  }

  private async push(write: PendingWrite, remote: Remote, unread: UnreadWrites): Promise<void> {
    if (unread.isEmpty && !(await this.readBefore(write, remote))) return;
    if (isUnsure(write, remote.backend.capabilities) && !(await this.lookBefore(write, remote))) return;
    const current = await this.current(write);
    if (current === null) return;
    const asked = this.effects.now();
    if (!(await this.writes.sent(current))) return;
    // A process that stood still meanwhile would send later than anybody reckons with: the attempt counts, unmade.
    if (this.effects.now() - asked > CALL_MS) return;
    const together = isReadTogether(current, remote.backend.capabilities);
    let object: RemoteObject | null;
    try {
      object = await this.send(current, remote, together);
    } catch (error) {
      return this.failed(current, remote, failureOf(error));
    }
    await this.writes.answered(current);
    if (together) unread.add({ write: current, object }, this.effects.now());
    else if (object !== null && remote.backend.capabilities.refusesOverlap) await this.absorb(current, remote, object);
    else await this.readBack([{ write: current, object }], remote);
  }

  /**
   * The write as it stands, or `null` when the appointment is no longer what this step set out to write, or somebody
   * else tried since: what was looked at before says nothing then.
   */
  private async current(write: PendingWrite): Promise<PendingWrite | null> {
    const now = await this.writes.load({ organizationId: write.organizationId, id: write.appointmentId });
    if (now === null || !WAITING.has(now.status)) return null;
    return now.version === write.version && now.attempts === write.attempts ? now : null;
  }

  /** `null`: it was stored, and is not read back; only where that is done `together` with others. */
  private send(write: PendingWrite, remote: Remote, together: boolean): Promise<RemoteObject | null> {
    const { link, backend } = remote;
    const { session } = backend;
    const content = {
      ...write.when,
      timeZone: link.timeZone,
      summary: summaryOf(link.disclosure, write.patient, write.motifLabel, write.overbooked),
      answers: answersOf(link.disclosure, write.patient, write.questions),
    };
    const create = { agendaId: link.remoteAgendaId, reference: write.reference, content };
    const { mirror } = write;
    const update = mirror && { ...create, remoteId: mirror.remoteId, version: mirror.version };
    const call = this.call(remote);
    if (together && session.store) return session.store(update ?? create, call);
    return update ? session.update(update, call) : session.create(create, call);
  }

  /** A backend that lets overlaps in is read just before the write: who came first there is not overwritten. */
  private async readBefore(write: PendingWrite, remote: Remote): Promise<boolean> {
    if (remote.backend.capabilities.refusesOverlap) return true;
    const age = await this.sync.ageMs(remote);
    if (age !== null && age < JUST_READ_MS) return true;
    return this.orPostpone(write, () => this.sync.pull(remote));
  }

  /** What the backend itself kept free of overlaps is judged alone. */
  private async absorb(write: PendingWrite, remote: Remote, object: RemoteObject): Promise<void> {
    await this.orPostpone(write, () => this.sync.absorb(remote, [{ kind: 'upsert', object }]));
  }

  /** A pull that does not show what was stored says nothing: some backends list a change late. */
  private async lookFor(sent: PendingWrite, remote: Remote): Promise<void> {
    const write = await this.writes.load({ organizationId: sent.organizationId, id: sent.appointmentId });
    if (write === null || !WAITING.has(write.status) || write.version !== sent.version) return;
    await this.orPostpone(write, async () => {
      const found = await this.find(write, remote);
      if (found !== null) return this.noteFound(write, remote, found);
      // It may still appear: no answer is what it was.
      await this.writes.sent(write);
      throw new ConnectorError('unknown', 'what was written is not there');
    });
  }

  /** An earlier attempt may have landed, or may still land. False when this step is over. */
  private async lookBefore(write: PendingWrite, remote: Remote): Promise<boolean> {
    const { backend } = remote;
    if (write.mirror?.nameless === true) return this.listBefore(write, remote);
    let found: RemoteObject | null = null;
    const looked = await this.orPostpone(write, async () => {
      found = await this.find(write, remote);
    });
    if (!looked) return false;
    if (found !== null || write.mirror !== null) await this.noteFound(write, remote, found);
    if (found === null && write.mirror !== null) return false;
    const wait = mustSettle(write, found, backend.capabilities) ? settlingMs(write, backend.capabilities) : 0;
    if (wait > 0) await this.writes.postpone(write, wait, null);
    return wait <= 0;
  }

  /** What does not carry its reference is not found by it: only reading everything tells what became of it. */
  private async listBefore(write: PendingWrite, remote: Remote): Promise<boolean> {
    if (!(await this.orPostpone(write, () => this.sync.pull(remote, { full: true })))) return false;
    const wait = settlingMs(write, remote.backend.capabilities);
    if (wait > 0) await this.writes.postpone(write, wait, null);
    return wait <= 0;
  }

  /** Tells reconcile where our object is now. Certainly nowhere: the practitioner deleted it. */
  private async noteFound(write: PendingWrite, remote: Remote, found: RemoteObject | null): Promise<void> {
    const known = write.mirror?.remoteId;
    if (found !== null) {
      const gone: RemoteChange[] =
        known === undefined || known === found.remoteId ? [] : [{ kind: 'removed', remoteId: known }];
      await this.sync.absorb(remote, [...gone, { kind: 'upsert', object: found }]);
    } else if (known !== undefined) {
      const { appointmentId: id, status, when, askedAt: changedAt } = write;
      const gone = { appointment: { id, status, when, changedAt }, remoteId: known, when: write.mirror?.when ?? null };
      const link = { policy: remote.link.policy, writable: remote.link.direction === 'two-way' };
      await this.sync.act(remote, [planDeleted({ ...gone, object: null }, link)]);
    }
  }

  private async failed(write: PendingWrite, remote: Remote, failure: Failure): Promise<void> {
    if (failure.kind !== 'unknown') await this.writes.answered(write);
    switch (failure.kind) {
      case 'taken':
      case 'forbidden':
      case 'invalid':
        return this.refused(write, remote, failure.kind);
      case 'stale':
        return this.preconditionFailed(write, remote, failure);
      case 'not_found':
        // Where it went is looked up at the next step.
        return this.writes.postpone(write, write.mirror === null ? GONE_RETRY_MS : 0, failure);
      case 'auth':
      case 'moved':
        await this.sync.failed(
          remote,
          new ConnectorError(failure.kind, failure.message, { movedTo: failure.successor }),
        );
        return this.writes.postpone(write, GONE_RETRY_MS, failure);
      default:
        return this.putOff(write, failure);
    }
  }

  /** The backend said no. Before that is believed: the row in the way may be our own, from an earlier attempt. */
  private async refused(write: PendingWrite, remote: Remote, kind: ConnectorErrorKind): Promise<void> {
    const reason = { code: kind === 'taken' ? 'BUSY' : 'REMOTE_REFUSED' } as const;
    // What stands in the way is read first: whoever is refused is offered other times at once.
    if (kind === 'taken') await this.sync.pull(remote).catch(failureOf);
    if (write.attempts === 0) {
      await (write.departing === null ? this.writes.refuse(write, reason) : this.writes.revertMove(write, reason));
      return this.readInTheWay(remote, kind);
    }
    let landed = false;
    const looked = await this.orPostpone(write, async () => {
      landed = await this.hasLanded(write, remote);
    });
    if (!looked || landed) return;
    const { settleMs } = remote.backend.capabilities;
    if (write.departing !== null) {
      // As long as an earlier attempt may still land, the move is not refused.
      if (write.unanswered > 0 && (write.sinceSentMs ?? 0) < settleMs)
        return this.writes.postpone(write, settleMs, null);
      await this.writes.revertMove(write, reason);
    } else if (write.unanswered > 0) await this.writes.compensate(write, reason);
    else await this.writes.refuse(write, reason);
    return this.readInTheWay(remote, kind);
  }

  /** Whether an earlier attempt did what was refused now. Tells reconcile what was found. */
  private async hasLanded(write: PendingWrite, remote: Remote): Promise<boolean> {
    if (write.mirror?.nameless === true) {
      await this.sync.pull(remote, { full: true });
      return false;
    }
    const found = await this.find(write, remote);
    await this.noteFound(write, remote, found);
    return found !== null && (write.departing === null || found.when?.start === write.when.start);
  }

  /**
   * Whoever is refused is offered other times at once, so what stands in the way is read. Only then: reconcile does not
   * know that the answer was certain, and would have had ours removed there first.
   */
  private async readInTheWay(remote: Remote, kind: ConnectorErrorKind): Promise<void> {
    if (kind === 'taken') await this.sync.pull(remote).catch(failureOf);
  }

  private async preconditionFailed(write: PendingWrite, remote: Remote, failure: Failure): Promise<void> {
    if (write.mirror !== null) return this.writes.postpone(write, 0, failure);
    const { settleMs } = remote.backend.capabilities;
    // A whole settle each time, not what is left of it: this very attempt has set the clock back.
    if (write.unanswered > 0 && (write.sinceSentMs ?? 0) < settleMs)
      return this.writes.postpone(write, settleMs, failure);
    await this.writes.renewReference(write);
  }

  /** Delete, wait until nothing sent earlier can land any more, look again, and only then free the slot. */
  private async remove(write: PendingWrite, remote: Remote): Promise<void> {
    const { link, backend } = remote;
    const named = { agendaId: link.remoteAgendaId, reference: write.reference };
    try {
      await backend.session.cancel(
        { ...named, remoteId: write.mirror?.remoteId ?? null, version: null },
        this.call(remote),
      );
    } catch (error) {
      return this.putOff(write, failureOf(error));
    }
    const wait = write.unanswered > 0 ? backend.capabilities.settleMs - (write.sinceSentMs ?? 0) : 0;
    if (wait > 0) return this.writes.postpone(write, wait, null);
    let there = true;
    const looked = await this.orPostpone(write, async () => {
      const found = await this.find(write, remote);
      // A request that was refused is remembered there, and stands nowhere.
      there = found !== null && found.acceptance !== 'declined';
    });
    if (looked && there) await this.writes.postpone(write, backoffMs(write.failures, this.effects.random()), null);
    if (looked && !there) await this.writes.finish(write);
  }

  /** Runs a look at the backend; when that fails nothing was learnt, and the write waits. */
  private async orPostpone(write: PendingWrite, look: () => Promise<unknown>): Promise<boolean> {
    try {
      await look();
      return true;
    } catch (error) {
      await this.putOff(write, failureOf(error));
      return false;
    }
  }

  private putOff(write: PendingWrite, failure: Failure): Promise<void> {
    const wait = backoffMs(write.failures, this.effects.random(), failure.retryAfterMs);
    return this.writes.postpone(write, wait, failure);
  }

  private find({ reference }: PendingWrite, remote: Remote): Promise<RemoteObject | null> {
    const { link, backend } = remote;
    return backend.session.find({ agendaId: link.remoteAgendaId, reference }, this.call(remote));
  }

  private call({ backend }: Remote): CallOptions {
    return this.effects.deadline(backend.capabilities.writeMs ?? CALL_MS);
  }
}
