import { parseApiKey, type ApiKeyText } from '#platform';

/** A refusal in OAuth's own words (RFC 6749 5.2). */
export class OAuthRefusal extends Error {
  constructor(
    readonly error: 'invalid_request' | 'invalid_client' | 'invalid_scope' | 'unsupported_grant_type',
    message: string,
  ) {
    super(message);
  }
}

/** What a client sends to the token endpoint. */
export interface ClientRequest {
  /** Its key, in two parts; `null` when it cannot be one. */
  readonly client: ApiKeyText | null;
  /** The remaining parameters. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads a form and who sends it, by `client_secret_basic` or `client_secret_post` (RFC 6749 2.3.1). */
export function readClientRequest(
  headers: Readonly<{ authorization?: string | undefined; 'content-type'?: string | undefined }>,
  body: unknown,
): ClientRequest {
  const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '');
  if (!isForm || !Buffer.isBuffer(body))
    throw new OAuthRefusal('invalid_request', 'the body must be application/x-www-form-urlencoded');
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (parameters.has(name)) throw new OAuthRefusal('invalid_request', 'a parameter is there twice');
    if (value !== '') parameters.set(name, value);
  }
  const posted = [parameters.get('client_id'), parameters.get('client_secret')] as const;
  const basic = headers.authorization;
  if (basic !== undefined && posted[1] !== undefined)
    throw new OAuthRefusal('invalid_request', 'a client names itself in the header or in the body, not in both');
  const [id, secret] = basic === undefined ? posted : readBasic(basic);
  return { client: parseApiKey(`unisson_${id ?? ''}_${secret ?? ''}`), parameters };
}

function readBasic(header: string): readonly [string | undefined, string | undefined] {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1];
  const [id, secret] = Buffer.from(encoded ?? '', 'base64')
    .toString('utf8')
    .split(':', 2);
  return [id, secret];
}

/** The scopes asked for, all there are without any. Throws `invalid_scope` when one is not among them. */
export function narrowScopes(asked: string | undefined, allowed: ReadonlySet<string>): readonly string[] {
  if (asked === undefined) return [...allowed];
  const scopes = [...new Set(asked.split(' ').filter((scope) => scope !== ''))];
  if (scopes.length === 0 || scopes.some((scope) => !allowed.has(scope)))
    throw new OAuthRefusal('invalid_scope', 'this client may not have all these scopes');
  return scopes;
}
