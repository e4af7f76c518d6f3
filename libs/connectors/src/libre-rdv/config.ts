import { isTimeZone } from '#domain';
import { z } from 'zod';

export const settings = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({
    title: 'Adresse de l’API',
    description: 'Adresse de base de l’API, par exemple https://agenda.example.fr/libre-rdv/api',
  }),
  pmsName: z.string().min(1).max(60).default('Unisson').meta({
    title: 'Nom du logiciel (pms_name)',
    description: 'Nom sous lequel l’éditeur a enregistré ce service ; sans lui, tout appel est refusé',
  }),
  timeZone: z.string().refine(isTimeZone, 'not an IANA time zone').default('Europe/Paris').meta({
    title: 'Fuseau horaire du cabinet',
    description: 'L’API ne donne que des heures locales : voici de quel lieu',
  }),
});

export const secrets = z.strictObject({
  apiKey: z.string().min(8).max(200).meta({ title: 'Clé d’API (apikey)', description: 'Clé remise par l’éditeur' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
