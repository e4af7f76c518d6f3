import { createHash } from 'node:crypto';
import { planFirstSync, type FirstSyncPlan, type PlannedAppointment } from './first-sync-plan.js';
import type { LinkRef } from './link-lifecycle.js';
import type { Actor, LinkRecord } from './model.js';
import type { Lease } from './ports.js';
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
