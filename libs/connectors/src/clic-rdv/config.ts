import { isTimeZone } from '#domain';
import { z } from 'zod';

const id = z.int().min(1);

export const settings = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({
    title: 'Adresse de l’API',
    description: 'https://www.clicrdv.com/api/v1, ou https://sandbox.clicrdv.com/api/v1 pour essayer',
  }),
  groupId: id.meta({ title: 'Numéro du groupe', description: 'Groupe auquel appartiennent les agendas' }),
  email: z.email().meta({ title: 'Adresse e-mail', description: 'Celle d’un accès « pro » du groupe' }),
  interventionId: id.meta({
    title: 'Motif (intervention_id)',
    description: 'Motif sous lequel le secrétariat inscrit ses rendez-vous',
  }),
  ficheId: id.meta({
    title: 'Fiche (fiche_id)',
    description:
      'Fiche sous laquelle le secrétariat les inscrit, par exemple « SECRETARIAT » : aucune fiche de patient n’est créée',
  }),
  taker: z
    .string()
    .regex(/^[A-Za-z0-9 -]{1,30}$/)
    .default('UNISSON')
    .meta({
      title: 'Preneur (taker)',
      description: 'Signature des rendez-vous inscrits par ce service ; ne la changez plus ensuite',
    }),
  timeZone: z.string().refine(isTimeZone, 'not an IANA time zone').default('Europe/Paris').meta({
    title: 'Fuseau horaire du groupe',
    description: 'L’API ne donne que des heures locales : voici de quel lieu',
  }),
});

export const secrets = z.strictObject({
  apiKey: z.string().min(8).max(200).meta({ title: 'Clé d’API (apikey)', description: 'Clé remise par l’éditeur' }),
  password: z.string().min(1).max(200).meta({ title: 'Mot de passe', description: 'Celui de cet accès « pro »' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
