import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Accounts } from './accounts.js';
import { GrantRefusal } from './refusal.js';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** The token endpoint (RFC 6749, RFC 7523). */
export function registerTokens(scope: FastifyInstance, accounts: Accounts): void {
  scope.post('/token', (request) => {
    const form = (request.body ?? {}) as Record<string, string>;
    if (form['grant_type'] === 'refresh_token') return accounts.refresh(form);
    if (form['grant_type'] === 'authorization_code') return accounts.exchangeCode(form);
    if (form['grant_type'] === JWT_BEARER) return accounts.assert(form['assertion'] ?? '', ownUrl(request));
    throw new GrantRefusal(400, 'unsupported_grant_type');
  });
  scope.get('/o/oauth2/v2/auth', (request, reply) => {
    const query = request.query as Record<string, string>;
    const { redirectUri, code, state } = accounts.consent(query);
    // As if the person had pressed "Cancel" instead of "Allow".
    const answer = query['pressed'] === 'cancel' ? { error: 'access_denied', state } : { state, code, authuser: '0' };
    return reply.redirect(`${redirectUri}?${new URLSearchParams(answer).toString()}`);
  });
  scope.post('/revoke', (request) => {
    const query = request.query as { token?: string };
    accounts.revoke(query.token ?? (request.body as { token?: string } | undefined)?.token ?? '');
    return {};
  });
}

function ownUrl(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}${request.url}`;
}
