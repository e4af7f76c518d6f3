import { backoffMs } from './backoff.js';
import type { Backend, Backends, Effects, Failure, Lanes, Lease } from './ports.js';
import { failureOf } from './sync-link.js';

/** An object that the hub wrote, or may have written, and whose link is gone. */
export interface LeftObject {
  readonly reference: string;
  readonly remoteId: string | null;
  readonly appointmentId: string;
  /** Epoch milliseconds, `[start, end)`. */
  readonly start: number;
  readonly end: number;
  /** `due`: is being removed. `kept`: as was asked. `left`: could not be removed, or not looked for. */
  readonly state: 'due' | 'removed' | 'kept' | 'left';
}

/** How the end of a link goes at its backend. Instants in epoch milliseconds. */
export interface Disconnection {
  readonly linkId: string;
  readonly agendaId: string;
  readonly connectionId: string;
  readonly remoteAgendaId: string;
  readonly remote: 'keep' | 'remove';
  readonly state: 'removing' | 'done';
  readonly at: number;
  readonly endedAt: number | null;
  readonly nextAt: number | null;
  readonly lastError: { readonly kind: string; readonly message: string } | null;
  readonly counts: Readonly<Record<LeftObject['state'], number>>;
  /** What stays behind, in order of time: at most 500. */
  readonly staying: readonly LeftObject[];
}

/** What is to be removed next. */
export interface Removal {
  readonly agendaId: string;
  readonly connectionId: string;
  readonly remoteAgendaId: string;
  readonly subscriptionId: string | null;
  readonly failures: number;
  readonly ageMs: number;
  readonly objects: readonly {
    readonly reference: string;
    readonly remoteId: string | null;
    /** Milliseconds since a write of it was sent that had no answer; `null`: none is out. */
    readonly sentForMs: number | null;
  }[];
}

export abstract class DisconnectionStore {
  abstract get(organizationId: string, linkId: string): Promise<Disconnection | null>;
  /** At most 200 objects; `null` when nothing is to be done. */
  abstract removal(organizationId: string, linkId: string): Promise<Removal | null>;
  abstract removed(organizationId: string, linkId: string, reference: string): Promise<void>;
  /** One that the backend will not have removed. */
  abstract left(organizationId: string, linkId: string, reference: string): Promise<void>;
  abstract postpone(
    organizationId: string,
    linkId: string,
    wait: { ms: number; failure: Failure | null },
  ): Promise<void>;
  /** What is still due stays behind. */
  abstract end(organizationId: string, linkId: string, failure: Failure | null): Promise<void>;
}

/** Failures after which asking again is of no use: a person would have to act, and has disconnected instead. */
const HOPELESS: ReadonlySet<string> = new Set(['auth', 'forbidden', 'invalid', 'not_found']);
/** After this time (milliseconds) what could not be removed stays behind. */
const GIVE_UP_MS = 24 * 3_600_000;
const LEASE_MS = 20_000;
const CALL_MS = 5_000;

/** Removes what links that are gone have left at their backends. Safe to repeat, and to be cut off anywhere. */
export class CleanUp {
  constructor(
    private readonly parts: {
      readonly store: DisconnectionStore;
      readonly lanes: Lanes;
      readonly backends: Backends;
      readonly effects: Effects;
    },
  ) {}

  /** One run: resolves when all is removed, or nothing more can be done now. */
  async run(organizationId: string, linkId: string): Promise<void> {
    const { store, lanes } = this.parts;
    const removal = await store.removal(organizationId, linkId);
    if (removal === null) return;
    const lease = await lanes.acquire(organizationId, removal.agendaId, LEASE_MS);
    if (lease === null) return store.postpone(organizationId, linkId, { ms: 1_000, failure: null });
    try {
      await this.remove(lease, linkId, removal);
    } catch (error) {
      await this.failed(organizationId, linkId, { removal, failure: failureOf(error) });
    } finally {
      await lanes.release(lease);
    }
  }

  private async remove(lease: Lease, linkId: string, first: Removal): Promise<void> {
    const { store, lanes, backends } = this.parts;
    const { organizationId } = lease;
    const backend = await backends.open(organizationId, first.connectionId);
    if (first.subscriptionId !== null) await this.unsubscribe(backend, first.subscriptionId);
    for (let removal: Removal | null = first; removal !== null;) {
      const { settleMs } = backend.capabilities;
      const ready = removal.objects.filter(({ sentForMs }) => sentForMs === null || sentForMs >= settleMs);
      for (const object of ready) {
        if (!(await lanes.extend(lease, LEASE_MS))) return;
        const gone = await this.removeOne(backend, removal.remoteAgendaId, object);
        if (gone) await store.removed(organizationId, linkId, object.reference);
        else await store.left(organizationId, linkId, object.reference);
      }
      if (removal.objects.length === 0) return store.end(organizationId, linkId, null);
      // What was sent and never answered may still land: it is removed when it no longer can.
      if (ready.length === 0) return store.postpone(organizationId, linkId, { ms: settleMs, failure: null });
      removal = await store.removal(organizationId, linkId);
    }
  }

  /** False when this one object must stay: locked, or taken over. The others are removed all the same. */
  private async removeOne(
    { session }: Backend,
    agendaId: string,
    { reference, remoteId }: { reference: string; remoteId: string | null },
  ): Promise<boolean> {
    try {
      await session.cancel({ agendaId, reference, remoteId, version: null }, this.parts.effects.deadline(CALL_MS));
      return true;
    } catch (error) {
      const { kind } = failureOf(error);
      if (kind === 'forbidden' || kind === 'invalid') return false;
      throw error;
    }
  }

  /** Pushes for a link that is gone are refused; asking the backend to stop them is a courtesy. */
  private async unsubscribe({ session }: Backend, subscriptionId: string): Promise<void> {
    try {
      await session.unsubscribe?.({ subscriptionId }, this.parts.effects.deadline(CALL_MS));
    } catch (error) {
      failureOf(error);
    }
  }

  private failed(
    organizationId: string,
    linkId: string,
    { removal, failure }: { removal: Removal; failure: Failure },
  ): Promise<void> {
    const { store, effects } = this.parts;
    if (HOPELESS.has(failure.kind) || removal.ageMs > GIVE_UP_MS) return store.end(organizationId, linkId, failure);
    const ms = backoffMs(removal.failures, effects.random(), failure.retryAfterMs);
    return store.postpone(organizationId, linkId, { ms, failure });
  }
}
