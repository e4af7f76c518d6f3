import { createHash } from 'node:crypto';
import type { Connector, ConnectorContext } from '#connector-sdk';
import type { ConnectionAccount, ConnectionStore } from './connections.js';
import type { LinkLifecycle, LinkRef, ReplaceOutcome } from './link-lifecycle.js';
import type { Actor } from './model.js';
import type { Effects, Failure } from './ports.js';
import { failureOf } from './sync-link.js';

/** How long a person may take over the consent page. */
const LIFE_MS = 10 * 60_000;
const EXCHANGE_MS = 10_000;

/** A consent that is under way, by the hash of its state. */
export interface ConsentKey {
  readonly organizationId: string;
  readonly connectionId: string;
  /** SHA-256. */
  readonly stateHash: Buffer;
}

export interface NewConsent extends ConsentKey {
  /** Proves to the backend that who exchanges the code has asked for it (RFC 7636). */
  readonly verifier: string;
  readonly actor: Actor;
  readonly lifeMs: number;
}

/** Consents that were asked for; at most one of a connection. */
export abstract class ConsentStore {
  /** Takes the place of one asked for before. Resolves to the instant at which it ends, epoch milliseconds. */
  abstract begin(consent: NewConsent): Promise<number>;
  /** Ends it, so that no state is good twice; null when there is none with this state, or its time is over. */
  abstract take(key: ConsentKey): Promise<{ readonly verifier: string; readonly actor: Actor } | null>;
}

export type ConsentBegun =
  | { readonly outcome: 'begun'; readonly url: string; readonly expiresAt: number }
  /** `not-offered`: this kind of account is not opened by consent. `no-public-url`: nobody could come back from it. */
  | { readonly outcome: 'connection-unknown' | 'not-offered' | 'no-public-url' };

export type ConsentFinished =
  | ReplaceOutcome
  /** `denied`: the person said no. `over`: the state is unknown, was used, or came too late. */
  | { readonly outcome: 'denied' | 'over' }
  | { readonly outcome: 'failed'; readonly failure: Failure };

interface Consenting {
  readonly account: ConnectionAccount;
  readonly connector: Connector;
  readonly consent: NonNullable<Connector['consent']>;
  readonly client: { readonly clientId: string; readonly clientSecret: string };
}

/** A person grants access in a browser; what was granted takes the place of the connection's secrets. */
export class Consents {
  constructor(
    private readonly parts: {
      readonly store: ConsentStore;
      readonly connections: ConnectionStore;
      readonly connectors: ReadonlyMap<string, Connector>;
      readonly context: ConnectorContext;
      readonly lifecycle: LinkLifecycle;
      readonly effects: Effects;
      /** Where the browser comes back to; `null` = not known. */
      readonly redirectUri: string | null;
      /** Makes a secret of at least 32 bytes, base64url. */
      readonly newSecret: () => string;
    },
  ) {}

  /** `state`: unguessable, comes back with the browser. */
  async begin(ref: LinkRef, given: { state: string; stateHash: Buffer; actor: Actor }): Promise<ConsentBegun> {
    const { store, redirectUri, newSecret } = this.parts;
    const asked = await this.consenting(ref);
    if (asked === 'connection-unknown' || asked === 'not-offered') return { outcome: asked };
    if (redirectUri === null) return { outcome: 'no-public-url' };
    const { state, stateHash, actor } = given;
    const verifier = newSecret();
    const key = { organizationId: ref.organizationId, connectionId: ref.id, stateHash };
    const expiresAt = await store.begin({ ...key, verifier, actor, lifeMs: LIFE_MS });
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const settings = asked.connector.config.settings.parse(asked.account.settings);
    const url = asked.consent.url(settings, { clientId: asked.client.clientId, redirectUri, state, challenge });
    return { outcome: 'begun', url, expiresAt };
  }

  /** `code` null: the person denied it. Whatever comes of it, the state is used up. */
  async finish(key: ConsentKey, code: string | null): Promise<ConsentFinished> {
    const { store, redirectUri, lifecycle } = this.parts;
    const begun = await store.take(key);
    if (begun === null) return { outcome: 'over' };
    if (code === null) return { outcome: 'denied' };
    const ref = { organizationId: key.organizationId, id: key.connectionId };
    const asked = await this.consenting(ref);
    if (redirectUri === null || asked === 'connection-unknown' || asked === 'not-offered') return { outcome: 'over' };
    try {
      const secrets = await this.exchange(asked, { redirectUri, code, verifier: begun.verifier });
      return await lifecycle.replaceSecrets(ref, { secrets, actor: begun.actor });
    } catch (error) {
      return { outcome: 'failed', failure: failureOf(error) };
    }
  }

  private exchange(
    { account, connector, consent, client }: Consenting,
    answer: { redirectUri: string; code: string; verifier: string },
  ): Promise<object> {
    const { context, effects } = this.parts;
    const settings = connector.config.settings.parse(account.settings);
    return consent.exchange(settings, { ...client, ...answer }, { context, ...effects.deadline(EXCHANGE_MS) });
  }

  private async consenting({
    organizationId,
    id,
  }: LinkRef): Promise<Consenting | 'connection-unknown' | 'not-offered'> {
    const { connections, connectors } = this.parts;
    const account = await connections.account(organizationId, id);
    const connector = account === null ? undefined : connectors.get(account.connectorId);
    if (account === null || connector === undefined) return 'connection-unknown';
    const { consent } = connector;
    const client = consent?.client(connector.config.secrets.parse(account.secrets)) ?? null;
    return consent === undefined || client === null ? 'not-offered' : { account, connector, consent, client };
  }
}
