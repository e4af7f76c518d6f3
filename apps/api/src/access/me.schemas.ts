import { z } from 'zod';
import { ACTIONS, AUDIENCES, CHANNELS, IDENTITY_FIELDS } from '#domain';
import { idInput, idView } from '../shared/ids.js';
import { instantInput, instantView } from '../shared/instants.js';

export const permissionsView = z
  .object({
    organization: idView,
    collaborator: idView.nullable(),
    secretariat: idView.nullable().meta({ description: 'Who sent him, when he acts under a mandate.' }),
    at: instantView,
    everywhere: z.array(z.enum(ACTIONS)).meta({ description: 'Allowed now in every agenda, those to come included.' }),
    agendas: z
      .array(
        z.object({
          agenda: idView,
          actions: z.array(z.enum(ACTIONS)),
          identity: z.array(z.enum(IDENTITY_FIELDS)).meta({ description: 'What may be seen of patients.' }),
        }),
      )
      .meta({
        description: 'What is allowed now, agenda by agenda. Motifs and quotas may still narrow it: ask `explain`.',
      }),
    grants: z.array(idView).meta({ description: 'The grants that this comes from.' }),
  })
  .meta({ id: 'Permissions' });

export const explainAccessQuery = z.strictObject({
  action: z.enum(ACTIONS),
  agenda: idInput,
  motif: idInput.optional(),
  audience: z.enum(AUDIENCES).optional(),
  channel: z.enum(CHANNELS).optional(),
  at: instantInput.optional().meta({ description: 'Left out: now.' }),
  collaborator: idInput.optional().meta({ description: 'Of somebody else: needs `manage-grants` on the agenda.' }),
});

export const accessExplanation = z
  .object({
    allowed: z.boolean(),
    grant: idView.nullable().meta({ description: 'The grant that allows it.' }),
    perDay: z.int().nullable().meta({ description: 'How often a day, by its quota.' }),
    code: z.string().nullable(),
    messages: z.object({ fr: z.string(), en: z.string() }),
  })
  .meta({ id: 'AccessExplanation' });
