import { createPrivateKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';

export const settings = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).meta({
    title: 'Adresse de l’API',
    description: 'Adresse de base de l’API de l’agenda, par exemple https://agenda.example.fr/in-house/api',
  }),
  leases: z.boolean().optional().meta({
    title: 'Garde des créneaux',
    description: 'L’agenda peut garder un créneau une minute pendant que le patient est au téléphone',
  }),
  authority: z
    .string()
    .max(20_000)
    .refine((pem) => certificateIn(pem) !== null, 'not a certificate in PEM')
    .optional()
    .meta({
      title: 'Autorité du serveur',
      description:
        'Certificat (PEM) de l’autorité privée qui a signé celui du serveur ; laisser vide si elle est publique',
    }),
});

export const secrets = z
  .strictObject({
    apiKey: z.string().min(8).max(200).optional().meta({
      title: 'Clé d’API',
      description: 'Clé remise par l’éditeur de l’agenda ; inutile avec un certificat',
    }),
    certificate: z
      .string()
      .max(20_000)
      .refine((pem) => certificateIn(pem) !== null, 'not a certificate in PEM')
      .optional()
      .meta({
        title: 'Certificat client',
        description:
          'Certificat (PEM) remis pour ce service, suivi le cas échéant de ceux qui le rattachent à son autorité',
      }),
    privateKey: z
      .string()
      .max(20_000)
      .refine(isPrivateKey, 'not a private key in PEM without a passphrase')
      .optional()
      .meta({ title: 'Clé privée du certificat', description: 'Clé (PEM, sans phrase secrète) de ce certificat' }),
  })
  .refine(({ apiKey, certificate }) => apiKey !== undefined || certificate !== undefined, {
    path: ['apiKey'],
    message: 'a key or a certificate is needed',
  })
  .refine(belongsTogether, { path: ['privateKey'], message: 'not the private key of this certificate' });

/** The first certificate of a PEM text; `null`: there is none. */
export function certificateIn(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).type === 'private';
  } catch {
    return false;
  }
}

function belongsTogether({
  certificate,
  privateKey,
}: {
  certificate?: string | undefined;
  privateKey?: string | undefined;
}): boolean {
  if (certificate === undefined || privateKey === undefined) return certificate === privateKey;
  const shown = certificateIn(certificate);
  // What cannot be read at all is said of its own field.
  return shown === null || !isPrivateKey(privateKey) || shown.checkPrivateKey(createPrivateKey(privateKey));
}

export type Settings = z.output<typeof settings>;
export type Secrets = z.output<typeof secrets>;
