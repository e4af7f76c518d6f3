import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import {
  cleanUp,
  drainLane,
  type DueWork,
  expireHolds,
  extendOpenings,
  forgetAnswers,
  keepAudit,
  type JobDefinition,
  offerWaiting,
  reconcileLink,
  renewSubscription,
  retainIdentities,
  rotateKeys,
  runBulk,
  sealAudit,
  settleSeries,
  syncLink,
  tellOverbookings,
  watchLinks,
} from '#application';
import type { Drain, Logger } from '#platform';
import type { Dispatch } from './dispatch.js';

/** Largest number of rows that one tick hands on. */
const BATCH = 500;
/** Lights are looked at everywhere each time: an organization left out would go red unseen. */
const MOST_ORGANIZATIONS = 100_000;
/** Wake-ups under way at once. */
const PARALLEL = 8;

export interface TicksParts {
  readonly due: DueWork;
  readonly dispatch: Dispatch;
  readonly drain: Drain;
  readonly logger: Logger;
}

/**
 * Looks in the database for what is due, and wakes workers for it. Any number of processes may tick: equal wake-ups
 * become one job, and what two processes do at once is done once.
 */
@Injectable()
export class Ticks implements OnApplicationBootstrap {
  private readonly busy = new Set<string>();
  private readonly failing = new Set<string>();

  constructor(private readonly parts: TicksParts) {}

  onApplicationBootstrap(): void {
    void this.openings();
    void this.answers();
    void this.audits();
    void this.identities();
  }

  @Interval(500)
  lanes(): Promise<void> {
    return this.tick(drainLane, () => this.parts.due.lanes(BATCH));
  }

  @Interval(1_000)
  links(): Promise<void> {
    return this.tick(syncLink, () => this.parts.due.links(BATCH));
  }

  /** Each link's own time of day comes from its id. */
  @Interval(1_000)
  reconciles(): Promise<void> {
    return this.tick(reconcileLink, () => this.parts.due.reconciles(BATCH));
  }

  @Interval(5_000)
  holds(): Promise<void> {
    return this.tick(expireHolds, () => this.parts.due.holds(BATCH));
  }

  @Interval(2_000)
  removals(): Promise<void> {
    return this.tick(cleanUp, () => this.parts.due.removals(BATCH));
  }

  @Interval(15_000)
  lights(): Promise<void> {
    return this.tick(watchLinks, () => this.parts.due.watched(MOST_ORGANIZATIONS));
  }

  @Interval(15_000)
  subscriptions(): Promise<void> {
    return this.tick(renewSubscription, () => this.parts.due.subscriptions(BATCH));
  }

  @Interval(1_000)
  vacancies(): Promise<void> {
    return this.tick(offerWaiting, () => this.parts.due.vacancies(BATCH));
  }

  @Interval(5_000)
  overbookings(): Promise<void> {
    return this.tick(tellOverbookings, () => this.parts.due.overbookings(BATCH));
  }

  @Interval(5_000)
  series(): Promise<void> {
    return this.tick(settleSeries, () => this.parts.due.series(BATCH));
  }

  @Interval(5_000)
  bulks(): Promise<void> {
    return this.tick(runBulk, () => this.parts.due.bulks(BATCH));
  }

  /** What has happened is to be in the chain within seconds. */
  @Interval(5_000)
  unsealed(): Promise<void> {
    return this.tick(sealAudit, () => this.parts.due.unsealed(BATCH));
  }

  @Interval(3_600_000)
  audits(): Promise<void> {
    return this.tick(keepAudit, () => this.parts.due.organizations(MOST_ORGANIZATIONS));
  }

  @Interval(5_000)
  rotations(): Promise<void> {
    return this.tick(rotateKeys, () => this.parts.due.rotations(BATCH));
  }

  @Interval(3_600_000)
  openings(): Promise<void> {
    return this.tick(extendOpenings, () => this.parts.due.openings(BATCH));
  }

  @Interval(3_600_000)
  answers(): Promise<void> {
    return this.tick(forgetAnswers, () => this.parts.due.organizations(MOST_ORGANIZATIONS));
  }

  @Interval(3_600_000)
  identities(): Promise<void> {
    return this.tick(retainIdentities, () => this.parts.due.organizations(MOST_ORGANIZATIONS));
  }

  /** A tick that is still at work when the next one comes is left alone. */
  private async tick<Data>(job: JobDefinition<Data>, find: () => Promise<readonly Data[]>): Promise<void> {
    const { drain, dispatch } = this.parts;
    if (drain.draining || this.busy.has(job.name)) return;
    this.busy.add(job.name);
    try {
      const waiting = [...(await find())];
      const send = async (): Promise<void> => {
        for (let data = waiting.shift(); data !== undefined; data = waiting.shift()) await dispatch.send(job, data);
      };
      await Promise.all(Array.from({ length: PARALLEL }, send));
      this.works(job.name);
    } catch (error) {
      this.fails(job.name, error);
    } finally {
      this.busy.delete(job.name);
    }
  }

  /** Said once, not twice a second. */
  private fails(tick: string, error: unknown): void {
    if (!this.failing.has(tick)) this.parts.logger.warn({ err: error, tick }, 'cannot look for due work');
    this.failing.add(tick);
  }

  private works(tick: string): void {
    if (this.failing.delete(tick)) this.parts.logger.info({ tick }, 'looking for due work again');
  }
}
