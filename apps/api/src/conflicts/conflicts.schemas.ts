import {
  CONFLICT_CHOICES,
  CONFLICT_REASONS,
  openChoices,
  type ConflictRecord,
  type ConflictVersion,
} from '#application';
import { line, repeatable } from '#platform';
import { z } from 'zod';
import { appointmentPath, appointmentView } from '../appointments/appointments.schemas.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';
import { effectOf, REASON_SENTENCES } from './conflict-sentences.js';

export const conflictsQuery = z.strictObject({
  ...pageQuery,
  agenda: repeatable(idInput, 50).optional(),
  state: z.enum(['open', 'resolved']).optional(),
});

const side = z.enum(['ours', 'theirs']);

export const resolutionInput = z
  .strictObject({
    choice: z.enum(CONFLICT_CHOICES),
    start: side.optional().meta({ description: 'Only for `merge`: whose start.' }),
    duration: side.optional().meta({ description: 'Only for `merge`: whose length.' }),
    reason: line(200).optional().meta({ description: 'Only for `cancel`: why; never anything about health.' }),
  })
  .refine(({ choice, start, duration }) => choice === 'merge' || (start ?? duration) === undefined, {
    message: 'start and duration belong to merge',
  })
  .refine(({ choice, reason }) => choice === 'cancel' || reason === undefined, { message: 'reason belongs to cancel' })
  .meta({ id: 'NewResolution' });

const sentence = z.object({ fr: z.string(), en: z.string() });
export const actorView = z
  .looseObject({ kind: z.string() })
  .meta({ description: 'A collaborator, the practitioner in his own tool, or the hub.' });

const versionView = z
  .object({
    start: instantView.nullable(),
    end: instantView.nullable(),
    motif: idView.nullable(),
    at: instantView.nullable().meta({ description: 'When it was last changed, as far as that is known.' }),
    by: actorView.nullable(),
    gone: z.boolean().meta({ description: 'It was deleted, or no longer takes time.' }),
    recurring: z.boolean(),
    appointment: idView.nullable().meta({ description: 'Another booking that stands in the way.' }),
  })
  .meta({ id: 'ConflictVersion' });

export const conflictView = z
  .object({
    id: idView,
    appointment: idView,
    agenda: idView,
    reason: z.enum(CONFLICT_REASONS),
    messages: sentence,
    base: versionView.nullable().meta({ description: 'Where both sides last had it.' }),
    ours: versionView,
    theirs: versionView.nullable(),
    choices: z
      .array(z.object({ choice: z.enum(CONFLICT_CHOICES), available: z.boolean(), effect: sentence }))
      .meta({ description: 'What each choice would do.' }),
    state: z.enum(['open', 'resolved']),
    resolution: z.string().nullable().meta({ description: 'A choice, or `settled` or `cancelled` by itself.' }),
    resolvedBy: actorView.nullable(),
    openedAt: instantView,
    resolvedAt: instantView.nullable(),
    version: z.int().meta({ description: 'Also the ETag.' }),
    links: z.object({ self: z.string(), appointment: z.string(), resolve: z.string() }),
  })
  .meta({ id: 'Conflict' });

export const conflictPage = pageView('ConflictPage', conflictView);

export const resolvedView = z
  .object({ conflict: conflictView, appointment: appointmentView })
  .meta({ id: 'ResolvedConflict' });

function viewVersion(version: ConflictVersion, timeZone: string): z.input<typeof versionView> {
  const at = (value: number | null | undefined): string | null =>
    value == null ? null : formatInstant(value, timeZone);
  return {
    start: at(version.start),
    end: at(version.end),
    motif: version.motifId ?? null,
    at: at(version.at),
    by: version.actor ?? null,
    gone: version.gone ?? false,
    recurring: version.recurring ?? false,
    appointment: version.appointmentId ?? null,
  };
}

export function viewConflict(conflict: ConflictRecord, timeZone: string): z.input<typeof conflictView> {
  const { id, appointmentId, agendaId, reason, base, ours, theirs, state, resolution, resolvedBy, version } = conflict;
  const choices = openChoices(conflict);
  const self = `/v1/conflicts/${id}`;
  return {
    ...{ id, appointment: appointmentId, agenda: agendaId, reason, state, resolution, resolvedBy, version },
    messages: REASON_SENTENCES[reason],
    base: base && viewVersion(base, timeZone),
    ours: viewVersion(ours, timeZone),
    theirs: theirs && viewVersion(theirs, timeZone),
    choices: CONFLICT_CHOICES.map((choice) => {
      return { choice, available: choices.has(choice), effect: effectOf(reason, choice) };
    }),
    openedAt: formatInstant(conflict.openedAt, timeZone),
    resolvedAt: conflict.resolvedAt === null ? null : formatInstant(conflict.resolvedAt, timeZone),
    links: { self, appointment: appointmentPath(appointmentId), resolve: `${self}/resolve` },
  };
}
