import {
  cleanUp,
  drainLane,
  expireHolds,
  extendOpenings,
  forgetAnswers,
  keepAudit,
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
  type JobDefinition,
} from '#application';
import { handler, type JobHandler } from '#queue';
import type { JobMetrics } from './job-metrics.js';
import { Singly } from './singly.js';

/** The use cases behind the jobs. Each may run twice, or be cut off anywhere: the next run starts from the database. */
export interface Work {
  drainLane(lane: { organizationId: string; agendaId: string }): Promise<void>;
  syncLink(link: { organizationId: string; linkId: string; full: boolean }): Promise<void>;
  expireHolds(agenda: { organizationId: string; agendaId: string }): Promise<void>;
  extendOpenings(agenda: { organizationId: string; agendaId: string }): Promise<void>;
  cleanUp(disconnection: { organizationId: string; linkId: string }): Promise<void>;
  watchLinks(organization: { organizationId: string }): Promise<void>;
  renewSubscription(link: { organizationId: string; linkId: string }): Promise<void>;
  reconcileLink(link: { organizationId: string; linkId: string }): Promise<void>;
  forgetAnswers(organization: { organizationId: string }): Promise<void>;
  offerWaiting(agenda: { organizationId: string; agendaId: string }): Promise<void>;
  runBulk(bulk: { organizationId: string; bulkId: string }): Promise<void>;
  settleSeries(series: { organizationId: string; seriesId: string }): Promise<void>;
  tellOverbookings(organization: { organizationId: string }): Promise<void>;
  sealAudit(organization: { organizationId: string }): Promise<void>;
  keepAudit(organization: { organizationId: string }): Promise<void>;
  rotateKeys(organization: { organizationId: string }): Promise<void>;
  retainIdentities(organization: { organizationId: string }): Promise<void>;
}

/** A handler for every job there is. */
export function createHandlers(work: Work, metrics: JobMetrics): readonly JobHandler[] {
  const singly = new Singly();
  const handle = <Data>(job: JobDefinition<Data>, run: (data: Data) => Promise<void>): JobHandler =>
    handler(job, (data) =>
      singly.run(`${job.name} ${job.dedupeKey(data)}`, () => metrics.timed(job.name, () => run(data))),
    );
  return [
    handle(drainLane, (data) => work.drainLane(data)),
    handle(syncLink, (data) => work.syncLink(data)),
    handle(expireHolds, (data) => work.expireHolds(data)),
    handle(extendOpenings, (data) => work.extendOpenings(data)),
    handle(cleanUp, (data) => work.cleanUp(data)),
    handle(watchLinks, (data) => work.watchLinks(data)),
    handle(renewSubscription, (data) => work.renewSubscription(data)),
    handle(reconcileLink, (data) => work.reconcileLink(data)),
    handle(forgetAnswers, (data) => work.forgetAnswers(data)),
    handle(offerWaiting, (data) => work.offerWaiting(data)),
    handle(runBulk, (data) => work.runBulk(data)),
    handle(settleSeries, (data) => work.settleSeries(data)),
    handle(tellOverbookings, (data) => work.tellOverbookings(data)),
    handle(sealAudit, (data) => work.sealAudit(data)),
    handle(keepAudit, (data) => work.keepAudit(data)),
    handle(rotateKeys, (data) => work.rotateKeys(data)),
    handle(retainIdentities, (data) => work.retainIdentities(data)),
  ];
}
