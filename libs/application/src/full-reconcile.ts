import { expectedIn, heldIn, mustReadWeek, weeksOf, type Interval, type Versions } from '#domain';
import type { ReconcileReport } from './model.js';
import type { Effects, SyncStore } from './ports.js';
import { failureOf, MAX_DELETIONS, pullWindow, type Remote, type SyncLink } from './sync-link.js';

const DAY = 86_400_000;
const VERSIONS_MS = 15_000;
/** After so many comparisons everything is read once: a backend may leave out of its versions what it lists itself. */
const COMPARED_IN_A_ROW = 6;

/**
 * Compares everything that stands in a remote agenda with what is held of it, once a day. Where the backend lists
 * versions, week by week: only weeks that differ are read. Elsewhere everything is read anew.
 */
export class FullReconcile {
  constructor(
    private readonly store: SyncStore,
    private readonly sync: SyncLink,
    private readonly effects: Effects,
  ) {}

  /** The caller holds the agenda's lane. Throws ConnectorError when the backend could not be read. */
  async run(remote: Remote): Promise<void> {
    const { link } = remote;
    const { session } = remote.backend;
    const { cursor, brake, reconciledMs } = link;
    if (session.versions === undefined || cursor === null || brake !== null || reconciledMs === null)
      return this.readAll(remote);
    if (link.comparedInARow >= COMPARED_IN_A_ROW) return this.readAll(remote);
    // What is merely new is no difference.
    await this.sync.pull(remote);
    const pulled = await this.store.link(link.organizationId, link.id);
    if (pulled === null || pulled.brake !== null) return;
    const asOf = await this.store.clock(link.organizationId);
    // Whatever keeps it from being compared week by week, it is compared.
    const report = await this.compare({ ...remote, link: pulled }, reconciledMs).catch((error: unknown) => {
      failureOf(error);
      return 'too-many' as const;
    });
    if (report === 'too-many') return this.readAll({ ...remote, link: pulled });
    if (report === 'braked') return;
    const nextPollMs = Math.max(0, Math.round(pulled.dueInMs));
    const end = { cursor: pulled.cursor, asOf, full: true, braked: false, nextPollMs };
    await this.store.apply(pulled, [], end, remote.lease);
    await this.store.reconciled(pulled, report);
  }

  private async readAll(remote: Remote): Promise<void> {
    await this.sync.pull(remote, { full: true });
    if (remote.link.comparedInARow > 0)
      await this.store.reconciled(remote.link, { weeks: 0, readAgain: 0, repaired: 0, inARow: 0 });
  }

  /**
   * `too-many`: so much is missing that all of it must be judged together. `braked`: deletions are held back. Neither is
   * finished then.
   */
  private async compare(remote: Remote, reconciledMs: number): Promise<ReconcileReport | 'too-many' | 'braked'> {
    const now = this.effects.now();
    const weeks = weeksOf(pullWindow(now));
    // A day less: no two machines agree on when it is midnight.
    const readUntil = pullWindow(now - reconciledMs).end - DAY;
    const { known } = await this.store.base(remote.link, [], pullWindow(now));
    const differing: Interval[] = [];
    const standing = new Set<string>();
    const missing = new Set<string>();
    for (const week of weeks) {
      const there = await this.versions(remote, week);
      if (mustReadWeek(week, { there, held: heldIn(week, known) }, readUntil)) differing.push(week);
      for (const id of there.keys()) standing.add(id);
      for (const id of expectedIn(week, known).keys()) missing.add(id);
    }
    if ([...missing].filter((id) => !standing.has(id)).length > MAX_DELETIONS) return 'too-many';
    // So much at once is read in one listing; and a server that does not heed the range lists everything in each week.
    if (differing.length > weeks.length / 2) return 'too-many';
    let repaired = 0;
    for (const week of differing) {
      const read = await this.sync.readAgain(remote, week, expectedIn(week, known));
      if (read.braked) return 'braked';
      repaired += read.changes;
    }
    const inARow = remote.link.comparedInARow + 1;
    return { weeks: weeks.length, readAgain: differing.length, repaired, inARow };
  }

  private async versions({ link, backend }: Remote, week: Interval): Promise<Versions> {
    const request = { agendaId: link.remoteAgendaId, window: week };
    return (await backend.session.versions?.(request, this.effects.deadline(VERSIONS_MS))) ?? new Map();
  }
}
