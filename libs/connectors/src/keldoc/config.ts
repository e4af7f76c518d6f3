import { z } from 'zod';

export const settings = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({
    title: 'Adresse de l’API partenaire',
    description: 'Adresse de base de l’API partenaire, par exemple https://www.keldoc.com/partners',
  }),
  motif: z.string().trim().min(1).max(200).meta({
    title: 'Motif des rendez-vous',
    description:
      'Nom du motif sous lequel les rendez-vous sont posés, ou son numéro (préférable : un nom peut changer)',
  }),
});

export const secrets = z.strictObject({
  accessKeyId: z
    .string()
    .regex(/^[A-Za-z0-9]{4,100}$/)
    .meta({ title: 'Identifiant de la clé', description: 'Identifiant de la clé d’accès (Access Key ID)' }),
  secretAccessKey: z
    .string()
    .min(8)
    .max(200)
    .meta({ title: 'Clé secrète', description: 'Clé secrète d’accès (Secret Access Key)' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
