import { createHash, createVerify, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { leadsToLoopback } from '../core/loopback.js';
import { ApiRefusal, GrantRefusal } from './refusal.js';

const SCOPE = 'https://www.googleapis.com/auth/';
const ALL_SCOPES = ['calendar.events', 'calendar.calendarlist.readonly', 'calendar.events.freebusy'];
const ACCESS_S = 3600;
const text = z.string().min(1);

export const clientSeed = z.strictObject({
  id: text,
  secret: text,
  /** True: each refresh token is good for one use, and answered with the next one. */
  rotates: z.boolean().default(false),
});
export const grantSeed = z.strictObject({
  refreshToken: text,
  user: text,
  clientId: text,
  scopes: z.array(z.string()).default(ALL_SCOPES),
});
export const serviceAccountSeed = z.strictObject({
  email: text,
  /** PEM. */
  publicKey: text,
  /** In whose name it may act, with which scopes (domain-wide delegation). */
  subjects: z.array(z.string()).default([]),
  scopes: z.array(z.string()).default(ALL_SCOPES),
});

type Client = z.output<typeof clientSeed>;
type Grant = z.output<typeof grantSeed>;
type ServiceAccount = z.output<typeof serviceAccountSeed>;

/** Whom an access token stands for. */
export interface Caller {
  readonly user: string;
  readonly scopes: readonly string[];
}

const claimsShape = z.object({
  iss: text,
  sub: text.optional(),
  scope: text,
  aud: text,
  iat: z.number(),
  exp: z.number(),
});

const consentQuery = z.object({
  response_type: z.literal('code'),
  client_id: text,
  redirect_uri: text.refine(leadsToLoopback),
  scope: text,
  state: text,
  code_challenge: text,
  code_challenge_method: z.literal('S256'),
  access_type: z.string().optional(),
  /** Who consents. */
  login_hint: text,
});

/** Clients, grants and the tokens made of them. */
export class Accounts {
  #clients = new Map<string, Client>();
  #grants = new Map<string, Grant>();
  #serviceAccounts = new Map<string, ServiceAccount>();
  #codes = new Map<string, z.output<typeof consentQuery>>();
  #access = new Map<string, Caller & { readonly expiresAt: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  reset(): void {
    for (const map of [this.#clients, this.#grants, this.#serviceAccounts, this.#access, this.#codes]) map.clear();
  }

  putClient(client: Client): void {
    this.#clients.set(client.id, client);
  }

  putGrant(grant: Grant): void {
    this.#grants.set(grant.refreshToken, grant);
  }

  putServiceAccount(account: ServiceAccount): void {
    this.#serviceAccounts.set(account.email, account);
  }

  /** Makes every access token given so far useless; the grants stay. */
  expireAccess(): void {
    this.#access.clear();
  }

  /** The user withdraws his consent: all that came of it ends. */
  withdraw(user: string): void {
    for (const [token, grant] of this.#grants) if (grant.user === user) this.#grants.delete(token);
    for (const [token, caller] of this.#access) if (caller.user === user) this.#access.delete(token);
  }

  /** Revokes by any token of the grant. */
  revoke(token: string): void {
    const user = this.#grants.get(token)?.user ?? this.#access.get(token)?.user;
    if (user === undefined) throw new GrantRefusal(400, 'invalid_token');
    this.withdraw(user);
  }

  caller(authorization: string | undefined): Caller {
    const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
    const access = token === undefined ? undefined : this.#access.get(token);
    if (access === undefined || access.expiresAt <= this.#now()) throw new ApiRefusal(401, 'authError');
    return access;
  }

  /** The user ticks every box at once; answers the code that his browser takes back. */
  consent(query: Readonly<Record<string, string>>): { redirectUri: string; code: string; state: string } {
    const read = consentQuery.safeParse(query);
    if (!read.success || !this.#clients.has(read.data.client_id)) throw new GrantRefusal(400, 'invalid_request');
    const code = `4/${randomBytes(24).toString('base64url')}`;
    this.#codes.set(code, read.data);
    return { redirectUri: read.data.redirect_uri, code, state: read.data.state };
  }

  /** A code is good for one exchange by its client, at its address, with its verifier. */
  exchangeCode(form: Readonly<Record<string, string>>): object {
    const client = this.#clients.get(form['client_id'] ?? '');
    if (client === undefined || client.secret !== form['client_secret']) throw new GrantRefusal(401, 'invalid_client');
    const asked = this.#codes.get(form['code'] ?? '');
    this.#codes.delete(form['code'] ?? '');
    const challenge = createHash('sha256')
      .update(form['code_verifier'] ?? '')
      .digest('base64url');
    const expected = { client_id: client.id, redirect_uri: form['redirect_uri'], code_challenge: challenge };
    if (
      asked === undefined ||
      Object.entries(expected).some(([name, value]) => asked[name as keyof typeof asked] !== value)
    )
      throw new GrantRefusal(400, 'invalid_grant');
    const scopes = asked.scope.split(' ').map((one) => one.replace(SCOPE, ''));
    const grant = {
      refreshToken: `1//${randomBytes(24).toString('base64url')}`,
      user: asked.login_hint,
      clientId: client.id,
      scopes,
    };
    this.#grants.set(grant.refreshToken, grant);
    // Only who asks for access while the user is away gets more than an hour of it.
    return { ...this.#issue(grant), ...(asked.access_type === 'offline' && { refresh_token: grant.refreshToken }) };
  }

  refresh(form: Readonly<Record<string, string>>): object {
    const client = this.#clients.get(form['client_id'] ?? '');
    if (client === undefined || client.secret !== form['client_secret']) throw new GrantRefusal(401, 'invalid_client');
    const used = form['refresh_token'] ?? '';
    const grant = this.#grants.get(used);
    if (grant === undefined || grant.clientId !== client.id) throw new GrantRefusal(400, 'invalid_grant');
    const answer = this.#issue(grant);
    if (!client.rotates) return answer;
    const next = { ...grant, refreshToken: `1//${randomBytes(24).toString('base64url')}` };
    this.#grants.delete(used);
    this.#grants.set(next.refreshToken, next);
    return { ...answer, refresh_token: next.refreshToken };
  }

  /** RFC 7523, as Google's service accounts use it. */
  assert(assertion: string, audience: string): object {
    const { claims, account } = this.#proven(assertion);
    const now = this.#now() / 1000;
    const timely = claims.iat <= now + 5 && claims.exp > now && claims.exp - claims.iat <= ACCESS_S;
    if (claims.aud !== audience || !timely) throw new GrantRefusal(400, 'invalid_grant');
    const scopes = claims.scope.split(' ').map((one) => one.replace(SCOPE, ''));
    if (claims.sub === undefined) return this.#issue({ user: account.email, scopes });
    if (!account.subjects.includes(claims.sub) || !scopes.every((one) => account.scopes.includes(one)))
      throw new GrantRefusal(401, 'unauthorized_client');
    return this.#issue({ user: claims.sub, scopes });
  }

  #proven(assertion: string): { claims: z.output<typeof claimsShape>; account: ServiceAccount } {
    const [header = '', payload = '', signature = ''] = assertion.split('.');
    const read = claimsShape.safeParse(json(payload));
    const account = read.success ? this.#serviceAccounts.get(read.data.iss) : undefined;
    const signed = createVerify('RSA-SHA256').update(`${header}.${payload}`);
    if (!read.success || account === undefined || !signed.verify(account.publicKey, signature, 'base64url'))
      throw new GrantRefusal(400, 'invalid_grant');
    return { claims: read.data, account };
  }

  #issue({ user, scopes }: Caller): object {
    const token = `ya29.${randomBytes(24).toString('base64url')}`;
    this.#access.set(token, { user, scopes, expiresAt: this.#now() + ACCESS_S * 1000 });
    const scope = scopes.map((one) => SCOPE + one).join(' ');
    return { access_token: token, expires_in: ACCESS_S, token_type: 'Bearer', scope };
  }
}

function json(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
