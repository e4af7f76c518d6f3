import type { LinkDetails, LinkHealth } from '#application';
import { CONFLICT_POLICIES } from '#domain';
import { isStorable, MANNER_TOPICS, mannersCardOf } from '#platform';
import { z } from 'zod';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';
import { pageView } from '../shared/paging.js';
import { responsibleView } from '../connections/connections.schemas.js';

const policies = {
  direction: z
    .enum(['two-way', 'read-only'])
    .meta({ description: '`two-way` makes the practitioner’s tool the master of the agenda.' }),
  disclosure: z
    .enum(['full', 'initials', 'busy'])
    .meta({ description: 'What the practitioner sees of a visit in his own tool.' }),
  policy: z
    .enum(CONFLICT_POLICIES)
    .meta({ description: 'Who wins when both changed the same appointment; what it cannot settle opens a conflict.' }),
};

export const linkInput = z
  .strictObject({
    agenda: idInput,
    connection: idInput,
    remoteAgenda: z
      .string()
      .min(1)
      .max(1000)
      .refine((value) => isStorable(value), { message: 'holds text that cannot be kept' })
      .meta({ description: 'Id of an agenda of the connection, as listed.' }),
    direction: policies.direction.default('two-way'),
    disclosure: policies.disclosure.default('initials'),
    policy: policies.policy.default('practitioner-wins'),
    approve: z.boolean().default(false).meta({
      description:
        'True begins the first synchronisation at once, unseen. Else a plan of it is made first, and waits for approval.',
    }),
  })
  .meta({ id: 'NewLink' });

export const linkChange = z.strictObject(policies).partial().meta({ id: 'LinkChange' });

export const syncInput = z
  .strictObject({
    full: z.boolean().default(false).meta({ description: 'Reads everything anew instead of the changes.' }),
  })
  .meta({ id: 'SyncRequest' });

const successorView = z
  .object({ connector: z.string(), remoteAgenda: z.string() })
  .nullable()
  .meta({ description: 'Where the agenda has gone for good: kind of backend, and id there. Only while `moved`.' });

export const relinkInput = z
  .strictObject({
    connection: idInput,
    remoteAgenda: z
      .string()
      .min(1)
      .max(1000)
      .refine((value) => isStorable(value), { message: 'holds text that cannot be kept' })
      .optional()
      .meta({ description: 'Left out: the agenda that the former vendor named.' }),
    rehearse: z.boolean().default(false).meta({
      description: 'True: only says what would happen. Its ETag is the If-Match of the request that does it.',
    }),
  })
  .meta({ id: 'RelinkRequest' });

export const linkView = z
  .object({
    id: idView,
    agenda: idView,
    connection: idView,
    remoteAgenda: z.string(),
    ...policies,
    state: z.enum(['planning', 'reading', 'writing', 'active', 'paused', 'auth-failed', 'gone', 'moved']).meta({
      description:
        '`planning`: the plan of the first synchronisation waits for approval; the agenda stays as it was. `reading`, `writing`: it is being carried out. `moved`: the agenda has gone to another vendor; the link is to be taken up again there (`POST relink`).',
    }),
    successor: successorView,
    manners: z
      .array(z.object({ topic: z.enum(MANNER_TOPICS), fr: z.string(), en: z.string() }))
      .meta({ description: 'What its backend was found to do, and what is done about it, in plain words.' }),
    version: z.int(),
    links: z.object({ health: z.string(), sync: z.string(), plan: z.string() }),
  })
  .meta({ id: 'Link' });

export const light = z.enum(['green', 'orange', 'red']);
const instant = instantView.nullable();
const milliseconds = z.number().nullable().meta({ description: 'Milliseconds.' });

export const healthView = z
  .object({
    link: idView,
    agenda: idView,
    status: z.enum(['active', 'auth-failed', 'gone', 'moved']),
    successor: successorView,
    phase: z.enum(['planning', 'reading', 'writing', 'live']),
    paused: z.boolean(),
    light: light.meta({ description: 'The worse of both.' }),
    read: z.object({
      light,
      asOf: instant,
      ageMs: milliseconds,
      lagMs: z.number().meta({ description: 'How late the next read is, in milliseconds.' }),
      failures: z.int(),
      nextAt: instant,
    }),
    write: z.object({ light, lastAt: instant, queued: z.int(), oldestMs: milliseconds, nextAt: instant }),
    lastError: z.object({ kind: z.string(), message: z.string(), at: instantView }).nullable(),
    reconciledAt: instant,
    quarantined: z.int().meta({ description: 'Objects that could not be read; the rest goes on.' }),
    brake: z
      .object({ deletions: z.int(), known: z.int() })
      .nullable()
      .meta({ description: 'Deletions held back until a person decides, because they were so many.' }),
    blockedMs: z.number().meta({ description: 'For how long the backend is left in peace after failures.' }),
    push: z.object({
      subscribed: z.boolean(),
      until: instant,
      lastHintAt: instant,
      silentSince: instant.meta({ description: 'Since when reads find changes that no push announced.' }),
    }),
    credential: z.object({ expiresAt: instant }),
    responsible: responsibleView.nullable().meta({ description: 'Who can repair it.' }),
    progress: z
      .object({ done: z.int(), total: z.int().nullable() })
      .nullable()
      .meta({ description: 'Of the first synchronisation: objects read, or appointments written.' }),
    rewriting: z.boolean().meta({ description: 'What was written before is being brought to another disclosure.' }),
    alert: z.object({ redSince: instant, lastAt: instant, nextAt: instant, error: z.string().nullable() }),
    advice: z.object({ code: z.string(), fr: z.string(), en: z.string() }).meta({ description: 'What to do first.' }),
  })
  .meta({ id: 'LinkHealth' });

export const relinkView = z
  .object({
    done: z.boolean().meta({ description: 'False: it was only rehearsed.' }),
    link: linkView,
    adopted: z.int().meta({ description: 'Appointments found in the successor’s agenda where they were.' }),
    byTime: z.int().meta({ description: 'Those of them that were recognised by their time alone.' }),
    movedThere: z.int().meta({ description: 'Appointments found at another time: they follow.' }),
    toWrite: z.int().meta({ description: 'Appointments not found: written, and not confirmed until then.' }),
    foreign: z.int().meta({ description: 'Entries of the practitioner’s own.' }),
  })
  .meta({ id: 'Relinked' });

/** A link in a list, with its lights. */
export const linkItem = z
  .object({ ...linkView.shape, read: light, write: light, light, advice: z.string() })
  .meta({ id: 'LinkItem' });

export const linkPage = pageView('LinkPage', linkItem);

export function viewLink(link: LinkDetails): z.input<typeof linkView> {
  const { id, agendaId, connectionId, remoteAgendaId, direction, disclosure, phase, paused, status, version } = link;
  const { successor, manners } = link;
  const path = `/v1/links/${id}`;
  return {
    id,
    agenda: agendaId,
    connection: connectionId,
    remoteAgenda: remoteAgendaId,
    direction,
    disclosure,
    policy: policies.policy.parse(link.policy),
    state: paused ? 'paused' : phase === 'live' || status !== 'active' ? status : phase,
    successor: viewSuccessor(successor),
    manners: manners === null ? [] : [...mannersCardOf(manners)],
    version,
    links: { health: `${path}/health`, sync: `${path}/sync`, plan: `${path}/plan` },
  };
}

function viewSuccessor(successor: LinkDetails['successor']): z.input<typeof successorView> {
  return successor && { connector: successor.connectorId, remoteAgenda: successor.agendaId };
}

export function viewHealth(health: LinkHealth, timeZone: string): z.input<typeof healthView> {
  const at = (value: number | null): string | null => (value === null ? null : formatInstant(value, timeZone));
  const { linkId, agendaId, read, write, lastError, reconciledAt, push, credential, alert, ...rest } = health;
  return {
    ...rest,
    link: linkId,
    agenda: agendaId,
    successor: viewSuccessor(health.successor),
    read: { ...read, asOf: at(read.asOf), nextAt: at(read.nextAt) },
    write: { ...write, lastAt: at(write.lastAt), nextAt: at(write.nextAt) },
    lastError: lastError && { ...lastError, at: formatInstant(Date.parse(lastError.at), timeZone) },
    reconciledAt: at(reconciledAt),
    push: { ...push, until: at(push.until), lastHintAt: at(push.lastHintAt), silentSince: at(push.silentSince) },
    credential: { expiresAt: at(credential.expiresAt) },
    alert: { ...alert, redSince: at(alert.redSince), lastAt: at(alert.lastAt), nextAt: at(alert.nextAt) },
  };
}
