import { z } from 'zod';

export const settings = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({
    title: 'Adresse de l’API partenaire',
    description: 'Adresse de base de l’API partenaire, par exemple https://agenda.example.fr/maiia/api/partner',
  }),
  authUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({
      title: 'Adresse d’authentification',
      description: 'Seulement si elle diffère de l’adresse de l’API suivie de /auth',
    }),
  motif: z.string().trim().min(1).max(200).meta({
    title: 'Motif des rendez-vous',
    description:
      'Nom du motif sous lequel les rendez-vous sont posés, ou son identifiant. Un motif renommé ensuite reste reconnu.',
  }),
});

export const secrets = z.strictObject({
  apiKey: z.string().min(8).max(200).meta({
    title: 'Clé d’API',
    description: 'Clé du partenaire, avec les droits de lire et d’écrire les rendez-vous',
  }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
