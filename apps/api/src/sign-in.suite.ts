import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { importJWK, SignJWT, type JWK } from 'jose';
import Provider, { type Configuration } from 'oidc-provider';
import { providerSecret } from '#persistence';
import type { Practice } from '../../../test/support/practice.js';
import { TestApi } from './api.suite.js';

export const PUBLIC_URL = 'https://unisson.example';
export const AUDIENCE = 'https://unisson.example/api';
export const CLIENT = { id: 'unisson', secret: 'a-secret-of-the-console-32-letters' } as const;

/** Who is signed in at the provider, and what it says of him. */
export interface Login {
  readonly accountId: string;
  readonly acr?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

function newKey(): JWK {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'ES256' };
}

/** A real OpenID provider on loopback; whoever comes is signed in as `login`. */
export class TestProvider {
  login: Login = { accountId: 'claire' };
  /** How often its keys were asked for. */
  keysAsked = 0;
  key = newKey();
  private handler: ReturnType<Provider['callback']> | null = null;

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {}

  static async start(): Promise<TestProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const provider = new TestProvider(server, `http://127.0.0.1:${String(port)}`);
    provider.rotate();
    server.on('request', (request, response) => {
      if (request.url === '/jwks') provider.keysAsked += 1;
      void provider.handler?.(request, response);
    });
    return provider;
  }

  /** A new key; the one before is gone. */
  rotate(): void {
    this.key = newKey();
    const provider = new Provider(this.issuer, this.configuration());
    provider.use(async (context, next) => {
      if (!context.path.startsWith('/interaction/')) return next();
      const { accountId, acr } = this.login;
      const { prompt, params } = await provider.interactionDetails(context.req, context.res);
      const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
      grant.addOIDCScope('openid scope_all');
      grant.addResourceScope(AUDIENCE, 'api');
      const result =
        prompt.name === 'login'
          ? { login: { accountId, ...(acr === undefined ? {} : { acr }) } }
          : { consent: { grantId: await grant.save() } };
      await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: true });
      return undefined;
    });
    this.handler = provider.callback();
  }

  /** A token with this provider's key, as it would make one itself but for what is changed. */
  async token(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const all = { iss: this.issuer, sub: 'claire', aud: AUDIENCE, iat: now, exp: now + 300, ...claims };
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return new SignJWT(kept)
      .setProtectedHeader({ alg: 'ES256', kid: this.key.kid!, typ: 'at+jwt', ...header })
      .sign(await importJWK(this.key, 'ES256'));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private configuration(): Configuration {
    const shared = { response_types: ['code'] as ['code'], grant_types: ['authorization_code'] };
    return {
      jwks: { keys: [this.key] },
      clients: [
        {
          ...shared,
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          redirect_uris: [`${PUBLIC_URL}/v1/sign-in/callback`],
          post_logout_redirect_uris: [`${PUBLIC_URL}/`],
          id_token_signed_response_alg: 'ES256',
        },
        {
          ...shared,
          client_id: 'phone',
          token_endpoint_auth_method: 'none',
          redirect_uris: ['https://phone.example/back'],
          id_token_signed_response_alg: 'ES256',
        },
      ],
      cookies: { keys: ['a', 'b'] },
      scopes: ['openid', 'scope_all'],
      acrValues: ['eidas1'],
      claims: { acr: null, openid: ['sub'], scope_all: ['SubjectNameID', 'otherIds', 'SubjectRefPro'] },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      findAccount: (_, accountId) => ({
        accountId,
        claims: () => ({ sub: accountId, ...this.login.claims }),
      }),
      features: {
        devInteractions: { enabled: false },
        rpInitiatedLogout: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => undefined,
          getResourceServerInfo: () => ({
            scope: 'api',
            audience: AUDIENCE,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          }),
        },
      },
    };
  }
}

/** A browser: keeps cookies by host, follows nothing by itself. */
export class Browser {
  private readonly jars = new Map<string, Map<string, string>>();

  async get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie: this.cookies(url), ...headers } });
    for (const cookie of answer.headers.getSetCookie()) this.keep(url, cookie);
    return answer;
  }

  /** Follows a chain of redirects until one leads to `end`, and gives that address. */
  async followTo(end: string, from: string): Promise<string> {
    let at = from;
    for (let n = 0; n < 12; n += 1) {
      const answer = await this.get(at);
      const location = answer.headers.get('location');
      if (location === null) throw new Error(`no redirect: ${String(answer.status)} ${await answer.text()}`);
      at = new URL(location, at).href;
      if (at.startsWith(end)) return at;
    }
    throw new Error('too many redirects');
  }

  cookies(url: string): string {
    return [...this.jar(url)].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  private keep(url: string, cookie: string): void {
    const [pair = ''] = cookie.split(';');
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (value === '' || /max-age=0/i.test(cookie)) this.jar(url).delete(name);
    else this.jar(url).set(name, value);
  }

  private jar(url: string): Map<string, string> {
    const { host } = new URL(url);
    const jar = this.jars.get(host) ?? new Map<string, string>();
    this.jars.set(host, jar);
    return jar;
  }
}

/** A practice whose people sign in at a real provider; Claire is linked. */
export class SignInDesk {
  private constructor(
    readonly api: TestApi,
    readonly idp: TestProvider,
    readonly practice: Practice,
    readonly provider: string,
  ) {}

  static async start(): Promise<SignInDesk> {
    // The provider says at length that it is not set up for production.
    for (const level of ['warn', 'info'] as const) jest.spyOn(console, level).mockImplementation(() => undefined);
    const idp = await TestProvider.start();
    const api = await TestApi.start({ PUBLIC_URL, TRUSTED_PROXIES: '127.0.0.1', SIGN_IN_FAILURES_PER_MINUTE: '10' });
    const desk = new SignInDesk(api, idp, await api.practice(), randomUUID());
    await desk.newProvider(idp.issuer, desk.provider);
    await desk.link({ subject: 'claire' });
    return desk;
  }

  async newProvider(issuer: string, id: string = randomUUID()): Promise<string> {
    const { organization } = this.practice;
    const sealed = await this.api.parts.recognition.vault.seal(
      organization,
      providerSecret(id),
      Buffer.from(CLIENT.secret),
    );
    await this.api.sql(
      this.practice,
      `INSERT INTO identity_provider (organization_id, id, label, issuer, client_id, client_secret_sealed, audience) VALUES ($1, $2, 'Annuaire', $3, $4, $5, $6)`,
      [organization, id, issuer, CLIENT.id, sealed, AUDIENCE],
    );
    return id;
  }

  async link(
    { subject = null, nationalId = null }: { subject?: string | null; nationalId?: string | null },
    collaborator = this.practice.collaborator,
  ): Promise<string> {
    const id = randomUUID();
    await this.api.sql(
      this.practice,
      'INSERT INTO identity (organization_id, id, provider_id, collaborator_id, subject, national_id, scopes) VALUES ($1, $2, $3, $4, $5, $6, $7)',
      [
        this.practice.organization,
        id,
        this.provider,
        collaborator,
        subject,
        nationalId,
        ['agenda:read', 'appointment:write'],
      ],
    );
    return id;
  }

  async colleague(active = true): Promise<string> {
    const id = randomUUID();
    const text = 'INSERT INTO collaborator (organization_id, id, display_name, active) VALUES ($1, $2, $3, $4)';
    await this.api.sql(this.practice, text, [this.practice.organization, id, 'Anne', active]);
    return id;
  }

  async stop(): Promise<void> {
    await this.api.stop();
    await this.idp.stop();
  }
}
