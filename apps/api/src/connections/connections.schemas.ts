import type { Capabilities, RemoteAgenda } from '#connector-sdk';
import type { ConnectionRecord } from '#application';
import { CARD_TOPICS, cardOf, isStorable, line } from '#platform';
import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { formatInstant, instantView, timeZoneView } from '../shared/instants.js';

const fields = z
  .record(z.string().min(1).max(64), z.unknown())
  .refine((value) => isStorable(value), { message: 'holds text that cannot be kept' });

const responsible = {
  name: line(100),
  email: z.email().max(254).nullable().default(null).meta({ description: 'Where alerts are sent.' }),
};

/** Who looks after a connection. */
export const responsibleInput = z.strictObject(responsible).meta({ id: 'ResponsibleInput' });
export const responsibleView = z.object({ name: z.string(), email: z.string().nullable() }).meta({ id: 'Responsible' });

export const secretsInput = z
  .strictObject({
    secrets: fields.meta({ description: "By the connector's own schema; stored encrypted, never shown." }),
  })
  .meta({ id: 'NewSecrets' });

export const connectionInput = z
  .strictObject({
    connector: z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be the id of a connector'),
    label: line(100),
    settings: fields.meta({ description: "By the connector's own schema; stored in clear." }),
    secrets: fields
      .prefault({})
      .meta({ description: "By the connector's own schema; stored encrypted, never shown again." }),
    responsible: responsibleInput.nullable().default(null),
  })
  .meta({ id: 'NewConnection' });

export const connectionView = z
  .object({
    id: idView,
    connector: z.string(),
    label: z.string(),
    settings: z.record(z.string(), z.unknown()),
    status: z.enum(['unverified', 'active', 'auth-failed']),
    responsible: responsibleView.nullable(),
    expiresAt: instantView.nullable().meta({ description: 'When the credential ends, if the backend tells.' }),
    works: z
      .array(z.object({ topic: z.enum(CARD_TOPICS), fr: z.string(), en: z.string() }))
      .meta({ description: 'What works with it and what does not, in plain words.' }),
  })
  .meta({ id: 'Connection' });

export const connectionList = z.object({ items: z.array(connectionView) }).meta({ id: 'Connections' });

export const verifiedView = z
  .object({ status: z.literal('active'), account: z.string(), expiresAt: instantView.nullable() })
  .meta({ id: 'VerifiedConnection' });

const NEVER_BUSY = {
  fr: 'Cet agenda est réglé pour ne jamais rendre occupé. Unisson en tient compte comme d’un agenda ordinaire : ce qui s’y trouve n’est pas proposé aux patients. Les autres applications peuvent montrer ces heures comme libres, rendez-vous pris par Unisson compris : rendez l’agenda « occupé » dans ses réglages, ou choisissez-en un autre.',
  en: 'This calendar is set never to make anybody busy. Unisson treats it as any other: what stands in it is not offered to patients. Other applications may show those hours as free, visits booked by Unisson included: make the calendar count as busy in its settings, or choose another.',
};

export const remoteAgendasView = z
  .object({
    items: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        writable: z.boolean(),
        timeZone: timeZoneView.nullable(),
        advice: z
          .object({ fr: z.string(), en: z.string() })
          .nullable()
          .meta({ description: 'What is to be known before the agenda is linked; `null`: nothing.' }),
      }),
    ),
  })
  .meta({ id: 'RemoteAgendas' });

export function viewConnection(
  { connectorId, ...connection }: ConnectionRecord,
  capabilities: Capabilities | null,
): z.input<typeof connectionView> {
  const works = capabilities === null ? [] : [...cardOf(capabilities)];
  return { ...connection, connector: connectorId, expiresAt: viewExpiry(connection.expiresAt), works };
}

/** A connection has no place, hence no zone but UTC. */
export function viewExpiry(expiresAt: number | null): string | null {
  return expiresAt === null ? null : formatInstant(expiresAt, 'UTC');
}

export function viewRemoteAgendas(agendas: readonly RemoteAgenda[]): z.input<typeof remoteAgendasView> {
  const items = agendas.map(({ id, name, writable, timeZone, neverBusy = false }) => {
    return { id, name, writable, timeZone, advice: neverBusy ? NEVER_BUSY : null };
  });
  return { items };
}
