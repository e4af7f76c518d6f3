import type { AgendaRules, Kept, MotifRuling } from '#application';
import { line } from '#platform';
import { z } from 'zod';
import { idInput, idView } from '../shared/ids.js';
import { pageView } from '../shared/paging.js';
import type { RuleResource } from '../shared/rule-desk.js';
import { audiencesInput, listOf, priority, versionView } from '../shared/rule-fields.js';

const MAX_AGE = 150;
const YEAR_DAYS = 366;
const YEAR_MINUTES = 527_040;

const text = (max: number): z.ZodObject<{ fr: z.ZodString; en: z.ZodString }> =>
  z.strictObject({ fr: line(max), en: line(max) });
const years = z.int().min(0).max(MAX_AGE).nullable().default(null);

const question = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 of a-z, 0-9 and -'),
  ...text(300).shape,
  required: z.boolean(),
});

/** Every field of a ruling; what is absent does not differ from the motif, or is no rule. */
const ruling = {
  durationMinutes: z.int().min(5).max(480),
  newPatientDurationMinutes: z.int().min(5).max(480),
  bufferBeforeMinutes: z.int().min(0).max(120),
  bufferAfterMinutes: z.int().min(0).max(120),
  granularityMinutes: z
    .int()
    .min(5)
    .max(240)
    .meta({ description: 'Starts lie at multiples from the opening’s start.' }),
  noticeMinutes: z.int().min(0).max(YEAR_MINUTES),
  horizonDays: z.int().min(1).max(YEAR_DAYS),
  priority: priority.meta({ description: 'A reserve can be kept for it.' }),
  audiences: audiencesInput.meta({ description: 'Who may book; absent: everybody.' }),
  newPatients: z.enum(['accepted', 'only', 'refused']),
  age: z
    .strictObject({ minYears: years, maxYears: years })
    .refine(({ minYears, maxYears }) => (minYears ?? 0) <= (maxYears ?? MAX_AGE), {
      path: ['maxYears'],
      message: 'must not be below minYears',
    })
    .meta({ description: 'Completed years, both ends included.' }),
  gapDays: z.int().min(1).max(YEAR_DAYS).meta({ description: 'Least local days between two visits of one patient.' }),
  quotas: z
    .array(z.strictObject({ per: z.enum(['day', 'half-day', 'week']), max: z.int().min(0).max(500) }))
    .max(3)
    .refine((all) => new Set(all.map(({ per }) => per)).size === all.length, { message: 'names a period twice' }),
  equipment: listOf(idInput, 10).meta({
    description: 'Agendas of rooms and devices, claimed together with the visit.',
  }),
  questions: z
    .array(question)
    .max(20)
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, { message: 'names an id twice' }),
  modality: z.enum(['cabinet', 'teleconsultation', 'domicile']),
  link: z.url({ protocol: /^https$/, error: 'must be an https address' }).max(1000),
  instruction: text(2000).meta({ description: 'Consigne shown to whoever books.' }),
  documents: z.array(text(300)).max(20).meta({ description: 'What the patient brings.' }),
  colour: z.string().regex(/^#[0-9a-f]{6}$/i, 'must be a colour, such as #3366cc'),
  next: z
    .strictObject({
      motif: idInput,
      afterDays: z.int().min(0).max(YEAR_DAYS),
      withinDays: z.int().min(0).max(YEAR_DAYS),
    })
    .meta({ description: 'The second step: this motif, so many days after the first, within so many days more.' }),
};

export const offerInput = z.strictObject(ruling).partial().meta({
  id: 'MotifOfferInput',
  description: 'What the practitioner says of this motif in this agenda: only what differs.',
});

const minutes = z.int().meta({ description: 'As it holds here, minutes.' });

export const offerView = z
  .object({
    motif: idView,
    agenda: idView,
    version: versionView,
    label: z.object({ fr: z.string(), en: z.string() }),
    effective: z.object({
      durationMinutes: minutes,
      newPatientDurationMinutes: minutes,
      bufferBeforeMinutes: minutes,
      bufferAfterMinutes: minutes,
      granularityMinutes: minutes,
    }),
    rules: z.object(ruling).partial(),
  })
  .meta({ id: 'MotifOffer' });
export type OfferView = z.input<typeof offerView>;
export const offerPage = pageView('MotifOfferPage', offerView);

/** As it is kept: what was not given is absent. */
export function toRuling({ next, ...given }: z.output<typeof offerInput>): MotifRuling {
  const chained = next && { motifId: next.motif, afterDays: next.afterDays, withinDays: next.withinDays };
  const all = Object.entries({ ...given, next: chained });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

export const OFFERS: RuleResource<'motif', OfferView> = {
  kind: 'motif',
  name: 'motifs',
  view: viewOffer,
};

function viewOffer({ id, version, rule }: Kept<'motif'>, { agendaId, motifs }: AgendaRules): OfferView {
  const basis = motifs.find((motif) => motif.id === id);
  if (basis === undefined) throw new Error('a motif is offered that does not exist');
  const { next, ...rest } = rule;
  const chained = next && { next: { motif: next.motifId, afterDays: next.afterDays, withinDays: next.withinDays } };
  const duration = rule.durationMinutes ?? basis.durationMinutes;
  return {
    ...{ motif: id, agenda: agendaId, version, label: { fr: basis.labelFr, en: basis.labelEn } },
    effective: {
      durationMinutes: duration,
      newPatientDurationMinutes: rule.newPatientDurationMinutes ?? duration,
      bufferBeforeMinutes: rule.bufferBeforeMinutes ?? basis.bufferBeforeMinutes,
      bufferAfterMinutes: rule.bufferAfterMinutes ?? basis.bufferAfterMinutes,
      granularityMinutes: rule.granularityMinutes ?? basis.granularityMinutes,
    },
    rules: structuredClone({ ...rest, ...chained }) as OfferView['rules'],
  };
}
