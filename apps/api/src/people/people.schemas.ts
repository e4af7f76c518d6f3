import { z } from 'zod';
import type { CollaboratorRecord, MandateRecord, TeamRecord } from '#application';
import { line } from '#platform';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantInput, instantView } from '../shared/instants.js';

const MOST_MEMBERS = 500;

export const teamInput = z
  .strictObject({ name: line(200), members: z.array(idInput).max(MOST_MEMBERS) })
  .meta({ id: 'TeamInput' });

export const teamView = z
  .object({
    id: idView,
    name: z.string(),
    members: z.array(idView),
    mandate: idView.nullable().meta({ description: 'The mandate whose people it gathers.' }),
    version: z.int().meta({ description: 'Also the ETag.' }),
  })
  .meta({ id: 'Team' });
export const teamList = z.object({ items: z.array(teamView) }).meta({ id: 'TeamList' });

export const collaboratorView = z
  .object({
    id: idView,
    name: z.string(),
    active: z.boolean(),
    kind: z.enum(['member', 'mandated']),
    mandate: idView.nullable(),
  })
  .meta({ id: 'Collaborator' });
export const collaboratorList = z.object({ items: z.array(collaboratorView) }).meta({ id: 'CollaboratorList' });

export const ownerInput = z
  .strictObject({
    collaborator: idInput.nullable(),
    email: z.email().max(200).optional().meta({ description: 'Where he is told of changes to rights on the agenda.' }),
  })
  .meta({ id: 'AgendaOwnerInput' });
export const ownerView = z.object({ collaborator: idView.nullable() }).meta({ id: 'AgendaOwner' });

export const mandateInput = z
  .strictObject({
    secretariat: idInput.meta({ description: 'Its organization.' }),
    label: line(200),
    staffing: z.enum(['shared', 'dedicated']).meta({
      description: '`shared`: whoever the secretariat sends; `dedicated`: only those whom the practice names.',
    }),
    startsAt: instantInput,
    endsAt: instantInput.nullable().default(null),
  })
  .refine(({ startsAt, endsAt }) => endsAt === null || startsAt < endsAt, {
    path: ['endsAt'],
    message: 'must be after startsAt',
  })
  .meta({ id: 'NewMandate' });
export const mandateChange = z.strictObject({ endsAt: instantInput }).meta({ id: 'MandateChange' });
export const sentInput = z
  .strictObject({
    collaborator: idInput.meta({ description: 'The id that he has in the secretariat.' }),
    name: line(200),
  })
  .meta({ id: 'MandatedCollaboratorInput' });

export const mandateView = z
  .object({
    id: idView,
    secretariat: idView,
    label: z.string(),
    staffing: z.enum(['shared', 'dedicated']),
    team: idView.meta({ description: 'Grants to this team are grants to the people of the mandate.' }),
    startsAt: instantView,
    endsAt: instantView.nullable(),
    revokedAt: instantView.nullable(),
    version: z.int().meta({ description: 'Also the ETag.' }),
  })
  .meta({ id: 'Mandate' });
export const mandateList = z.object({ items: z.array(mandateView) }).meta({ id: 'MandateList' });

export function viewTeam({ id, name, memberIds, mandateId, version }: TeamRecord): z.input<typeof teamView> {
  return { id, name, members: [...memberIds], mandate: mandateId, version };
}

export function viewCollaborator(record: CollaboratorRecord): z.input<typeof collaboratorView> {
  const { id, displayName, active, kind, mandateId } = record;
  return { id, name: displayName, active, kind, mandate: mandateId };
}

const instant = (at: number | null): string | null => (at === null ? null : formatInstant(Math.floor(at), 'UTC'));

export function viewMandate(record: MandateRecord): z.input<typeof mandateView> {
  const { id, secretariatId, label, staffing, teamId, startsAt, endsAt, revokedAt, version } = record;
  return {
    ...{ id, secretariat: secretariatId, label, staffing, team: teamId, version },
    startsAt: formatInstant(Math.floor(startsAt), 'UTC'),
    endsAt: instant(endsAt),
    revokedAt: instant(revokedAt),
  };
}
