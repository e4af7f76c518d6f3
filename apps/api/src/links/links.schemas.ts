import type { LinkHealth, NewLink } from '#application';
import { isStorable } from '#platform';
import { z } from 'zod';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantView } from '../shared/instants.js';

const policies = {
  direction: z
    .enum(['two-way', 'read-only'])
    .meta({ description: '`two-way` makes the practitioner’s tool the master of the agenda.' }),
  disclosure: z
    .enum(['full', 'initials', 'busy'])
    .meta({ description: 'What the practitioner sees of a visit in his own tool.' }),
  policy: z
    .enum(['practitioner-wins', 'hub-wins'])
    .meta({ description: 'Who wins when both changed the same appointment.' }),
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
  })
  .meta({ id: 'NewLink' });

export const syncInput = z
  .strictObject({
    full: z.boolean().default(false).meta({ description: 'Reads everything anew instead of the changes.' }),
  })
  .meta({ id: 'SyncRequest' });

export const linkView = z
  .object({
    id: idView,
    agenda: idView,
    connection: idView,
    remoteAgenda: z.string(),
    ...policies,
    links: z.object({ health: z.string(), sync: z.string() }),
  })
  .meta({ id: 'Link' });

const light = z.enum(['green', 'orange', 'red']);
const instant = instantView.nullable();
const milliseconds = z.number().nullable().meta({ description: 'Milliseconds.' });

export const healthView = z
  .object({
    link: idView,
    agenda: idView,
    status: z.enum(['active', 'auth-failed', 'gone']),
    read: z.object({ light, asOf: instant, ageMs: milliseconds, failures: z.int(), nextAt: instant }),
    write: z.object({ light, lastAt: instant, queued: z.int(), oldestMs: milliseconds, nextAt: instant }),
    lastError: z.object({ kind: z.string(), message: z.string(), at: instantView }).nullable(),
    reconciledAt: instant,
    quarantined: z.int().meta({ description: 'Objects that could not be read; the rest goes on.' }),
    brake: z
      .object({ deletions: z.int(), known: z.int() })
      .nullable()
      .meta({ description: 'Deletions held back until a person decides, because they were so many.' }),
    blockedMs: z.number().meta({ description: 'For how long the backend is left in peace after failures.' }),
    push: z.object({ subscribed: z.boolean(), until: instant, lastHintAt: instant }),
  })
  .meta({ id: 'LinkHealth' });

export function viewLink({
  id,
  agendaId,
  connectionId,
  remoteAgendaId,
  direction,
  disclosure,
  policy,
}: NewLink): z.input<typeof linkView> {
  const links = { health: `/v1/links/${id}/health`, sync: `/v1/links/${id}/sync` };
  return {
    id,
    agenda: agendaId,
    connection: connectionId,
    remoteAgenda: remoteAgendaId,
    direction,
    disclosure,
    policy,
    links,
  };
}

export function viewHealth(health: LinkHealth, timeZone: string): z.input<typeof healthView> {
  const at = (value: number | null): string | null => (value === null ? null : formatInstant(value, timeZone));
  const { linkId, agendaId, read, write, lastError, reconciledAt, push, ...rest } = health;
  return {
    ...rest,
    link: linkId,
    agenda: agendaId,
    read: { ...read, asOf: at(read.asOf), nextAt: at(read.nextAt) },
    write: { ...write, lastAt: at(write.lastAt), nextAt: at(write.nextAt) },
    lastError: lastError && { ...lastError, at: formatInstant(Date.parse(lastError.at), timeZone) },
    reconciledAt: at(reconciledAt),
    push: { ...push, until: at(push.until), lastHintAt: at(push.lastHintAt) },
  };
}
