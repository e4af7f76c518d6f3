import type { Actor } from './model.js';

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

/** A provider as it is administered: its secret goes in, and never comes out. */
export interface ProviderRecord extends Omit<IdentityProvider, 'organizationId' | 'clientSecret'> {
  readonly hasSecret: boolean;
}

/** Who a person of a provider is here. */
export interface LinkedPerson {
  readonly id: string;
  readonly providerId: string;
  readonly collaboratorId: string;
  /** `null` until a person who was linked by his national identifier has signed in. */
  readonly subject: string | null;
  readonly nationalId: string | null;
  readonly scopes: readonly string[];
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

export type PersonChange = 'person-linked' | 'person-unlinked';

/** Providers and links of people, as they are administered. Each change is an event; of links owners of agendas are told. */
export abstract class IdentityAdministration {
  abstract providers(organizationId: string): Promise<readonly ProviderRecord[]>;
  /** `null`: there is one with this issuer and client. */
  abstract add(provider: IdentityProvider, actor: Actor): Promise<ProviderRecord | null>;
  /** Another label, secret or audience. `null`: there is none. */
  abstract change(provider: IdentityProvider, actor: Actor): Promise<ProviderRecord | null>;
  /** With its links, and the sessions opened there. */
  abstract remove(key: Key, actor: Actor): Promise<boolean>;
  abstract people(
    organizationId: string,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly LinkedPerson[]>;
  /** Says who a person of a provider is here. `known`: that person is somebody already; `unknown`: no such provider or collaborator. */
  abstract link(
    organizationId: string,
    person: Omit<LinkedPerson, 'createdAt'>,
    actor: Actor,
  ): Promise<LinkedPerson | 'known' | 'unknown'>;
  /** Ends a link, and every session opened with it. */
  abstract unlink(key: Key, actor: Actor): Promise<boolean>;
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
  /** Reads what it says of itself (OpenID Connect Discovery), whatever is remembered of it. */
  abstract check(provider: IdentityProvider): Promise<void>;
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
