import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readForms } from '../core/forms.js';
import type { Client, Scope } from './model.js';
import type { Setup } from './practice.js';
import { HardRefusal } from './refusal.js';

const TOKEN_S = 15 * 60;

/** OAuth 2 client credentials (RFC 6749 4.4), with tokens that live for a quarter of an hour. */
export class Tokens {
  readonly #issued = new Map<string, { readonly clientId: string; readonly expiresAt: number }>();

  constructor(
    private readonly setup: Setup,
    private readonly now: () => number,
  ) {}

  /** Ends every token at once. */
  clear(): void {
    this.#issued.clear();
  }

  register(scope: FastifyInstance): void {
    readForms(scope);
    scope.post('/oauth/token', (request, reply) => {
      reply.header('cache-control', 'no-store');
      const form = (request.body ?? {}) as Record<string, string | undefined>;
      if (form['grant_type'] !== 'client_credentials') throw new HardRefusal(400, { error: 'unsupported_grant_type' });
      return this.#issue(this.#known(form['client_id'] ?? '', form['client_secret'] ?? ''));
    });
  }

  /** The client behind a bearer token, provided it has the right. */
  client(request: FastifyRequest, scope?: Scope): Client {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const issued = this.#issued.get(token);
    const client = this.setup.clients.get(issued?.clientId ?? '');
    if (!issued || !client || issued.expiresAt <= this.now()) throw new HardRefusal(401, { error: 'invalid_token' });
    if (scope !== undefined && !client.scopes.includes(scope))
      throw new HardRefusal(403, { error: 'insufficient_scope', scope });
    return client;
  }

  #known(id: string, secret: string): Client {
    const client = this.setup.clients.get(id);
    if (!client || !timingSafeEqual(digest(client.secret), digest(secret)))
      throw new HardRefusal(401, { error: 'invalid_client' });
    return client;
  }

  #issue({ id, scopes }: Client): object {
    const token = randomBytes(24).toString('base64url');
    this.#issued.set(token, { clientId: id, expiresAt: this.now() + TOKEN_S * 1000 });
    return { access_token: token, token_type: 'Bearer', expires_in: TOKEN_S, scope: scopes.join(' ') };
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
