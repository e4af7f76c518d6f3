import type { ApiBodyOptions } from '@nestjs/swagger';
import { z } from 'zod';

type SchemaObject = Extract<ApiBodyOptions, { schema: unknown }>['schema'];

/** RFC 6749 5.1. */
export const tokenView = z
  .object({
    access_token: z.string().meta({ description: 'Send it as `Authorization: Bearer …`, like a key.' }),
    token_type: z.literal('Bearer'),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    scope: z.string().meta({ description: 'The scopes it has, with a space between them.' }),
  })
  .meta({ id: 'AccessToken' });

/** RFC 6749 5.2. */
export const oauthError = z.object({ error: z.string(), error_description: z.string() }).meta({ id: 'OAuthError' });

/** RFC 8414. */
export const serverMetadata = z
  .object({
    issuer: z.string(),
    token_endpoint: z.string(),
    revocation_endpoint: z.string(),
    grant_types_supported: z.array(z.string()),
    response_types_supported: z.array(z.string()),
    token_endpoint_auth_methods_supported: z.array(z.string()),
    revocation_endpoint_auth_methods_supported: z.array(z.string()),
    scopes_supported: z.array(z.string()),
    service_documentation: z.string(),
  })
  .meta({ id: 'AuthorizationServer' });

const text = { type: 'string' } as const;

/** The form of a token request, for the document alone: OAuth has its own refusals. */
export const tokenForm = {
  type: 'object',
  required: ['grant_type'],
  properties: {
    grant_type: { type: 'string', enum: ['client_credentials'] },
    scope: { ...text, description: 'Scopes with a space between them; all of the key without it.' },
    client_id: { ...text, description: 'With `client_secret`, when there is no Basic header.' },
    client_secret: text,
  },
} satisfies SchemaObject;

export const revocationForm = {
  type: 'object',
  required: ['token'],
  properties: { token: text, token_type_hint: text, client_id: text, client_secret: text },
} satisfies SchemaObject;
