import { z } from 'zod';

export const settings = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({
    title: 'Adresse de l’application',
    description: 'Par exemple https://www.rdv-solidarites.fr (avec www)',
  }),
  organisationIds: z.array(z.int().min(1)).min(1).max(20).meta({
    title: 'Organisations',
    description:
      'Numéros de toutes les organisations où les agents reçoivent : les rendez-vous d’une organisation oubliée ne seraient pas vus',
  }),
  title: z
    .string()
    .min(1)
    .max(60)
    .regex(/^[^[\]]*$/)
    .default('Réservé')
    .meta({ title: 'Intitulé', description: 'Ce que l’agent lit sur une plage que le télésecrétariat a réservée' }),
});

export const secrets = z.strictObject({
  email: z.email().meta({
    title: 'Adresse électronique',
    description: 'Compte d’un agent du service « secrétariat », qui voit tous les agendas de ces organisations',
  }),
  password: z.string().min(8).max(200).meta({ title: 'Mot de passe', description: 'Mot de passe de cet agent' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
