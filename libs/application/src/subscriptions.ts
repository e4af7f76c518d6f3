import { ConnectorError, hashPushToken, type Session, type Subscription } from '#connector-sdk';
import { syncLink, type Alarm } from './jobs.js';
import type { Backend, Backends, Effects, Failure, SyncStore } from './ports.js';
import { failureOf } from './sync-link.js';

/** Renewing is one or two calls; a process that died over it is followed by another after this. */
const CLAIM_MS = 2 * 60_000;
const RETRY_MS = 5 * 60_000;
/** A backend that does not push, or a hub that cannot be reached, may do so after the next release. */
const LOOK_AGAIN_MS = 24 * 60 * 60_000;
const CALL_MS = 10_000;

/** A link whose subscription is due, and the one that stands. */
export interface SubscribedLink {
  readonly organizationId: string;
  readonly linkId: string;
  readonly connectionId: string;
  readonly remoteAgendaId: string;
  /** Id at the backend; `null` = none. */
  readonly subscriptionId: string | null;
  /** It no longer announces what changes: prolonging it would not help. */
  readonly isSilent: boolean;
}

/** A push secret as it is kept: in clear (and sealed by the store) where signatures need it, else its hash. */
export type KeptSecret = { readonly clear: string } | { readonly hash: string };

/** Subscriptions of links to the pushes of their backends. */
export abstract class SubscriptionStore {
  /** Takes a subscription that is due on, for `leaseMs`; `null` when it is not due, or another process has it. */
  abstract claim(organizationId: string, linkId: string, leaseMs: number): Promise<SubscribedLink | null>;
  abstract find(organizationId: string, linkId: string): Promise<SubscribedLink | null>;
  /** Keeps a secret beside those that are valid. Resolves to its id. */
  abstract addSecret(link: SubscribedLink, secret: KeptSecret): Promise<string>;
  /** From now on only this secret is valid. Due again after three quarters of the time that is left. */
  abstract made(link: SubscribedLink, secretId: string, subscription: Subscription): Promise<void>;
  /** Not now; `secretId` names a secret that certainly no subscription carries. */
  abstract postpone(link: SubscribedLink, delayMs: number, secretId: string | null): Promise<void>;
  /** Forgets subscription and secrets; it is not due again. */
  abstract ended(link: SubscribedLink): Promise<void>;
  /** What pushes of this link are authenticated with, newest first; `null` when there is nothing. */
  abstract secrets(
    organizationId: string,
    linkId: string,
  ): Promise<{ readonly connectionId: string; readonly secrets: readonly string[] } | null>;
}

export interface SubscriptionsParts {
  readonly store: SubscriptionStore;
  readonly sync: SyncStore;
  readonly backends: Backends;
  readonly alarm: Alarm;
  readonly effects: Effects;
  /** Where backends send pushes; `null` = pushes are not asked for. */
  readonly publicUrl: string | null;
  /** Makes a secret of at least 24 bytes, base64url. */
  readonly newSecret: () => string;
}

interface Asking {
  readonly link: SubscribedLink;
  readonly session: Session;
  readonly request: { readonly agendaId: string; readonly callbackUrl: string; readonly secret: string };
}

/** Subscriptions to pushes: made, renewed before they expire, ended; and the pushes themselves. */
export class Subscriptions {
  constructor(private readonly parts: SubscriptionsParts) {}

  /**
   * Subscribes, or renews, if that is due: from when the link is read for good, not while its plan waits. What changed
   * before may not have been pushed, so the link is read.
   * A backend that will not is polled, and asked again later.
   */
  async renew(organizationId: string, linkId: string): Promise<'renewed' | 'not-due' | 'not-offered' | 'failed'> {
    const { store, backends, publicUrl } = this.parts;
    const link = await store.claim(organizationId, linkId, CLAIM_MS);
    if (link === null) return 'not-due';
    try {
      const backend = await backends.open(organizationId, link.connectionId);
      if (publicUrl === null || backend.session.subscribe === undefined) {
        await store.postpone(link, LOOK_AGAIN_MS, null);
        return 'not-offered';
      }
      const renewed = await this.ask(link, backend, `${publicUrl}/v1/push/${organizationId}/${linkId}`);
      return renewed ? 'renewed' : 'failed';
    } catch (error) {
      await store.postpone(link, retryOf(failureOf(error)), null);
      return 'failed';
    }
  }

  /** Ends the subscription as far as the backend lets us: without it, pushes are refused and it expires there. */
  async end(organizationId: string, linkId: string): Promise<'ended' | 'left-behind'> {
    const { store, backends } = this.parts;
    const link = await store.find(organizationId, linkId);
    if (link === null) return 'ended';
    const gone = await this.tried(async () => {
      const { session } = await backends.open(organizationId, link.connectionId);
      await this.unsubscribe(session, link);
    });
    await store.ended(link);
    return gone ? 'ended' : 'left-behind';
  }

  /** Authenticates a push and takes it as a hint: stored once, it wakes a pull. `later`: it cannot be told at the moment. */
  async receive(push: {
    organizationId: string;
    linkId: string;
    headers: Readonly<Record<string, string | undefined>>;
    query?: Readonly<Record<string, string | undefined>>;
    rawBody: Buffer;
  }): Promise<'accepted' | 'refused' | 'later'> {
    const { store, backends, sync, alarm, effects } = this.parts;
    const { organizationId, linkId, headers, query = {}, rawBody } = push;
    const known = await store.secrets(organizationId, linkId);
    if (known === null) return 'refused';
    let hint = null;
    try {
      const { session } = await backends.open(organizationId, known.connectionId);
      for (const secret of known.secrets) {
        hint ??= authenticated(() => session.parsePush?.({ headers, query, rawBody, secret, now: effects.now() }));
      }
    } catch (error) {
      failureOf(error);
      return 'later';
    }
    if (hint === null) return 'refused';
    const delayMs = await sync.hinted(organizationId, linkId, hint.id);
    if (delayMs !== null)
      await alarm.wake(syncLink, { organizationId, linkId, full: false }, { delayMs }).catch(() => undefined);
    return 'accepted';
  }

  private async ask(link: SubscribedLink, backend: Backend, callbackUrl: string): Promise<boolean> {
    const { store, alarm, newSecret } = this.parts;
    const { organizationId, linkId } = link;
    const secret = newSecret();
    const kept = backend.capabilities.pushProof === 'token' ? { hash: hashPushToken(secret) } : { clear: secret };
    const secretId = await store.addSecret(link, kept);
    try {
      const request = { agendaId: link.remoteAgendaId, callbackUrl, secret };
      await store.made(link, secretId, await this.subscribe({ link, session: backend.session, request }));
    } catch (error) {
      const failure = failureOf(error);
      // It may have been made all the same: then it pushes with this secret.
      await store.postpone(link, retryOf(failure), failure.kind === 'unknown' ? null : secretId);
      return false;
    }
    await alarm.wake(syncLink, { organizationId, linkId, full: false }).catch(() => undefined);
    return true;
  }

  /** Prolongs what stands; where that cannot be, or it is unknown there by now, a new one, then the old one is ended. */
  private async subscribe({ link, session, request }: Asking): Promise<Subscription> {
    const options = () => this.parts.effects.deadline(CALL_MS);
    const { subscriptionId } = link;
    if (subscriptionId !== null && session.renew !== undefined && !link.isSilent) {
      try {
        return await session.renew({ ...request, subscriptionId }, options());
      } catch (error) {
        if (failureOf(error).kind !== 'not_found') throw error;
      }
    }
    if (session.subscribe === undefined) throw new ConnectorError('forbidden', 'the backend does not push');
    const made = await session.subscribe(request, options());
    if (subscriptionId !== null && subscriptionId !== made.id) await this.tried(() => this.unsubscribe(session, link));
    return made;
  }

  private async unsubscribe(session: Session, { subscriptionId }: SubscribedLink): Promise<void> {
    if (subscriptionId === null) return;
    await session.unsubscribe?.({ subscriptionId }, this.parts.effects.deadline(CALL_MS));
  }

  private async tried(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      failureOf(error);
      return false;
    }
  }
}

function retryOf({ retryAfterMs = 0 }: Failure): number {
  return Math.max(RETRY_MS, retryAfterMs);
}

/** What a push says, if this secret is the one it was made with. */
function authenticated<Hint>(parse: () => Hint | undefined): Hint | null {
  try {
    return parse() ?? null;
  } catch (error) {
    failureOf(error);
    return null;
  }
}
