import { ConnectorError, createHttp, type Consent, type ConnectorContext, type Http } from '#connector-sdk';
import type { secrets, settings } from './config.js';
import { shared } from './schemas.js';
import { exchangeGrant, json, revokeGrant, SCOPES } from './token-endpoint.js';

/** The code flow of Google's authorization server, with a proof key (RFC 6749 4.1, RFC 7636). */
export const consent: Consent<typeof settings, typeof secrets> = {
  client({ auth }) {
    return auth.type === 'oauth' ? { clientId: auth.clientId, clientSecret: auth.clientSecret } : null;
  },

  url({ authUrl }, { clientId, redirectUri, state, challenge }) {
    const url = new URL(authUrl);
    const parameters = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      scope: SCOPES.join(' '),
      // Without both of these no refresh token comes, or only the first time.
      access_type: 'offline',
      prompt: 'consent',
      state,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  },

  exchange(account, { clientId, clientSecret, redirectUri, code, verifier }, { context, signal }) {
    return withHttp(context, async (http) => {
      const form = {
        grant_type: 'authorization_code',
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uri: redirectUri,
        code,
        code_verifier: verifier,
      };
      const { refreshToken, scopes } = await exchangeGrant({ settings: account, http, context }, form, signal);
      if (refreshToken === null) throw new ConnectorError('invalid', 'Google gave no refresh token');
      // The person may have left a box unticked.
      if (scopes !== null && SCOPES.some((scope) => !scopes.includes(scope)))
        throw new ConnectorError('forbidden', 'not every right that is needed was granted');
      return { auth: { type: 'oauth' as const, clientId, clientSecret, refreshToken } };
    });
  },

  async revoke(account, { context, signal }) {
    const { auth } = account.secrets;
    if (auth.type !== 'oauth') return;
    const kept = shared.safeParse(json((await context.tokens?.read()) ?? ''));
    const token = kept.success ? kept.data.refreshToken : auth.refreshToken;
    // Never granted: nothing to withdraw.
    if (token === undefined) return;
    await withHttp(context, (http) => revokeGrant({ settings: account.settings, http, context }, token, signal));
  },
};

async function withHttp<T>(context: ConnectorContext, work: (http: Http) => Promise<T>): Promise<T> {
  const http = createHttp(context);
  try {
    return await work(http);
  } finally {
    http.close();
  }
}
