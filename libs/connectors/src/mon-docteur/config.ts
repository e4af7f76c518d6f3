import { z } from 'zod';
import { isTimeZone } from '#domain';

export const settings = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({
    title: 'Adresse du service',
    description: 'Par exemple https://agenda.example.fr/ws ; l’éditeur doit autoriser l’adresse IP de ce serveur',
  }),
  motif: z.string().min(1).max(200).default('CONSULTATION').meta({
    title: 'Motif',
    description: 'Motif de l’éditeur sous lequel les rendez-vous sont inscrits ; chaque agenda lié doit l’avoir',
  }),
  timeZone: z.string().refine(isTimeZone).default('Europe/Paris').meta({
    title: 'Fuseau horaire',
    description: 'Fuseau des agendas, dont l’éditeur ne note que l’heure locale',
  }),
  successor: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .optional()
    .meta({
      title: 'Connecteur repreneur',
      description: 'Identifiant du connecteur qui reprend les agendas déménagés, si l’éditeur le nomme autrement',
    }),
});

export const secrets = z.strictObject({
  login: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[^:]*$/)
    .meta({ title: 'Identifiant', description: 'Compte remis par l’éditeur' }),
  password: z.string().min(8).max(200).meta({ title: 'Mot de passe', description: 'Mot de passe de ce compte' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
