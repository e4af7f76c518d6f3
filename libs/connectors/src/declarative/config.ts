import { z } from 'zod';
import { document } from './document.js';

export const settings = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .refine(isPlain, 'must hold neither a name and password nor a query')
    .meta({
      title: 'Adresse de l’API',
      description: 'Adresse de base de l’API de l’agenda ; rien n’est demandé ailleurs',
    }),
  document: document.meta({
    title: 'Description de l’agenda',
    description: 'Document JSON : chemins, champs, pages et erreurs de l’API (docs/declarative-connector.md)',
  }),
});

const text = z.string().min(1).max(500);

export const secrets = z.strictObject({
  token: text.optional().meta({ title: 'Jeton', description: 'Si l’agenda demande un jeton (bearer)' }),
  username: text.optional().meta({ title: 'Identifiant', description: 'Si l’agenda demande un mot de passe (basic)' }),
  password: text.optional().meta({ title: 'Mot de passe', description: 'Avec l’identifiant' }),
  key: text.optional().meta({ title: 'Clé', description: 'Si l’agenda demande une clé (en-tête ou paramètre)' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;

function isPlain(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password, search, hash } = new URL(address);
  return username === '' && password === '' && search === '' && hash === '';
}
