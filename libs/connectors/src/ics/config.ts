import { z } from 'zod';

export const settings = z.strictObject({
  addresses: z.array(z.email().max(320)).max(20).optional().meta({
    title: 'Adresses du praticien',
    description: 'Adresses électroniques du praticien : une invitation qu’il a déclinée ne l’occupe pas',
  }),
});

/** The address is a secret: whoever knows a private feed's address reads the agenda. */
export const secrets = z.strictObject({
  url: z
    .url({ protocol: /^(https?|webcals?)$/ })
    .max(2000)
    .meta({
      title: 'Adresse du calendrier publié',
      description: 'Adresse de type https://… ou webcal://…, souvent terminée par .ics ; elle est gardée secrète',
    }),
  username: z.string().min(1).max(200).optional().meta({
    title: 'Identifiant',
    description: 'Seulement si le calendrier est protégé par un mot de passe',
  }),
  password: z.string().min(1).max(200).optional().meta({ title: 'Mot de passe', description: 'Avec l’identifiant' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
