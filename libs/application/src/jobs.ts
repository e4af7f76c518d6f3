import { z } from 'zod';

/** A job as data: a name, the shape of its payload (ids only, never anything about a patient), and what makes two the same. */
export interface JobDefinition<Data = unknown> {
  readonly name: string;
  readonly schema: z.ZodType<Data>;
  /** Two waiting jobs with one key are one job. */
  dedupeKey(data: Data): string;
}

function defineJob<Data>(definition: JobDefinition<Data>): JobDefinition<Data> {
  return definition;
}

const id = z.uuid();

/** Carries out what is due in the lane of an agenda. */
export const drainLane = defineJob({
  name: 'drain-lane',
  schema: z.strictObject({ organizationId: id, agendaId: id }),
  dedupeKey: ({ agendaId }) => agendaId,
});

/** Pulls a link; `full` reads everything anew instead of the changes since the cursor. */
export const syncLink = defineJob({
  name: 'sync-link',
  schema: z.strictObject({ organizationId: id, linkId: id, full: z.boolean() }),
  dedupeKey: ({ linkId, full }) => `${linkId}${full ? '-full' : ''}`,
});

/** Frees the holds of an agenda that have ended. */
export const expireHolds = defineJob({
  name: 'expire-holds',
  schema: z.strictObject({ organizationId: id, agendaId: id }),
  dedupeKey: ({ agendaId }) => agendaId,
});

/** Expands the openings of an agenda up to the rolling horizon. */
export const extendOpenings = defineJob({
  name: 'extend-openings',
  schema: z.strictObject({ organizationId: id, agendaId: id }),
  dedupeKey: ({ agendaId }) => agendaId,
});

/** Removes what a link that is gone has left at its backend. */
export const cleanUp = defineJob({
  name: 'clean-up',
  schema: z.strictObject({ organizationId: id, linkId: id }),
  dedupeKey: ({ linkId }) => linkId,
});

/** Makes or renews a link's subscription to pushes. */
export const renewSubscription = defineJob({
  name: 'renew-subscription',
  schema: z.strictObject({ organizationId: id, linkId: id }),
  dedupeKey: ({ linkId }) => linkId,
});

/** Looks after the lights of an organization's links, and alerts people. */
export const watchLinks = defineJob({
  name: 'watch-links',
  schema: z.strictObject({ organizationId: id }),
  dedupeKey: ({ organizationId }) => organizationId,
});

/** Compares a link completely with what stands in the practitioner's agenda. */
export const reconcileLink = defineJob({
  name: 'reconcile-link',
  schema: z.strictObject({ organizationId: id, linkId: id }),
  dedupeKey: ({ linkId }) => linkId,
});

/** Forgets the answers of an organization that are kept no longer under their Idempotency-Keys. */
export const forgetAnswers = defineJob({
  name: 'forget-answers',
  schema: z.strictObject({ organizationId: id }),
  dedupeKey: ({ organizationId }) => organizationId,
});

/** Tells an organization's practitioners of overbookings, of changes of rights on their agendas, and of exports; ends those that are over. */
export const tellOverbookings = defineJob({
  name: 'tell-overbookings',
  schema: z.strictObject({ organizationId: id }),
  dedupeKey: ({ organizationId }) => organizationId,
});

/** Looks at an agenda for those who wait for a slot. */
export const offerWaiting = defineJob({
  name: 'offer-waiting',
  schema: z.strictObject({ organizationId: id, agendaId: id }),
  dedupeKey: ({ agendaId }) => agendaId,
});

/** Carries a series that its request has left to its end. */
export const settleSeries = defineJob({
  name: 'settle-series',
  schema: z.strictObject({ organizationId: id, seriesId: id }),
  dedupeKey: ({ seriesId }) => seriesId,
});

/** Goes on with a bulk cancellation that its request has left. */
export const runBulk = defineJob({
  name: 'run-bulk',
  schema: z.strictObject({ organizationId: id, bulkId: id }),
  dedupeKey: ({ bulkId }) => bulkId,
});

/** Puts what came since into the chain of an organization's audit log. */
export const sealAudit = defineJob({
  name: 'seal-audit',
  schema: z.strictObject({ organizationId: id }),
  dedupeKey: ({ organizationId }) => organizationId,
});

/** Signs the head of an organization's audit log, and forgets what is kept no longer. */
export const keepAudit = defineJob({
  name: 'keep-audit',
  schema: z.strictObject({ organizationId: id }),
  dedupeKey: ({ organizationId }) => organizationId,
});

/** Seals an organization's values with its newest key. */
export const rotateKeys = defineJob({
  name: 'rotate-keys',
  schema: z.strictObject({ organizationId: id }),
  dedupeKey: ({ organizationId }) => organizationId,
});

/** Forgets who past visits of an organization were for. */
export const retainIdentities = defineJob({
  name: 'retain-identities',
  schema: z.strictObject({ organizationId: id }),
  dedupeKey: ({ organizationId }) => organizationId,
});

/** Every job there is. */
export const jobs = [
  drainLane,
  syncLink,
  expireHolds,
  extendOpenings,
  cleanUp,
  watchLinks,
  renewSubscription,
  reconcileLink,
  forgetAnswers,
  offerWaiting,
  tellOverbookings,
  settleSeries,
  runBulk,
  sealAudit,
  keepAudit,
  rotateKeys,
  retainIdentities,
] as const;

/** Wakes a worker. It is only an alarm clock: what remains to be done is in the database, so a lost call costs one tick. */
export abstract class Alarm {
  abstract wake<Data>(job: JobDefinition<Data>, data: Data, options?: { delayMs?: number }): Promise<void>;
}
