import type { AgendaRules, OutsideVisit, PreviewResult, RuleChange, SlotsChanged, Told } from '#application';
import { APPOINTMENT_STATUSES } from '#domain';
import { z } from 'zod';
import { settingsChange, toSettings } from '../agendas/agenda-settings.schemas.js';
import { closureInput, toClosure } from '../closures/closures.schemas.js';
import { offerInput, toRuling } from '../offers/offers.schemas.js';
import { openingInput, toOpening } from '../openings/openings.schemas.js';
import { reserveInput, toReserve } from '../reserves/reserves.schemas.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantView, timeZoneView } from '../shared/instants.js';
import { reasonView, viewReason } from '../shared/reasons.js';

const common = {
  weeks: z.int().min(1).max(8).default(4).meta({ description: 'From now on.' }),
  motif: idInput.optional().meta({ description: 'Only slots of this motif.' }),
};
const which = idInput.optional().meta({ description: 'The rule that is replaced or taken away; absent: a new one.' });

export const previewInput = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('opening'), id: which, rule: openingInput.nullable(), ...common }),
    z.strictObject({ kind: z.literal('closure'), id: which, rule: closureInput.nullable(), ...common }),
    z.strictObject({ kind: z.literal('reserve'), id: which, rule: reserveInput.nullable(), ...common }),
    z.strictObject({ kind: z.literal('motif'), id: idInput, rule: offerInput.nullable(), ...common }),
    z.strictObject({ kind: z.literal('agenda'), rule: settingsChange, ...common }),
  ])
  .superRefine((given, context) => {
    if ('id' in given || given.rule !== null) return;
    context.addIssue({ code: 'custom', path: ['id'], message: 'is required to take a rule away', input: given });
  })
  .meta({ id: 'RulePreview', description: 'A change as it would be written; `rule: null` takes the rule away.' });
type PreviewInput = z.output<typeof previewInput>;

const reasons = z.array(reasonView);

const outsideFields = {
  appointment: idView,
  motif: idView,
  status: z.enum(APPOINTMENT_STATUSES),
  start: instantView,
  end: instantView,
  timeZone: timeZoneView,
  overbooked: z.boolean().meta({ description: 'It stands there by decision.' }),
  reasons,
};

const slotsChanged = z.object({
  counts: z.array(z.object({ motif: idView, slots: z.int() })),
  first: z.array(z.object({ motif: idView, start: instantView })).meta({ description: 'The first 50, by start.' }),
});

export const previewView = z
  .object({
    from: instantView,
    to: instantView,
    added: slotsChanged,
    removed: slotsChanged,
    outside: z
      .array(z.object({ ...outsideFields, already: z.boolean().meta({ description: 'It is outside now, too.' }) }))
      .meta({ description: 'Appointments that would stand outside the rules; they are never touched.' }),
  })
  .meta({ id: 'RulePreviewResult' });

export const outsideVisitView = z.object({ id: idView, ...outsideFields }).meta({ id: 'OutsideRules' });

/** The change that is asked about; `id` of a new rule is empty. */
export function toChange(given: PreviewInput, rules: AgendaRules): RuleChange {
  if (given.kind === 'agenda') return { kind: 'agenda', settings: toSettings(given.rule) };
  const { kind, id = '' } = given;
  return given.rule === null ? { kind, id, rule: null } : { ...writtenRule(given as Written, rules), id };
}

type Ruled = Exclude<PreviewInput, { kind: 'agenda' }>;
type Written = {
  [K in Ruled['kind']]: { kind: K; rule: NonNullable<Extract<Ruled, { kind: K }>['rule']> };
}[Ruled['kind']];
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

function writtenRule(given: Written, rules: AgendaRules): WithoutId<Exclude<RuleChange, { kind: 'agenda' }>> {
  switch (given.kind) {
    case 'motif':
      return { kind: 'motif', rule: toRuling(given.rule) };
    case 'opening':
      return { kind: 'opening', rule: toOpening(given.rule, rules) };
    case 'closure':
      return { kind: 'closure', rule: toClosure(given.rule, rules) };
    case 'reserve':
      return { kind: 'reserve', rule: toReserve(given.rule, rules) };
  }
}

export function viewOutside({ visit, refusals }: OutsideVisit, told: Told): z.input<typeof outsideVisitView> {
  const { timeZone } = told;
  const { id, motifId, status, start, end, overbooked } = visit;
  return {
    ...{ id, appointment: id, motif: motifId, status, timeZone, overbooked },
    start: formatInstant(start, timeZone),
    end: formatInstant(end, timeZone),
    reasons: refusals.map((refusal) => viewReason(refusal, told)),
  };
}

export function viewPreview({
  timeZone,
  window,
  added,
  removed,
  outside,
}: Extract<PreviewResult, { outcome: 'seen' }>): z.input<typeof previewView> {
  const slots = ({ counts, first }: SlotsChanged): z.input<typeof slotsChanged> => ({
    counts: counts.map(({ motifId, slots: number }) => ({ motif: motifId, slots: number })),
    first: first.map(({ motifId, start }) => ({ motif: motifId, start: formatInstant(start, timeZone) })),
  });
  return {
    from: formatInstant(Math.floor(window.start), timeZone),
    to: formatInstant(Math.floor(window.end), timeZone),
    added: slots(added),
    removed: slots(removed),
    outside: outside.map((one) => ({ ...viewOutside(one, { now: window.start, timeZone }), already: one.already })),
  };
}
