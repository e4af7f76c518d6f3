import type { Manners } from '#connector-sdk';
import type { BusyWriter } from './busy-writer.js';
import { LaneLost } from './errors.js';
import { FullReconcile } from './full-reconcile.js';
import type { LinkStages } from './link-stages.js';
import type { Backend, Backends, Effects, Lanes, Lease, PendingWrite, SyncStore, Writes } from './ports.js';
import type { RemoteWriter } from './remote-writer.js';
import { failureOf, type Remote, type SyncLink } from './sync-link.js';
import { UnreadWrites } from './unread-writes.js';

/** Short, so that a crashed process blocks an agenda for seconds only; kept alive while the lane is worked on. */
const LEASE_MS = 8_000;
const HEARTBEAT_MS = 2_500;

/** What a run of a lane does besides carrying out its due writes. */
export interface LaneTask {
  readonly organizationId: string;
  readonly agendaId: string;
  /** `reconcile`: everything is compared, and read where it differs. */
  readonly sync: 'none' | 'delta' | 'full' | 'reconcile';
  /** Somebody waits for it with a patient on the line: what can be done later is not done now. */
  readonly awaited?: boolean;
}

/** `busy`: another process works on this agenda. `unreachable`: its backend did not answer, or a person stopped the link; the writes wait. */
export type LaneOutcome = 'done' | 'busy' | 'unreachable' | 'unlinked';

export interface LaneParts {
  readonly lanes: Lanes;
  readonly store: SyncStore;
  readonly writes: Writes;
  readonly backends: Backends;
  readonly sync: SyncLink;
  readonly writer: RemoteWriter;
  readonly busyWriter: BusyWriter;
  readonly stages: LinkStages;
  readonly effects: Effects;
}

/** All remote work on one agenda goes through its lane: one process at a time, writes in the order they were asked for. */
export class LaneRunner {
  private readonly running = new Map<string, Promise<LaneOutcome>>();

  private readonly reconcile: FullReconcile;

  constructor(private readonly parts: LaneParts) {
    this.reconcile = new FullReconcile(parts.store, parts.sync, parts.effects);
  }

  /** Runs the lane, joining a run of this process that does the same. Throws only when the database fails. */
  run(task: LaneTask): Promise<LaneOutcome> {
    const key = `${task.agendaId} ${task.sync}`;
    const joined = this.running.get(key);
    if (joined) return joined;
    const run = this.lease(task).finally(() => this.running.delete(key));
    this.running.set(key, run);
    return run;
  }

  /** Resolves when nothing runs any more; for an orderly end of the process. */
  async drained(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running.values());
  }

  private async lease(task: LaneTask): Promise<LaneOutcome> {
    const { lanes } = this.parts;
    const lease = await lanes.acquire(task.organizationId, task.agendaId, LEASE_MS);
    if (lease === null) return 'busy';
    const held = { value: true };
    void this.heartbeat(lease, held);
    try {
      return await this.work(task, lease, held);
    } catch (error) {
      if (error instanceof LaneLost) return 'busy';
      throw error;
    } finally {
      held.value = false;
      await lanes.release(lease);
    }
  }

  private async heartbeat(lease: Lease, held: { value: boolean }): Promise<void> {
    while (held.value) {
      await this.parts.effects.sleep(HEARTBEAT_MS);
      if (!held.value) return;
      const kept = await this.parts.lanes.extend(lease, LEASE_MS).catch(() => false);
      if (!kept) held.value = false;
    }
  }

  private async work(task: LaneTask, lease: Lease, held: { readonly value: boolean }): Promise<LaneOutcome> {
    const { store, backends } = this.parts;
    const link = await store.linkOfAgenda(task.organizationId, task.agendaId);
    if (link === null) return 'unlinked';
    if (link.paused) return 'unreachable';
    // Only a pull that succeeds makes a link usable again after its credential was refused.
    if (link.status !== 'active' && task.sync === 'none') return 'unreachable';
    const backend = await this.orUnreachable(() => backends.open(link.organizationId, link.connectionId));
    if (backend === null) return 'unreachable';
    const remote: Remote = { link, backend: asFound(backend, link.manners), lease };
    if (task.sync !== 'none' && !(await this.pull(remote, task))) return 'unreachable';
    if (link.phase === 'planning') return 'done';
    const ended = await this.write(remote, held);
    if (ended === 'done' && task.sync !== 'none' && task.awaited !== true) await this.parts.stages.learn(remote);
    return ended;
  }

  private async write(remote: Remote, held: { readonly value: boolean }): Promise<LaneOutcome> {
    const { store, writes, busyWriter } = this.parts;
    const { organizationId, id, agendaId } = remote.link;
    const unread = new UnreadWrites();
    let backend: Backend | null = remote.backend;
    while (held.value) {
      const write = await writes.next(organizationId, agendaId, unread.appointmentIds);
      const idle = write === null && unread.isEmpty;
      const change = idle ? await busyWriter.next(organizationId, agendaId) : null;
      if (idle && change === null) return this.finish(remote);
      const link = await store.link(organizationId, id);
      if (link === null) return 'unlinked';
      if (link.paused) return 'unreachable';
      // Anew for each: a backend that was found to be down meanwhile, from here or elsewhere, is left in peace at once.
      backend ??= await this.orUnreachable(() => this.parts.backends.open(organizationId, link.connectionId));
      if (backend === null) return 'unreachable';
      const current = { ...remote, link, backend: asFound(backend, link.manners) };
      if (change === null) await this.step(write, current, unread);
      else await busyWriter.advance(change, current);
      backend = null;
    }
    return 'busy';
  }

  private step(write: PendingWrite | null, current: Remote, unread: UnreadWrites): Promise<void> {
    const { writer, effects } = this.parts;
    return write !== null && unread.takes(write, current.backend.capabilities, effects.now())
      ? writer.advance(write, current, unread)
      : writer.readBack(unread.take(), current);
  }

  private async finish(remote: Remote): Promise<LaneOutcome> {
    const { link } = remote;
    if (link.phase === 'live' && !link.rewriting) return 'done';
    const current = await this.parts.store.link(link.organizationId, link.id);
    if (current !== null && !current.paused) await this.parts.stages.finish({ ...remote, link: current });
    return 'done';
  }

  /** A breaker that is open, or an account that cannot be opened: the lane waits, nothing is lost. */
  private async orUnreachable<T>(open: () => Promise<T>): Promise<T | null> {
    try {
      return await open();
    } catch (error) {
      failureOf(error);
      return null;
    }
  }

  private async pull(remote: Remote, { sync }: LaneTask): Promise<boolean> {
    const { stages } = this.parts;
    const { phase } = remote.link;
    try {
      if (phase === 'planning') await stages.plan(remote);
      else if (sync === 'reconcile' && phase !== 'reading') await this.reconcile.run(remote);
      else await this.parts.sync.pull(remote, { full: sync === 'full' || phase === 'reading' });
      if (phase === 'reading') await stages.backfill(remote);
      return true;
    } catch (error) {
      failureOf(error);
      await this.parts.sync.failed(remote, error);
      return false;
    }
  }
}

/**
 * A backend is not believed to refuse what it was found to take: a change meant for an older state, or a second object of
 * one name. What was sent and never answered is then waited for before anything is sent again.
 */
function asFound(backend: Backend, manners: Manners | null): Backend {
  if (manners?.staleChanges !== 'never' && manners?.secondCreates !== 'never') return backend;
  const conditionalWrites = manners.staleChanges !== 'never' && backend.capabilities.conditionalWrites !== false;
  const idempotency = manners.secondCreates === 'never' ? 'none' : backend.capabilities.idempotency;
  return { ...backend, capabilities: { ...backend.capabilities, conditionalWrites, idempotency } };
}
