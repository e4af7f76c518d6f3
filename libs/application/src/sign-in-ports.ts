/** Where people of an organization sign in. */
export interface IdentityProvider {
  readonly organizationId: string;
  readonly id: string;
  readonly label: string;
  readonly kind: 'oidc' | 'pro-sante-connect';
  /** The issuer's URL, as it stands in its tokens. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | null;
  /** Whom its access tokens must be meant for; `null`: none are accepted. */
  readonly audience: string | null;
}

/** Who a person is here. */
export interface Identity {
  readonly id: string;
  readonly collaboratorId: string;
  readonly scopes: readonly string[];
  /** The collaborator is active. */
  readonly active: boolean;
}

/** A person as a provider names him. */
export interface Person {
  readonly subject: string;
  /** The national identifier of a professional, where the provider vouches for it. */
  readonly nationalId: string | null;
  readonly idToken: string;
}

export interface NewSignIn {
  readonly organizationId: string;
  readonly id: string;
  readonly providerId: string;
  readonly stateHash: Buffer;
  readonly browserHash: Buffer;
  readonly returnTo: string;
  readonly lifeMs: number;
}

export interface NewSession {
  readonly organizationId: string;
  readonly id: string;
  readonly identityId: string;
  readonly secretHash: Buffer;
  readonly idToken: string;
  /** What the browser says it is. */
  readonly browser: string | null;
}

export interface StoredSession {
  readonly secretHash: Buffer;
  readonly identity: Identity;
  /** Neither idle for too long nor at its end. */
  readonly live: boolean;
}

/** A session as its owner sees it; instants in epoch milliseconds. */
export interface SessionView {
  readonly id: string;
  readonly browser: string | null;
  readonly createdAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
}

type Key = { readonly organizationId: string; readonly id: string };

/** Providers, the people linked to them, and sessions. */
export abstract class SignInStore {
  abstract providers(organizationId: string): Promise<readonly Pick<IdentityProvider, 'id' | 'label' | 'kind'>[]>;
  abstract provider(key: Key): Promise<IdentityProvider | null>;
  /** The providers with this issuer that accept tokens, each with the identity of this subject, if it has one. */
  abstract issuers(
    organizationId: string,
    claimed: { readonly issuer: string; readonly subject: string },
  ): Promise<readonly { readonly provider: IdentityProvider; readonly identity: Identity | null }[]>;
  abstract begin(signIn: NewSignIn): Promise<void>;
  /** Ends a sign-in that was begun in this browser; `null` when there is none any more. */
  abstract take(
    signIn: Pick<NewSignIn, 'organizationId' | 'id' | 'stateHash' | 'browserHash'>,
  ): Promise<{ readonly providerId: string; readonly returnTo: string } | null>;
  /** By the subject, else by the national identifier, which is bound to the subject then. */
  abstract identify(provider: IdentityProvider, person: Person): Promise<Identity | null>;
  abstract open(session: NewSession): Promise<void>;
  /** Finds a session, and notes that it is in use when the secret is right. */
  abstract session(key: Key, secretHash: Buffer): Promise<StoredSession | null>;
  abstract sessions(key: {
    readonly organizationId: string;
    readonly collaboratorId: string;
  }): Promise<readonly SessionView[]>;
  /** Ends a session of this collaborator; resolves to what signs him out at the provider, `null` without such a session. */
  abstract end(
    session: Key & { readonly collaboratorId: string },
  ): Promise<{ readonly providerId: string; readonly idToken: string } | null>;
}

/** What fits to one sign-in alone. */
export interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly verifier: string;
  readonly redirectUri: string;
}

/** The outside half of signing in. All of it throws {@link ProviderUnavailable}. */
export abstract class OpenIdProviders {
  abstract authorizationUrl(provider: IdentityProvider, secrets: SignInSecrets): Promise<string>;
  /** `null`: what came back does not prove who it is. */
  abstract person(provider: IdentityProvider, back: SignInSecrets & { readonly query: string }): Promise<Person | null>;
  /** Where the person ends the provider's own session; `null` where there is no such page. */
  abstract signOutUrl(
    provider: IdentityProvider,
    session: { readonly idToken: string; readonly returnTo: string },
  ): Promise<string | null>;
  /** Whether an access token is the provider's, for this API, and not at its end. */
  abstract accepts(provider: IdentityProvider, token: string): Promise<'accepted' | 'expired' | 'refused'>;
}

/** The provider cannot be reached, or says nothing usable. */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
}
