import type { StoredPlan } from '#application';
import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';

const STEPS = [
  'create',
  'adopt',
  'follow',
  'overwrite',
  'cancel',
  'mirror',
  'leave',
  'remove',
  'conflict',
  'unreadable',
] as const;

/** What each step does, on which side. */
const STEP_MEANING = [
  'Hub to agenda: `create` (an appointment is written there), `overwrite` (ours from an earlier link, at another time: the hub’s is written over it), `remove` (ours from an earlier link, cancelled since).',
  'Agenda to hub: `mirror` (busy time that can no longer be booked), `follow` (ours, moved there meanwhile: the appointment follows), `cancel` (ours, freed there), `unreadable` (put aside).',
  'Linked: `adopt` (stands on both sides already). Left alone: `leave` (takes no time).',
  '`conflict`: an appointment overlaps busy time there; both stay, and a person decides.',
].join(' ');

export const planView = z
  .object({
    link: idView,
    version: z.int(),
    madeAt: instantView,
    counts: z.record(z.enum(STEPS), z.int()).meta({ description: STEP_MEANING }),
    items: z
      .array(
        z.object({
          step: z.enum(STEPS),
          start: instantView.nullable(),
          end: instantView.nullable(),
          appointment: idView.nullable(),
          motif: z.string().nullable(),
          remoteId: z.string().nullable(),
        }),
      )
      .meta({ description: 'In order of time; the first 1000. Nothing about a patient, no title.' }),
    truncated: z.boolean(),
  })
  .meta({ id: 'LinkPlan' });

export function viewPlan(link: string, stored: StoredPlan, timeZone: string): z.input<typeof planView> {
  const { version, madeAt, plan } = stored;
  const at = (value: number | undefined): string | null =>
    value === undefined ? null : formatInstant(value, timeZone);
  const total = Object.values(plan.counts).reduce((sum, n) => sum + n, 0);
  return {
    link,
    version,
    madeAt: formatInstant(Math.round(madeAt), timeZone),
    counts: plan.counts,
    items: plan.items.map(({ step, when, appointmentId, motif, remoteId }) => ({
      step,
      start: at(when?.start),
      end: at(when?.end),
      appointment: appointmentId,
      motif,
      remoteId,
    })),
    truncated: plan.items.length < total,
  };
}
