import { z } from 'zod';

const address = z.url({ protocol: /^https?$/ }).max(2000);

export const settings = z.strictObject({
  url: address.meta({
    title: 'Adresse du serveur CalDAV',
    description: 'Adresse du serveur, du compte ou d’un calendrier, par exemple https://caldav.example.fr/',
  }),
  calendarHome: address.optional().meta({
    title: 'Adresse des calendriers',
    description: 'À remplir seulement si le serveur range les calendriers ailleurs, par exemple sur un autre hôte',
  }),
  addresses: z.array(z.email()).max(20).optional().meta({
    title: 'Adresses électroniques du praticien',
    description: 'Une invitation qu’il a refusée avec l’une d’elles ne l’occupe pas',
  }),
});

const text = z.string().min(1).max(4000);

export const secrets = z.strictObject({
  auth: z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('basic'),
        username: text.meta({ title: 'Identifiant' }),
        password: text.meta({ title: 'Mot de passe', description: 'De préférence un mot de passe d’application' }),
      }),
      z.strictObject({ type: z.literal('bearer'), token: text.meta({ title: 'Jeton' }) }),
    ])
    .meta({ title: 'Authentification' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
