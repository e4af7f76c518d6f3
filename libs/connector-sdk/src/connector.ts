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
  /** Whether settings may point into private or loopback networks (simulators, in-house servers). */
  readonly allowPrivateNetworks: boolean;
  /** Epoch milliseconds; only for signatures and ages, never for ordering. */
  now(): number;
  /** Left out where nothing is shared. */
  readonly tokens?: SharedTokens;
}

/** Shapes of what an administrator enters. Their `.meta({ title, description })` drive the console's form. */
export interface ConnectorConfig<Settings extends z.ZodObject, Secrets extends z.ZodObject> {
  /** Stored in clear; every URL the connector talks to comes from here. */
  readonly settings: Settings;
  /** Stored encrypted; never logged nor returned. */
  readonly secrets: Secrets;
}

/** A backend, as a value. */
export interface Connector<Settings extends z.ZodObject = z.ZodObject, Secrets extends z.ZodObject = z.ZodObject> {
  /** Version of this contract. */
  readonly specification: 'v1';
  /** Lower case, `[a-z0-9-]+`, equal to the folder's name; stored in connections. */
  readonly id: string;
  readonly label: Label;
  readonly capabilities: Capabilities;
  readonly config: ConnectorConfig<Settings, Secrets>;
  /** Makes a session; no network yet. */
  open(account: { settings: z.output<Settings>; secrets: z.output<Secrets> }, context: ConnectorContext): Session;
}

/** Types a connector from its config. The registry stores it with its shapes erased: settings are parsed before `open`. */
export function defineConnector<Settings extends z.ZodObject, Secrets extends z.ZodObject>(
  connector: Connector<Settings, Secrets>,
): Connector<Settings, Secrets> {
  return connector;
}
