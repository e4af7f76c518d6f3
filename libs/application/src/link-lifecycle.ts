import { ConnectorError, type Connector, type ConnectorContext, type Manners, type Successor } from '#connector-sdk';
import type { ConnectionProblem, ConnectionStore } from './connections.js';
import { issuesOf } from './connections.js';
import type { Disconnection, DisconnectionStore } from './clean-up.js';
import { cleanUp, drainLane, syncLink, type Alarm } from './jobs.js';
import type { Actor, Disclosure, LinkDirection, LinkPhase } from './model.js';
import type { Backends, Effects, Failure } from './ports.js';
import { failureOf } from './sync-link.js';

/** A link as answers show it. */
export interface LinkDetails {
  readonly id: string;
  readonly agendaId: string;
  readonly connectionId: string;
  readonly remoteAgendaId: string;
  readonly direction: LinkDirection;
  readonly disclosure: Disclosure;
  readonly policy: string;
  readonly phase: LinkPhase;
  readonly paused: boolean;
  readonly status: 'active' | 'auth-failed' | 'gone' | 'moved';
  /** Where its agenda has gone for good; only while it is `moved`. */
  readonly successor: Successor | null;
  /** What its backend was found to do; `null` = not looked at yet. */
  readonly manners: Manners | null;
  /** Changes with everything a person can change. */
  readonly version: number;
}

export interface LinkRef {
  readonly organizationId: string;
  readonly id: string;
}

/** What may be changed about a link; what is left out stays. */
export interface LinkChange {
  readonly policy?: string | undefined;
  readonly disclosure?: Disclosure | undefined;
  readonly direction?: LinkDirection | undefined;
}

export interface NewSecrets {
  readonly secrets: object;
  /** Instant at which the credential ends; `null` = not told. */
  readonly expiresAt: number | null;
}

/** Links as people change them. Whatever stops a link takes its lane from the process that holds it. */
export abstract class LinkStore {
  /** In order of id, after `after`. */
  abstract list(organizationId: string, page: { after: string | null; limit: number }): Promise<readonly LinkDetails[]>;
  abstract get(ref: LinkRef): Promise<LinkDetails | null>;
  /** Null when there is no such link. Pausing what is paused, resuming what runs, changes nothing. */
  abstract pause(ref: LinkRef, actor: Actor): Promise<LinkDetails | null>;
  abstract resume(ref: LinkRef, actor: Actor): Promise<LinkDetails | null>;
  abstract change(
    ref: LinkRef,
    request: { version: number; change: LinkChange; actor: Actor },
  ): Promise<{ outcome: 'changed' | 'stale' | 'busy'; link: LinkDetails } | null>;
  /** False when there is no such link. */
  abstract disconnect(ref: LinkRef, remote: 'keep' | 'remove', actor: Actor): Promise<boolean>;
  /** New secrets for a connection: its breaker closes, its links and their waiting writes are due at once. */
  abstract replaceSecrets(ref: LinkRef, secrets: NewSecrets, actor: Actor): Promise<void>;
  abstract linksOf(
    organizationId: string,
    connectionId: string,
  ): Promise<readonly { id: string; agendaId: string; remoteAgendaId: string }[]>;
  /** `busy`: it still has a link, or something to remove for one. */
  abstract removeConnection(ref: LinkRef, actor: Actor): Promise<'removed' | 'busy' | 'unknown'>;
}

export interface LifecycleParts {
  readonly links: LinkStore;
  readonly disconnections: DisconnectionStore;
  readonly connections: ConnectionStore;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly context: ConnectorContext;
  readonly backends: Backends;
  readonly alarm: Alarm;
  readonly effects: Effects;
}

export type ChangeOutcome =
  /** `busy`: cancellations still wait to be carried there. */
  | { readonly outcome: 'changed' | 'stale' | 'busy'; readonly link: LinkDetails }
  | { readonly outcome: 'unknown' | 'not-writable' }
  | { readonly outcome: 'failed'; readonly failure: Failure };

export type ReplaceOutcome =
  | {
      readonly outcome: 'replaced';
      readonly account: string;
      readonly expiresAt: number | null;
      readonly links: number;
    }
  /** The credential opens an account without an agenda that is linked. */
  | { readonly outcome: 'other-account' }
  | { readonly outcome: 'failed'; readonly failure: Failure }
  | ConnectionProblem;

/** What people do with links once they are there. */
export class LinkLifecycle {
  constructor(private readonly parts: LifecycleParts) {}

  list(organizationId: string, page: { after: string | null; limit: number }): Promise<readonly LinkDetails[]> {
    return this.parts.links.list(organizationId, page);
  }

  get(ref: LinkRef): Promise<LinkDetails | null> {
    return this.parts.links.get(ref);
  }

  /** Nothing is read or written any more, from now on; what was sent already is not called back. */
  pause(ref: LinkRef, actor: Actor): Promise<LinkDetails | null> {
    return this.parts.links.pause(ref, actor);
  }

  /** Reads what happened meanwhile, then writes what waited. */
  async resume(ref: LinkRef, actor: Actor): Promise<LinkDetails | null> {
    const link = await this.parts.links.resume(ref, actor);
    if (link !== null) await this.wake(ref.organizationId, link);
    return link;
  }

  /** A new direction or disclosure takes effect on what stands there already, too. */
  async change(ref: LinkRef, request: { version: number; change: LinkChange; actor: Actor }): Promise<ChangeOutcome> {
    const known = await this.parts.links.get(ref);
    if (known === null) return { outcome: 'unknown' };
    if (request.change.direction === 'two-way' && known.direction !== 'two-way') {
      const writable = await this.isWritable(ref.organizationId, known);
      if (writable !== true) return writable === false ? { outcome: 'not-writable' } : writable;
    }
    const changed = await this.parts.links.change(ref, request);
    if (changed === null) return { outcome: 'unknown' };
    if (changed.outcome === 'changed' && !changed.link.paused) await this.wake(ref.organizationId, changed.link);
    return changed;
  }

  /**
   * Ends a link at once, whatever its backend does; the appointments stay and the hub masters the agenda. What is to be
   * removed there is removed afterwards. Null when there is no such link.
   */
  async disconnect(ref: LinkRef, remote: 'keep' | 'remove', actor: Actor): Promise<Disconnection | null> {
    const { links, disconnections, alarm } = this.parts;
    if (!(await links.disconnect(ref, remote, actor))) return null;
    await alarm.wake(cleanUp, { organizationId: ref.organizationId, linkId: ref.id }).catch(() => undefined);
    return disconnections.get(ref.organizationId, ref.id);
  }

  disconnection(ref: LinkRef): Promise<Disconnection | null> {
    return this.parts.disconnections.get(ref.organizationId, ref.id);
  }

  removeConnection(ref: LinkRef, actor: Actor): Promise<'removed' | 'busy' | 'unknown'> {
    return this.parts.links.removeConnection(ref, actor);
  }

  /**
   * Tries new secrets first; only then do they take the place of the old ones. Ids, cursors and mirrors stay, so they
   * must open the same agendas.
   */
  async replaceSecrets(ref: LinkRef, request: { secrets: unknown; actor: Actor }): Promise<ReplaceOutcome> {
    const { links, connections, connectors } = this.parts;
    const account = await connections.account(ref.organizationId, ref.id);
    const connector = account === null ? undefined : connectors.get(account.connectorId);
    if (account === null || connector === undefined) return { outcome: 'connection-unknown' };
    const secrets = connector.config.secrets.safeParse(request.secrets);
    if (!secrets.success) return { outcome: 'invalid', issues: issuesOf('secrets', secrets.error) };
    const linked = await links.linksOf(ref.organizationId, ref.id);
    const opened = { settings: connector.config.settings.parse(account.settings), secrets: secrets.data };
    const tried = await this.tried(connector, opened, linked);
    if (tried.outcome !== 'tried') return tried;
    await links.replaceSecrets(ref, { secrets: secrets.data, expiresAt: tried.expiresAt }, request.actor);
    for (const link of linked) await this.wake(ref.organizationId, link);
    return { outcome: 'replaced', account: tried.account, expiresAt: tried.expiresAt, links: linked.length };
  }

  private async tried(
    connector: Connector,
    opened: Parameters<Connector['open']>[0],
    linked: readonly { remoteAgendaId: string }[],
  ): Promise<
    | { outcome: 'tried'; account: string; expiresAt: number | null }
    | { outcome: 'other-account' }
    | { outcome: 'failed'; failure: Failure }
  > {
    const session = connector.open(opened, this.parts.context);
    try {
      const { account, expiresAt = null } = await session.verify(this.parts.effects.deadline(10_000));
      const agendas = linked.length === 0 ? [] : await session.listAgendas(this.parts.effects.deadline(15_000));
      const ids = new Set(agendas.map(({ id }) => id));
      if (linked.some(({ remoteAgendaId }) => !ids.has(remoteAgendaId))) return { outcome: 'other-account' };
      return { outcome: 'tried', account, expiresAt };
    } catch (error) {
      return { outcome: 'failed', failure: failureOf(error) };
    } finally {
      session.close();
    }
  }

  private async isWritable(
    organizationId: string,
    link: LinkDetails,
  ): Promise<boolean | { outcome: 'failed'; failure: Failure }> {
    try {
      const { session } = await this.parts.backends.open(organizationId, link.connectionId);
      const agendas = await session.listAgendas(this.parts.effects.deadline(15_000));
      const found = agendas.find(({ id }) => id === link.remoteAgendaId);
      if (found === undefined) throw new ConnectorError('not_found', 'the agenda is no longer there');
      return found.writable;
    } catch (error) {
      return { outcome: 'failed', failure: failureOf(error) };
    }
  }

  /** A worker that is not woken finds the link at its next tick. */
  private async wake(organizationId: string, link: { id: string; agendaId: string }): Promise<void> {
    const { alarm } = this.parts;
    await alarm.wake(syncLink, { organizationId, linkId: link.id, full: false }).catch(() => undefined);
    await alarm.wake(drainLane, { organizationId, agendaId: link.agendaId }).catch(() => undefined);
  }
}
