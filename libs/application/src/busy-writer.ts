import type { Capabilities } from '#connector-sdk';
import { backoffMs } from './backoff.js';
import type { BusyChanges, BusyRefusal, PendingBusyChange } from './busy-ports.js';
import type { Backend, Effects, Failure } from './ports.js';
import { settlingMs } from './settling.js';
import { failureOf, type Remote, type SyncLink } from './sync-link.js';

/** A series is read, written, perhaps made a second one of, and read back. */
const CALL_MS = 10_000;
const REFUSED_RETRY_MS = 30_000;

/** What the backend's certain no means. Anything else is tried again. */
const REFUSALS: Readonly<Partial<Record<Failure['kind'], BusyRefusal>>> = {
  taken: 'taken',
  forbidden: 'forbidden',
  invalid: 'impossible',
  not_found: 'moved-on',
};

/**
 * Carries a change of the practitioner's own time to his agenda, one step at a time. The caller holds the agenda's lane.
 * What it takes is claimed before it is sent, and what it frees is freed by what is read after it: `done` is said over a read.
 */
export class BusyWriter {
  constructor(
    private readonly changes: BusyChanges,
    private readonly sync: SyncLink,
    private readonly effects: Effects,
  ) {}

  next(organizationId: string, agendaId: string): Promise<PendingBusyChange | null> {
    return this.changes.next(organizationId, agendaId);
  }

  async advance(change: PendingBusyChange, remote: Remote): Promise<void> {
    const { backend, link } = remote;
    if (link.direction !== 'two-way' || !changesSeries(backend)) return this.changes.end(change, 'unsupported');
    if (!(await this.orPostpone(change, () => this.sync.pull(remote)))) return;
    if (change.landed) return this.changes.end(change, null);
    const wait = waitMs(change, backend.capabilities);
    if (wait > 0) return this.changes.postpone(change, wait, null);
    const asked = this.effects.now();
    const sent = await this.changes.sent(change);
    if (sent.outcome === 'gone') return;
    if (sent.outcome !== 'sent') return this.changes.end(change, sent.outcome);
    // A process that stood still meanwhile would send later than anybody reckons with: the attempt counts, unmade.
    if (this.effects.now() - asked > CALL_MS) return;
    try {
      await this.send(change, remote, change.unanswered > 0 ? null : sent.version);
    } catch (error) {
      return this.failed(change, remote, failureOf(error));
    }
    await this.changes.answered(change, true);
    if (await this.orPostpone(change, () => this.sync.pull(remote))) await this.changes.end(change, null);
  }

  private async send(change: PendingBusyChange, { link, backend }: Remote, version: string | null): Promise<void> {
    const { remoteId, when, to } = change;
    const named = { agendaId: link.remoteAgendaId, remoteId, version, instance: when.start, timeZone: link.timeZone };
    const call = this.effects.deadline(CALL_MS);
    if (change.following) await backend.session.splitSeries?.({ ...named, reference: referenceOf(change), to }, call);
    else await backend.session.changeInstance?.({ ...named, to }, call);
  }

  private async failed(change: PendingBusyChange, remote: Remote, failure: Failure): Promise<void> {
    if (failure.kind !== 'unknown') await this.changes.answered(change, false);
    const refusal = REFUSALS[failure.kind];
    if (refusal !== undefined) return this.refused(change, remote, refusal);
    // Somebody was faster: what stands there now is read before anything else, at once the first time.
    if (failure.kind === 'stale' && change.failures === 0) return this.changes.postpone(change, 0, failure);
    const settled = failure.kind === 'auth' || failure.kind === 'moved';
    return this.changes.postpone(change, settled ? REFUSED_RETRY_MS : this.backoff(change, failure), failure);
  }

  /** Of a series that was to become two, the second may stand there already. */
  private async refused(change: PendingBusyChange, remote: Remote, refusal: BusyRefusal): Promise<void> {
    const { link, backend } = remote;
    const named = { agendaId: link.remoteAgendaId, reference: referenceOf(change), remoteId: null, version: null };
    const removed =
      !change.following ||
      change.to === null ||
      (await this.orPostpone(change, () => backend.session.cancel(named, this.effects.deadline(CALL_MS))));
    const repeated = change.unanswered > 0 && refusal === 'impossible';
    if (removed) await this.changes.end(change, repeated ? 'moved-on' : refusal);
  }

  private async orPostpone(change: PendingBusyChange, ask: () => Promise<unknown>): Promise<boolean> {
    try {
      await ask();
      return true;
    } catch (error) {
      const failure = failureOf(error);
      await this.changes.postpone(change, this.backoff(change, failure), failure);
      return false;
    }
  }

  private backoff({ failures }: PendingBusyChange, { retryAfterMs }: Failure): number {
    return backoffMs(failures, this.effects.random(), retryAfterMs);
  }
}

/** What is only asked for there, or only blocked, is nothing that is edited. */
function changesSeries({ session, capabilities }: Backend): boolean {
  return capabilities.write === 'full' && session.changeInstance !== undefined && session.splitSeries !== undefined;
}

/** No appointment's: what stands there under it is the practitioner's. */
const referenceOf = ({ id }: PendingBusyChange): string => `serie-${id}`;

/** Where nothing refuses a change that lands late, no other is sent before it cannot. */
function waitMs(change: PendingBusyChange, capabilities: Capabilities): number {
  const { conditionalWrites = true } = capabilities;
  return conditionalWrites ? 0 : settlingMs(change, capabilities);
}
