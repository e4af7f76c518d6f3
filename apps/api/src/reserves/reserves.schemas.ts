import type { AgendaRules, Kept, ReserveRule } from '#application';
import { PRIORITIES, AUDIENCES } from '#domain';
import { line } from '#platform';
import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { pageView } from '../shared/paging.js';
import {
  audience,
  checkRecurrence,
  listOf,
  localTime,
  motifsInput,
  priority,
  recurrenceInput,
  recurrenceOf,
  recurrenceView,
  ruleHead,
} from '../shared/rule-fields.js';

const YEAR_MINUTES = 525_600;
const recapture =
  'Time given back by a cancellation after the release is kept again until so many minutes before it starts; null: it stays free.';

const releaseRule = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('before'),
    minutes: z.int().min(0).max(YEAR_MINUTES).meta({ description: 'Before the reserve’s own start.' }),
  }),
  z.strictObject({
    kind: z.literal('at-time'),
    daysBefore: z.int().min(0).max(60).meta({ description: '0: on the day itself.' }),
    time: localTime,
  }),
  z.strictObject({
    kind: z.literal('occupancy'),
    share: z.number().min(0).max(1).meta({ description: 'Of the day’s open time outside reserves that is taken.' }),
  }),
  z.strictObject({
    kind: z.literal('quota'),
    perSecretariat: z.int().min(0).max(500).meta({ description: 'Visits that each secretariat may book on a day.' }),
  }),
]);

export const reserveInput = z
  .strictObject({
    ...recurrenceInput,
    label: line(200),
    keptFor: z
      .strictObject({
        priorities: listOf(priority, PRIORITIES.length).default([]),
        audiences: listOf(audience, AUDIENCES.length).default([]),
        motifs: motifsInput.default([]),
      })
      .prefault({})
      .meta({ description: 'Whoever matches one of them may book at any time.' }),
    release: z.array(releaseRule).max(8).default([]).meta({ description: 'Any one frees; none: never freed.' }),
    recaptureMinutes: z.int().min(0).max(YEAR_MINUTES).nullable().default(null).meta({ description: recapture }),
  })
  .superRefine(checkRecurrence)
  .meta({ id: 'NewReserve' });

export const reserveView = z
  .object({
    ...ruleHead,
    ...recurrenceView,
    label: z.string(),
    keptFor: z.object({ priorities: z.array(priority), audiences: z.array(audience), motifs: z.array(idView) }),
    release: z.array(releaseRule),
    recaptureMinutes: z.int().nullable().meta({ description: recapture }),
  })
  .meta({ id: 'Reserve' });
export const reservePage = pageView('ReservePage', reserveView);

export function toReserve(given: z.output<typeof reserveInput>, { timeZone }: AgendaRules): ReserveRule {
  const { label, keptFor, release, recaptureMinutes, ...recurrence } = given;
  const { motifs, ...others } = keptFor;
  return {
    ...recurrenceOf(recurrence, timeZone),
    label,
    keptFor: { ...others, motifIds: motifs },
    release,
    recaptureMinutes,
  };
}

export const RESERVES = {
  kind: 'reserve' as const,
  name: 'reserves',
  input: reserveInput,
  shown: reserveView,
  page: reservePage,
  read: toReserve,
  view: ({ id, version, rule }: Kept<'reserve'>, { agendaId }: AgendaRules): z.input<typeof reserveView> => {
    const { keptFor, release, except, ...rest } = rule;
    const { priorities, audiences, motifIds } = keptFor;
    return {
      ...{ id, agenda: agendaId, version, ...rest },
      except: [...except],
      keptFor: { priorities: [...priorities], audiences: [...audiences], motifs: [...motifIds] },
      release: [...release],
    };
  },
};
