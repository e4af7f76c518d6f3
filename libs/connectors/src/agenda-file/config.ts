import { z } from 'zod';
import { isTimeZone } from '#domain';

export const settings = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .meta({
      title: 'Adresse du dossier partagé',
      description:
        'Dossier où le logiciel dépose ses exports et relève les ordres, par exemple https://fichiers.example.fr/dossier',
    }),
  format: z.enum(['csv', 'icalendar']).default('csv').meta({
    title: 'Format des exports',
    description: 'csv (conseillé) ou icalendar (fichiers .ics), selon le réglage du logiciel',
  }),
  timeZone: z
    .string()
    .refine(isTimeZone, 'must be a time zone such as Europe/Paris')
    .default('Europe/Paris')
    .meta({ title: 'Fuseau horaire', description: 'Fuseau dans lequel le logiciel écrit ses heures' }),
  patienceSeconds: z.number().min(0.2).max(60).default(4).meta({
    title: 'Attente de l’accusé (secondes)',
    description: 'Au-delà, le rendez-vous reste « en attente » jusqu’à l’accusé du logiciel',
  }),
});

export const secrets = z.strictObject({
  username: z.string().min(1).max(200).meta({ title: 'Identifiant', description: 'Compte du dossier partagé' }),
  password: z.string().min(1).max(200).meta({ title: 'Mot de passe', description: 'Du compte du dossier partagé' }),
  signingKey: z.string().min(16).max(200).meta({
    title: 'Clé de signature',
    description: 'Clé commune avec le logiciel : elle signe les exports et les ordres',
  }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
