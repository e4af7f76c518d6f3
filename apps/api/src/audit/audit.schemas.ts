import { z } from 'zod';
import type { AuditEntry } from '#application';
import { idInput, idView } from '../shared/ids.js';
import { instantInput, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

const narrowing = {
  about: idInput.optional().meta({
    description:
      'An agenda, an appointment, a collaborator, a key, a grant, or a patient’s pseudonym: whatever an entry speaks of.',
  }),
  patientOf: idInput.optional().meta({
    description: 'An appointment, or an entry of the waiting list: everything about its patient, whoever booked it.',
  }),
  from: instantInput.optional().meta({ description: 'Happened at or after.' }),
  to: instantInput.optional().meta({ description: 'Happened before.' }),
};

const oneOfBoth = { path: ['patientOf'], message: 'is given instead of about' };

export const auditQuery = z
  .strictObject({ ...narrowing, ...pageQuery })
  .refine(({ about, patientOf }) => about === undefined || patientOf === undefined, oneOfBoth);

export const auditExportInput = z
  .strictObject({ ...narrowing, format: z.enum(['csv', 'jsonl']).prefault('jsonl') })
  .refine(({ about, patientOf }) => about === undefined || patientOf === undefined, oneOfBoth)
  .meta({ id: 'NewAuditExport' });

const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const auditView = z
  .object({
    seq: z.int().meta({ description: 'Its place in the chain.' }),
    at: instantView,
    action: z.string().meta({ examples: ['appointment-confirmed', 'identity-read'] }),
    actor: z.object({ kind: z.string(), id: idView.nullable(), key: idView.nullable() }),
    behalf: idView.nullable().meta({
      description: 'The collaborator in whose name an application did it; `null`: he was signed in himself, or nobody.',
    }),
    grants: z.array(idView).meta({
      description: 'The grants it was done under; of a reading, with those that let it be seen who the patients are.',
    }),
    from: z
      .object({ request: z.string().nullable(), address: z.string().nullable(), agent: z.string().nullable() })
      .meta({ description: 'Where it came from; empty for what the hub did by itself.' }),
    agenda: idView.nullable(),
    entity: idView.nullable(),
    objects: z.array(idView).meta({ description: 'What was read together.' }),
    patients: z
      .array(idView)
      .meta({ description: 'Keyed pseudonyms: one patient, one pseudonym in one organization.' }),
    reason: z.string().nullable(),
    before: hash.nullable().meta({ description: 'SHA-256 of what it was.' }),
    after: hash.nullable().meta({ description: 'SHA-256 of what it became.' }),
    hash: hash.meta({ description: 'SHA-256 over this entry and the hash of the one before.' }),
  })
  .meta({ id: 'AuditEntry', description: 'Who did what, from where and why; never who the patient is.' });

export const auditPage = pageView('AuditPage', auditView);

export function viewEntry(entry: AuditEntry): z.input<typeof auditView> {
  const { seq, at, action, actorKind, actorId, keyId, behalfId, grantIds, requestId, address, agent } = entry;
  const { agendaId, entityId, objects, patients, reason, before, after, hash: own } = entry;
  return {
    ...{ seq, at, action, reason, before, after, hash: own, agenda: agendaId, entity: entityId },
    actor: { kind: actorKind, id: actorId, key: keyId },
    ...{ behalf: behalfId, grants: [...grantIds] },
    from: { request: requestId, address, agent },
    objects: [...objects],
    patients: [...patients],
  };
}
