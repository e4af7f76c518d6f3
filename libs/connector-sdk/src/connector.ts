import type { z } from 'zod';
import type { Capabilities } from './capabilities.js';
import type { Session } from './session.js';

/** A text shown to users: French first, English second. */
export interface Label {
  readonly fr: string;
  readonly en: string;
}

/**
 * What the sessions of one connection share beside its secrets, in every process: refresh tokens that are replaced at
 * each use. Kept encrypted; forgotten when the secrets are entered anew.
 */
export interface SharedTokens {
  /** What was stored last; `null` when nothing was. */
  read(): Promise<string | null>;
  /** Stores `next`, provided that `expected` still stands; false when another process was quicker. */
  replace(expected: string | null, next: string): Promise<boolean>;
}

/** What the hub lends to a session. */
export interface ConnectorContext {
  /** Milliseconds a single HTTP exchange may take unless the caller's signal ends it earlier. */
  readonly timeoutMs: number;
  /** The same for one that lists a whole agenda or fetches many of its events; never less than `timeoutMs`. */
  readonly listingTimeoutMs?: number;
  /** Whether settings may point into private or loopback networks (simulators, in-house servers). */
  readonly allowPrivateNetworks: boolean;
  /** Epoch milliseconds; only for signatures and ages, never for ordering. */
  now(): number;
  /** Left out where nothing is shared. */
  readonly tokens?: SharedTokens;
}

/** Milliseconds that a listing may take: whoever gives any call more than that gives it to listings, too. */
export function listingTimeoutOf({ timeoutMs, listingTimeoutMs = timeoutMs }: ConnectorContext): number {
  return Math.max(timeoutMs, listingTimeoutMs);
}

/** Shapes of what an administrator enters. Their `.meta({ title, description })` drive the console's form. */
export interface ConnectorConfig<Settings extends z.ZodObject, Secrets extends z.ZodObject> {
  /** Stored in clear; every URL the connector talks to comes from here. */
  readonly settings: Settings;
  /** Stored encrypted; never logged nor returned. */
  readonly secrets: Secrets;
}

/** What the consent page is told; the hub keeps the verifier of `challenge` to itself. */
export interface ConsentRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  /** Unguessable; comes back with the code. */
  readonly state: string;
  /** S256 of the verifier, base64url (RFC 7636 4.2). */
  readonly challenge: string;
}

/** What came back from the consent page, with what proves that it was asked for here. */
export interface ConsentAnswer {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly code: string;
  readonly verifier: string;
}

/** How a person grants access in a browser instead of entering a token, and how it ends. */
export interface Consent<Settings extends z.ZodObject, Secrets extends z.ZodObject> {
  /** The client in whose name consent is asked for; `null`: an account with these secrets is not opened by consent. */
  client(secrets: z.output<Secrets>): { readonly clientId: string; readonly clientSecret: string } | null;
  url(settings: z.output<Settings>, request: ConsentRequest): string;
  /** The secrets to store. Throws `auth`, `forbidden` (less was granted than is needed), `invalid`, `unavailable`. */
  exchange(
    settings: z.output<Settings>,
    answer: ConsentAnswer,
    via: { readonly context: ConnectorContext; readonly signal: AbortSignal },
  ): Promise<z.output<Secrets>>;
  /** Ends the grant at the backend; one that has ended already succeeds. Throws `unavailable`, `rate_limited`, `auth`. */
  revoke(
    account: { readonly settings: z.output<Settings>; readonly secrets: z.output<Secrets> },
    via: { readonly context: ConnectorContext; readonly signal: AbortSignal },
  ): Promise<void>;
}

/** A backend, as a value. */
export interface Connector<Settings extends z.ZodObject = z.ZodObject, Secrets extends z.ZodObject = z.ZodObject> {
  /** Version of this contract. */
  readonly specification: 'v1';
  /** Lower case, `[a-z0-9-]+`, equal to the folder's name; stored in connections. */
  readonly id: string;
  readonly label: Label;
  /** Where `capabilitiesOf` is there: what holds whatever the settings are, so that nothing is promised too much. */
  readonly capabilities: Capabilities;
  /** What the backend behind one account can do, where its settings decide. Left out: `capabilities`. */
  capabilitiesOf?(settings: z.output<Settings>): Capabilities;
  readonly config: ConnectorConfig<Settings, Secrets>;
  readonly consent?: Consent<Settings, Secrets>;
  /** Makes a session; no network yet. */
  open(account: { settings: z.output<Settings>; secrets: z.output<Secrets> }, context: ConnectorContext): Session;
}

/** Types a connector from its config. The registry stores it with its shapes erased: settings are parsed before `open`. */
export function defineConnector<Settings extends z.ZodObject, Secrets extends z.ZodObject>(
  connector: Connector<Settings, Secrets>,
): Connector<Settings, Secrets> {
  return connector;
}
