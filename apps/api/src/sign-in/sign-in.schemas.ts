import { z } from 'zod';
import { idView } from '../shared/ids.js';
import { instantView } from '../shared/instants.js';

const organization = z.uuid().toLowerCase();

export const providersQuery = z.strictObject({
  organization: organization.meta({ description: 'Id of the organization.' }),
});

export const signInQuery = z.strictObject({
  organization,
  provider: z.uuid().toLowerCase().meta({ description: 'Id of one of /v1/sign-in/providers.' }),
  returnTo: z
    .string()
    .max(500)
    .regex(/^\/(?![/\\])[\x21-\x7e]*$/, 'must be a path of this address')
    .prefault('/')
    .meta({ description: 'Path to go to afterwards.' }),
});

const single = z.string().max(4000).optional().catch(undefined);

/** What the browser brings back (RFC 6749 4.1.2); servers add members of their own. */
export const callbackQuery = z.object({ state: single, code: single, error: single });

export const providerList = z
  .object({
    items: z.array(
      z
        .object({ id: idView, label: z.string(), kind: z.enum(['oidc', 'pro-sante-connect']) })
        .meta({ id: 'IdentityProvider' }),
    ),
  })
  .meta({ id: 'IdentityProviderList' });

export const sessionList = z
  .object({
    items: z.array(
      z
        .object({
          id: idView,
          current: z.boolean().meta({ description: 'The one that asks.' }),
          browser: z.string().nullable().meta({ description: 'What the browser says it is.' }),
          createdAt: instantView,
          seenAt: instantView.meta({ description: 'To the minute.' }),
          expiresAt: instantView.meta({ description: 'At the latest; half an hour without use ends it, too.' }),
        })
        .meta({ id: 'Session' }),
    ),
  })
  .meta({ id: 'SessionList' });

export const signedOut = z
  .object({
    signOutUrl: z
      .string()
      .nullable()
      .meta({ description: 'Page that signs out at the identity provider, too: open it in the browser.' }),
  })
  .meta({ id: 'SignedOut' });
