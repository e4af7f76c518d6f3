import { createRemoteJWKSet, customFetch as keysFetch, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import * as client from 'openid-client';
import {
  OpenIdProviders,
  ProviderUnavailable,
  type IdentityProvider,
  type Person,
  type SignInSecrets,
} from '#application';
import { createHttp, type ConnectorContext, type Http } from '#connector-sdk';
import { isStronglyAuthenticated, nationalIdOf } from '#domain';
import { ShortMemory } from './short-memory.js';

/** Asymmetric ones alone: with a shared secret whoever checks a token could make one, and `none` proves nothing. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const SKEW_SECONDS = 30;
/** An access token that says so itself (RFC 9068), or a plain one. */
const TOKEN_TYPES = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt']);
/** Metadata are looked at again after this. */
const BELIEVED_MS = 600_000;
const MAX_PROVIDERS = 1000;
/** An unknown key id asks for the keys again, at most this often. */
const KEYS_COOLDOWN_MS = 5000;
const MAX_BYTES = 512 * 1024;

/** What the token itself is to blame for; everything else is the provider being unwell. */
const REFUSED =
  /^(ERR_(JWT_|JWS_|JOSE_ALG_|JOSE_NOT_SUPPORTED|JWKS_NO_|JWKS_MULTIPLE_)|OAUTH_(JWT_|JSON_|INVALID_RESPONSE|UNSUPPORTED_))/;

interface Known {
  readonly configuration: client.Configuration;
  readonly keys: JWTVerifyGetKey;
}

/** OpenID Connect and its tokens, by openid-client and jose, over the guarded HTTP that every outside URL goes through. */
export class GuardedOpenIdProviders extends OpenIdProviders {
  private readonly known = new ShortMemory<Promise<Known>>(BELIEVED_MS, MAX_PROVIDERS);
  private readonly http: Http;

  constructor(private readonly context: ConnectorContext) {
    super();
    this.http = createHttp(context);
  }

  async check(provider: IdentityProvider): Promise<void> {
    await this.discovered(provider).catch((error: unknown) => {
      throw unavailable(error);
    });
  }

  async authorizationUrl(provider: IdentityProvider, secrets: SignInSecrets): Promise<string> {
    const { configuration } = await this.open(provider);
    const professional = provider.kind === 'pro-sante-connect';
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: secrets.redirectUri,
      scope: professional ? 'openid scope_all' : 'openid',
      ...(professional ? { acr_values: 'eidas1' } : {}),
      state: secrets.state,
      nonce: secrets.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(secrets.verifier),
      code_challenge_method: 'S256',
    });
    return url.href;
  }

  person(provider: IdentityProvider, back: SignInSecrets & { query: string }): Promise<Person | null> {
    return refusedAsNull(async () => {
      const { configuration, keys } = await this.open(provider);
      const url = new URL(back.redirectUri);
      url.search = back.query;
      const tokens = await client.authorizationCodeGrant(configuration, url, {
        pkceCodeVerifier: back.verifier,
        expectedState: back.state,
        expectedNonce: back.nonce,
        idTokenExpected: true,
      });
      const idToken = tokens.id_token ?? '';
      const { payload } = await jwtVerify(idToken, keys, {
        issuer: provider.issuer,
        audience: provider.clientId,
        algorithms: ALGORITHMS,
        clockTolerance: SKEW_SECONDS,
        requiredClaims: ['sub', 'exp'],
      });
      const subject = payload.sub ?? '';
      if (subject === '') return null;
      if (provider.kind === 'oidc') return { subject, nationalId: null, idToken };
      if (!isStronglyAuthenticated(payload)) return null;
      const claims = await client.fetchUserInfo(configuration, tokens.access_token, subject);
      return { subject, nationalId: nationalIdOf(claims), idToken };
    });
  }

  async signOutUrl(
    provider: IdentityProvider,
    { idToken, returnTo }: { idToken: string; returnTo: string },
  ): Promise<string | null> {
    const { configuration } = await this.open(provider);
    if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
    const parameters = { id_token_hint: idToken, post_logout_redirect_uri: returnTo };
    return client.buildEndSessionUrl(configuration, parameters).href;
  }

  async accepts(provider: IdentityProvider, token: string): Promise<'accepted' | 'expired' | 'refused'> {
    const { keys } = await this.open(provider);
    try {
      const { protectedHeader } = await jwtVerify(token, keys, {
        issuer: provider.issuer,
        audience: provider.audience ?? '',
        algorithms: ALGORITHMS,
        clockTolerance: SKEW_SECONDS,
        requiredClaims: ['sub', 'exp'],
      });
      return TOKEN_TYPES.has(protectedHeader.typ?.toLowerCase()) ? 'accepted' : 'refused';
    } catch (error) {
      // Its signature was right.
      if (error instanceof errors.JWTExpired) return 'expired';
      if (isRefusal(error)) return 'refused';
      throw unavailable(error);
    }
  }

  close(): void {
    this.http.close();
  }

  /** What a provider says of itself. Failures are not remembered. */
  private open(provider: IdentityProvider): Promise<Known> {
    const { organizationId, id, issuer, clientId, clientSecret } = provider;
    const name = JSON.stringify([organizationId, id, issuer, clientId, clientSecret]);
    const known = this.known.get(name);
    if (known) return known.catch(() => this.discover(provider, name));
    return this.discover(provider, name);
  }

  private discover(provider: IdentityProvider, name: string): Promise<Known> {
    const opening = this.discovered(provider).catch((error: unknown) => {
      throw unavailable(error);
    });
    this.known.set(name, opening);
    return opening;
  }

  private async discovered({ issuer, clientId, clientSecret }: IdentityProvider): Promise<Known> {
    const fetch = (url: string, asked: Asked): Promise<Response> => this.fetch(url, asked);
    const url = new URL(issuer);
    // Plain HTTP only where the installation lets connections into its own network.
    const plain = url.protocol === 'http:' && this.context.allowPrivateNetworks;
    const configuration = await client.discovery(
      url,
      clientId,
      {},
      clientSecret === null ? client.None() : client.ClientSecretBasic(clientSecret),
      {
        [client.customFetch]: fetch,
        timeout: this.context.timeoutMs / 1000,
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to warn of it
        execute: plain ? [client.allowInsecureRequests] : [],
      },
    );
    const { jwks_uri: keysUrl } = configuration.serverMetadata();
    if (keysUrl === undefined || (!plain && !keysUrl.startsWith('https:')))
      throw new ProviderUnavailable('the provider names no address of its keys that can be used');
    const keys = createRemoteJWKSet(new URL(keysUrl), {
      [keysFetch]: fetch,
      cooldownDuration: KEYS_COOLDOWN_MS,
      timeoutDuration: this.context.timeoutMs,
    });
    return { configuration, keys };
  }

  private async fetch(url: string, { method = 'GET', headers, body, signal }: Asked): Promise<Response> {
    const text = body instanceof URLSearchParams ? body.toString() : typeof body === 'string' ? body : undefined;
    const answer = await this.http.send({
      method,
      url,
      headers: Object.fromEntries(new Headers(headers)),
      ...(text === undefined ? {} : { body: text }),
      signal: signal ?? AbortSignal.timeout(this.context.timeoutMs),
      write: method !== 'GET',
      maxBytes: MAX_BYTES,
    });
    const kept = ['content-type', 'www-authenticate'].flatMap((name) => {
      const value = answer.headers[name];
      return value === undefined ? [] : [[name, value] as [string, string]];
    });
    return new Response(answer.body === '' ? null : answer.body, { status: answer.status, headers: kept });
  }
}

interface Asked {
  readonly method?: string;
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  readonly body?: unknown;
  readonly signal?: AbortSignal | null | undefined;
}

async function refusedAsNull(work: () => Promise<Person | null>): Promise<Person | null> {
  try {
    return await work();
  } catch (error) {
    if (isRefusal(error)) return null;
    throw unavailable(error);
  }
}

/** The answer was read, and does not prove what it should. */
function isRefusal(error: unknown): boolean {
  if (error instanceof client.ResponseBodyError) return error.status < 500;
  if (error instanceof client.AuthorizationResponseError || error instanceof client.WWWAuthenticateChallengeError)
    return true;
  const code = error instanceof errors.JOSEError || error instanceof client.ClientError ? error.code : undefined;
  return REFUSED.test(code ?? '');
}

function unavailable(error: unknown): ProviderUnavailable {
  return error instanceof ProviderUnavailable
    ? error
    : new ProviderUnavailable('the identity provider cannot be reached', { cause: error });
}
