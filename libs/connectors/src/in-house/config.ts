import { z } from 'zod';

export const settings = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({
    title: 'Adresse de l’API',
    description: 'Adresse de base de l’API de l’agenda, par exemple https://agenda.example.fr/in-house/api',
  }),
});

export const secrets = z.strictObject({
  apiKey: z.string().min(8).max(200).meta({ title: 'Clé d’API', description: 'Clé remise par l’éditeur de l’agenda' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
