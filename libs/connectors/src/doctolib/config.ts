import { z } from 'zod';

const address = z.url({ protocol: /^https?$/ }).max(2000);
const text = z.string().trim().min(1).max(200);

export const settings = z.strictObject({
  baseUrl: address.meta({
    title: 'Adresse du service',
    description: 'Adresse remise par l’éditeur, sans chemin d’API, par exemple https://agenda.example.fr',
  }),
  tokenUrl: address.optional().meta({
    title: 'Adresse des jetons',
    description: 'Laisser vide : /oauth/token à l’adresse du service',
  }),
  profile: text.meta({
    title: 'Profil',
    description: 'Nom du profil dans l’adresse de sa page de rendez-vous (profile_slug), ou son numéro',
  }),
  motif: text.meta({
    title: 'Motif de consultation',
    description: 'Numéro (visit_motive_id) ou nom exact du motif sous lequel le secrétariat prend rendez-vous',
  }),
  answers: z.string().max(4000).optional().meta({
    title: 'Réponses aux questions du praticien',
    description:
      'Une par ligne : « Question = réponse ». Envoyée quand le patient n’a pas répondu lui-même, sans rien qui concerne l’un d’eux',
  }),
});

export const secrets = z.strictObject({
  clientId: text.min(3).meta({ title: 'Identifiant du client', description: 'client_id remis par l’éditeur' }),
  clientSecret: text.min(8).meta({ title: 'Secret du client', description: 'client_secret remis par l’éditeur' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
