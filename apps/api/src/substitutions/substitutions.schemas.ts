import type { AgendaRules, Kept, SubstitutionRule } from '#application';
import { line } from '#platform';
import { z } from 'zod';
import { formatInstant, instantInput, instantView } from '../shared/instants.js';
import { pageView } from '../shared/paging.js';
import { ruleHead } from '../shared/rule-fields.js';

export const substitutionInput = z
  .strictObject({
    displayName: line(200),
    rpps: z
      .string()
      .regex(/^\d{11}$/, 'must be 11 digits')
      .nullable()
      .default(null),
    start: instantInput,
    end: instantInput,
  })
  .refine(({ start, end }) => start < end, { path: ['end'], message: 'must be after start' })
  .meta({ id: 'NewSubstitution', description: 'Who sees the patients in place of the practitioner (remplaçant).' });

export const substitutionView = z
  .object({
    ...ruleHead,
    displayName: z.string(),
    rpps: z.string().nullable(),
    start: instantView,
    end: instantView,
  })
  .meta({ id: 'Substitution' });
export const substitutionPage = pageView('SubstitutionPage', substitutionView);

export function toSubstitution(given: z.output<typeof substitutionInput>): SubstitutionRule {
  return given;
}

export const SUBSTITUTIONS = {
  kind: 'substitution' as const,
  name: 'substitutions',
  input: substitutionInput,
  shown: substitutionView,
  page: substitutionPage,
  read: toSubstitution,
  view: (
    { id, version, rule }: Kept<'substitution'>,
    { agendaId, timeZone }: AgendaRules,
  ): z.input<typeof substitutionView> => ({
    ...{ id, agenda: agendaId, version, displayName: rule.displayName, rpps: rule.rpps },
    start: formatInstant(rule.start, timeZone),
    end: formatInstant(rule.end, timeZone),
  }),
};
