import { createHash } from 'node:crypto';
import { planFirstSync, type FirstSyncPlan, type PlannedAppointment } from './first-sync-plan.js';
import { syncLink, type Alarm } from './jobs.js';
import type { LaneRunner } from './lane-runner.js';
import type { LinkDetails, LinkRef, LinkStore } from './link-lifecycle.js';
import type { Actor, LinkRecord } from './model.js';
import type { Effects, Lease } from './ports.js';
import type { Remote, SyncLink } from './sync-link.js';

/** A plan as it was made. */
export interface StoredPlan {
  readonly version: number;
  /** Epoch milliseconds, database clock. */
  readonly madeAt: number;
  readonly plan: FirstSyncPlan;
}

export abstract class PlanStore {
  abstract get(organizationId: string, linkId: string): Promise<StoredPlan | null>;
  /** Appointments of the link's agenda that are not over. */
  abstract appointments(link: LinkRecord): Promise<readonly PlannedAppointment[]>;
  /** Keeps a plan; its version changes only with its digest. Throws LaneLost when the lease is another's by now. */
  abstract put(link: LinkRecord, made: { plan: FirstSyncPlan; digest: string }, lease: Lease): Promise<void>;
  /** False when the link no longer waits for approval of this version. */
  abstract approve(ref: LinkRef, version: number, actor: Actor): Promise<boolean>;
}

/** The first synchronisation as a dry run: everything is read, nothing is taken in and nothing written. */
export class FirstSync {
  constructor(
    private readonly store: PlanStore,
    private readonly sync: SyncLink,
  ) {}

  /** Throws ConnectorError when the backend could not be read. */
  async plan(remote: Remote): Promise<void> {
    const { link, lease } = remote;
    const actions = await this.sync.rehearse(remote);
    const plan = planFirstSync(link.direction, actions, await this.store.appointments(link));
    const digest = createHash('sha256').update(JSON.stringify(plan)).digest('base64url');
    await this.store.put(link, { plan, digest }, lease);
  }
}

export type ApprovalOutcome =
  | { readonly outcome: 'approved'; readonly link: LinkDetails }
  /** `stale`: the plan is not what would happen now; the new one is there. `not-planned`: there is none to approve. */
  | { readonly outcome: 'unknown' | 'not-planned' | 'stale' | 'unreachable' };

/** How long an approval looks again before it waits for another process that plans. */
const BUSY_MS = 250;

/** A person has looked at a plan: what is begun is what he has seen. */
export class Approval {
  constructor(
    private readonly parts: {
      readonly plans: PlanStore;
      readonly links: LinkStore;
      readonly lanes: LaneRunner;
      readonly alarm: Alarm;
      readonly effects: Effects;
    },
  ) {}

  plan(ref: LinkRef): Promise<StoredPlan | null> {
    return this.parts.plans.get(ref.organizationId, ref.id);
  }

  /** Plans once more, and begins only when nothing has changed since version `version`. */
  async approve(ref: LinkRef, request: { version: number; actor: Actor; waitMs: number }): Promise<ApprovalOutcome> {
    const { plans, links, alarm } = this.parts;
    const link = await links.get(ref);
    if (link === null) return { outcome: 'unknown' };
    const shown = await this.plan(ref);
    if (link.phase !== 'planning' || shown === null) return { outcome: 'not-planned' };
    if (shown.version !== request.version) return { outcome: 'stale' };
    if (!(await this.planAgain(ref, link, request.waitMs))) return { outcome: 'unreachable' };
    if (!(await plans.approve(ref, request.version, request.actor))) return { outcome: 'stale' };
    const { organizationId, id: linkId } = ref;
    await alarm.wake(syncLink, { organizationId, linkId, full: true }).catch(() => undefined);
    return { outcome: 'approved', link: (await links.get(ref)) ?? link };
  }

  private async planAgain({ organizationId }: LinkRef, { agendaId }: LinkDetails, waitMs: number): Promise<boolean> {
    const { lanes, effects } = this.parts;
    for (const end = effects.now() + waitMs; ; await effects.sleep(BUSY_MS)) {
      const ran = await lanes.run({ organizationId, agendaId, sync: 'full' });
      if (ran !== 'busy') return ran === 'done';
      if (effects.now() > end) return false;
    }
  }
}
