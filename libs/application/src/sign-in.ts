import { createHash } from 'node:crypto';
import { newId } from './ids.js';
import { ProviderUnavailable, type IdentityProvider, type OpenIdProviders, type SignInStore } from './sign-in-ports.js';

/** A secret that names its row: the text for the browser, the hash for the database. */
export interface Named {
  readonly text: string;
  readonly secretHash: Buffer;
}

export interface SignInParts {
  readonly store: SignInStore;
  readonly providers: OpenIdProviders;
  readonly issue: (organizationId: string, id: string) => Named;
  readonly newSecret: () => string;
  /** Where a browser comes back to; `null`: nobody can sign in. */
  readonly redirectUri: string | null;
}

export type SignInBegun =
  | { readonly outcome: 'begun'; readonly url: string; readonly browser: string }
  | { readonly outcome: 'provider-unknown' | 'no-public-url' | 'unreachable' };

export type SignInFinished =
  | { readonly outcome: 'signed-in'; readonly session: string; readonly returnTo: string }
  | { readonly outcome: 'person-unknown'; readonly subject: string; readonly provider: string }
  | { readonly outcome: 'over' | 'denied' | 'refused' | 'inactive' | 'unreachable' };

/** What a browser brings back. */
export interface CameBack {
  readonly organizationId: string;
  readonly id: string;
  readonly state: string;
  readonly stateHash: Buffer;
  /** The secret that the browser was given when it left. */
  readonly browser: string;
  readonly query: string;
  readonly denied: boolean;
  readonly agent: string | null;
}

const LIFE_MS = 600_000;

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Signs people in at their organization's OpenID provider, into a session of the console. */
export class SignIn {
  constructor(private readonly parts: SignInParts) {}

  /** Sends a browser to the provider. `browser` is a secret for that browser alone: what comes back must come with it. */
  async begin(key: { organizationId: string; id: string }, returnTo: string): Promise<SignInBegun> {
    const { store, providers, issue, newSecret, redirectUri } = this.parts;
    if (redirectUri === null) return { outcome: 'no-public-url' };
    const provider = await store.provider(key);
    if (provider === null) return { outcome: 'provider-unknown' };
    const { organizationId } = key;
    const [id, browser] = [newId(), newSecret()];
    const { text: state, secretHash: stateHash } = issue(organizationId, id);
    try {
      const url = await providers.authorizationUrl(provider, { state, ...derived(browser), redirectUri });
      const browserHash = sha256(browser);
      await store.begin({
        organizationId,
        id,
        providerId: provider.id,
        stateHash,
        browserHash,
        returnTo,
        lifeMs: LIFE_MS,
      });
      return { outcome: 'begun', url, browser };
    } catch (error) {
      if (error instanceof ProviderUnavailable) return { outcome: 'unreachable' };
      throw error;
    }
  }

  /** Takes a browser back: once, in the browser that left, within ten minutes. */
  async finish(back: CameBack): Promise<SignInFinished> {
    const { store, redirectUri } = this.parts;
    const { organizationId, id, stateHash, browser } = back;
    if (redirectUri === null) return { outcome: 'over' };
    const taken = await store.take({ organizationId, id, stateHash, browserHash: sha256(browser) });
    const provider = taken && (await store.provider({ organizationId, id: taken.providerId }));
    if (!provider) return { outcome: 'over' };
    if (back.denied) return { outcome: 'denied' };
    try {
      return await this.admit(provider, { ...back, returnTo: taken.returnTo, redirectUri });
    } catch (error) {
      if (error instanceof ProviderUnavailable) return { outcome: 'unreachable' };
      throw error;
    }
  }

  /** Ends a session of this collaborator. Resolves to the provider's page that ends its own, `null` without a session. */
  async end(
    session: { organizationId: string; id: string; collaboratorId: string },
    returnTo: string,
  ): Promise<{ signOutUrl: string | null } | null> {
    const { store, providers } = this.parts;
    const ended = await store.end(session);
    if (ended === null) return null;
    const provider = await store.provider({ organizationId: session.organizationId, id: ended.providerId });
    if (provider === null) return { signOutUrl: null };
    try {
      return { signOutUrl: await providers.signOutUrl(provider, { idToken: ended.idToken, returnTo }) };
    } catch (error) {
      // Here he is signed out, whatever the provider says.
      if (error instanceof ProviderUnavailable) return { signOutUrl: null };
      throw error;
    }
  }

  private async admit(
    provider: IdentityProvider,
    back: CameBack & { returnTo: string; redirectUri: string },
  ): Promise<SignInFinished> {
    const { store, providers, issue } = this.parts;
    const { state, redirectUri, query, browser, agent, returnTo } = back;
    const person = await providers.person(provider, { state, ...derived(browser), redirectUri, query });
    if (person === null) return { outcome: 'refused' };
    const identity = await store.identify(provider, person);
    if (identity === null) return { outcome: 'person-unknown', subject: person.subject, provider: provider.label };
    if (!identity.active) return { outcome: 'inactive' };
    const { organizationId } = provider;
    const id = newId();
    const { text: session, secretHash } = issue(organizationId, id);
    const { idToken } = person;
    await store.open({ organizationId, id, identityId: identity.id, secretHash, idToken, browser: agent });
    return { outcome: 'signed-in', session, returnTo };
  }
}

/** Nonce and verifier come from the browser's secret, so that the database keeps neither. */
function derived(browser: string): { nonce: string; verifier: string } {
  const from = (use: string): string => sha256(`${use}|${browser}`).toString('base64url');
  return { nonce: from('nonce'), verifier: from('verifier') };
}
