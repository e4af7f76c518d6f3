import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';

const address = z.url({ protocol: /^https?$/ }).max(2000);
const text = z.string().min(1).max(4000);

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

/** The URLs are Google's own unless a relay or a simulator stands in its place. */
export const settings = z.strictObject({
  rootUrl: address.default('https://www.googleapis.com').meta({
    title: 'Adresse de l’API',
    description: 'Adresse sous laquelle se trouve /calendar/v3',
  }),
  tokenUrl: address.default('https://oauth2.googleapis.com/token').meta({
    title: 'Adresse des jetons',
    description: 'Adresse qui échange une autorisation contre un jeton d’accès',
  }),
  authUrl: address.default('https://accounts.google.com/o/oauth2/v2/auth').meta({
    title: 'Adresse du consentement',
    description: 'Page sur laquelle le praticien accorde l’accès',
  }),
  revokeUrl: address.default('https://oauth2.googleapis.com/revoke').meta({
    title: 'Adresse de révocation',
    description: 'Adresse qui met fin à une autorisation',
  }),
  subject: z.email().optional().meta({
    title: 'Adresse du praticien',
    description: 'Pour un compte de service avec délégation au niveau du domaine : au nom de qui il agit',
  }),
  calendarIds: z.array(text).max(100).optional().meta({
    title: 'Agendas partagés',
    description:
      'Identifiants d’agendas partagés avec le compte sans figurer dans sa liste, comme pour un compte de service',
  }),
});

export const secrets = z.strictObject({
  auth: z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('oauth'),
        clientId: text.meta({ title: 'Identifiant du client OAuth' }),
        clientSecret: text.meta({ title: 'Secret du client OAuth' }),
        refreshToken: text.optional().meta({
          title: 'Jeton d’actualisation',
          description: 'Laisser vide : il vient avec le consentement du praticien',
        }),
      }),
      z.strictObject({
        type: z.literal('service-account'),
        clientEmail: z.email().meta({ title: 'Adresse du compte de service' }),
        privateKey: z
          .string()
          .max(8000)
          .refine(isPrivateKey, 'not an RSA private key in PEM')
          .meta({ title: 'Clé privée', description: 'Champ private_key du fichier de clé JSON' }),
      }),
    ])
    .meta({ title: 'Authentification' }),
});

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
