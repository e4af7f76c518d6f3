import type { PlanStore, StoredPlan } from './first-sync.js';
import { renewSubscription, syncLink, type Alarm } from './jobs.js';
import type { LaneRunner } from './lane-runner.js';
import type { LinkDetails, LinkRef, LinkStore } from './link-lifecycle.js';
import type { Actor } from './model.js';
import type { Effects } from './ports.js';

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
    await alarm.wake(renewSubscription, { organizationId, linkId }).catch(() => undefined);
    await alarm.wake(syncLink, { organizationId, linkId, full: true }).catch(() => undefined);
    return { outcome: 'approved', link: (await links.get(ref)) ?? link };
  }

  private async planAgain({ organizationId }: LinkRef, { agendaId }: LinkDetails, waitMs: number): Promise<boolean> {
    const { lanes, effects } = this.parts;
    for (const end = effects.now() + waitMs; ;) {
      const ran = await lanes.run({ organizationId, agendaId, sync: 'full' });
      if (ran !== 'busy') return ran === 'done';
      if (effects.now() > end) return false;
      await effects.sleep(BUSY_MS);
    }
  }
}
