import type { Connector, RemoteAgenda } from '#connector-sdk';
import type { Actor, Disclosure } from './model.js';
import type { Alarm } from './jobs.js';
import { syncLink } from './jobs.js';
import type { Backends, Effects, Failure } from './ports.js';
import type { Subscriptions } from './subscriptions.js';
import { failureOf } from './sync-link.js';

/** One connection as answers show it: never its secrets. */
export interface ConnectionRecord {
  readonly id: string;
  readonly connectorId: string;
  readonly label: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly status: 'unverified' | 'active' | 'auth-failed';
}

/** A connection with what opens it. */
export interface ConnectionAccount extends ConnectionRecord {
  readonly secrets: Readonly<Record<string, unknown>>;
  /** Changes whenever settings or secrets do. */
  readonly fingerprint: string;
  /** Milliseconds for which no call may be made: the breaker, or what the backend asked for; 0 = free. */
  readonly blockedMs: number;
}

export interface NewLink {
  readonly organizationId: string;
  readonly id: string;
  readonly agendaId: string;
  readonly connectionId: string;
  readonly remoteAgendaId: string;
  readonly direction: 'two-way' | 'read-only';
  readonly disclosure: Disclosure;
  readonly policy: 'practitioner-wins' | 'hub-wins';
  readonly actor: Actor;
}

/** Health of a link, separately for reading and writing. Instants in epoch milliseconds; `null` = never. */
export interface LinkHealth {
  readonly linkId: string;
  readonly agendaId: string;
  readonly status: 'active' | 'auth-failed' | 'gone';
  readonly read: {
    readonly light: 'green' | 'orange' | 'red';
    readonly asOf: number | null;
    readonly ageMs: number | null;
    readonly failures: number;
    readonly nextAt: number | null;
  };
  readonly write: {
    readonly light: 'green' | 'orange' | 'red';
    readonly lastAt: number | null;
    readonly queued: number;
    readonly oldestMs: number | null;
    readonly nextAt: number | null;
  };
  readonly lastError: { readonly kind: string; readonly message: string; readonly at: string } | null;
  readonly reconciledAt: number | null;
  readonly quarantined: number;
  /** Deletions that wait for a person, when the brake holds. */
  readonly brake: { readonly deletions: number; readonly known: number } | null;
  readonly blockedMs: number;
  readonly push: { readonly subscribed: boolean; readonly until: number | null; readonly lastHintAt: number | null };
}

/** Connections and links in the database. */
export abstract class ConnectionStore {
  abstract create(connection: {
    organizationId: string;
    id: string;
    connectorId: string;
    label: string;
    settings: object;
    secrets: object;
    actor: Actor;
  }): Promise<ConnectionRecord>;
  abstract list(organizationId: string): Promise<readonly ConnectionRecord[]>;
  abstract account(organizationId: string, id: string): Promise<ConnectionAccount | null>;
  abstract setStatus(organizationId: string, id: string, status: ConnectionRecord['status']): Promise<void>;
  /** Counts a call for the breaker: ten failures in a row within half a minute of one another open it for half a minute. */
  abstract report(organizationId: string, id: string, call: { failed: boolean; blockMs: number }): Promise<void>;
  /** `taken`: the agenda or the remote agenda is linked already. Makes the agenda remote-mastered when two-way. */
  abstract link(link: NewLink): Promise<'linked' | 'taken' | 'agenda-unknown' | 'connection-unknown'>;
  abstract health(organizationId: string, linkId: string): Promise<LinkHealth | null>;
}

export type ConnectionProblem =
  | { readonly outcome: 'connector-unknown' | 'connection-unknown' }
  | {
      readonly outcome: 'invalid';
      readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
    };

/** Backend accounts: entered once, tested, and asked for their agendas. */
export class Connections {
  constructor(
    private readonly store: ConnectionStore,
    private readonly connectors: ReadonlyMap<string, Connector>,
    private readonly backends: Backends,
    private readonly effects: Effects,
  ) {}

  list(organizationId: string): Promise<readonly ConnectionRecord[]> {
    return this.store.list(organizationId);
  }

  /** Settings and secrets are parsed by the connector's own schemas. */
  async create(request: {
    organizationId: string;
    id: string;
    actor: Actor;
    connectorId: string;
    label: string;
    settings: unknown;
    secrets: unknown;
  }): Promise<{ outcome: 'created'; connection: ConnectionRecord } | ConnectionProblem> {
    const connector = this.connectors.get(request.connectorId);
    if (connector === undefined) return { outcome: 'connector-unknown' };
    const settings = connector.config.settings.safeParse(request.settings);
    const secrets = connector.config.secrets.safeParse(request.secrets);
    if (!settings.success || !secrets.success) {
      const issues = [...issuesOf('settings', settings.error), ...issuesOf('secrets', secrets.error)];
      return { outcome: 'invalid', issues };
    }
    return {
      outcome: 'created',
      connection: await this.store.create({ ...request, settings: settings.data, secrets: secrets.data }),
    };
  }

  /** Tries the credential against the backend and remembers the result. */
  async verify(
    organizationId: string,
    id: string,
  ): Promise<{ outcome: 'verified'; account: string } | { outcome: 'failed'; failure: Failure } | ConnectionProblem> {
    const tried = await this.try(
      organizationId,
      id,
      async (session) => (await session.verify(this.effects.deadline(10_000))).account,
    );
    if (tried.outcome === 'done') {
      await this.store.setStatus(organizationId, id, 'active');
      return { outcome: 'verified', account: tried.value };
    }
    if (tried.outcome === 'failed' && tried.failure.kind === 'auth')
      await this.store.setStatus(organizationId, id, 'auth-failed');
    return tried;
  }

  async remoteAgendas(
    organizationId: string,
    id: string,
  ): Promise<
    { outcome: 'done'; value: readonly RemoteAgenda[] } | { outcome: 'failed'; failure: Failure } | ConnectionProblem
  > {
    return this.try(organizationId, id, (session) => session.listAgendas(this.effects.deadline(15_000)));
  }

  private async try<T>(
    organizationId: string,
    id: string,
    ask: (session: Awaited<ReturnType<Backends['open']>>['session']) => Promise<T>,
  ): Promise<{ outcome: 'done'; value: T } | { outcome: 'failed'; failure: Failure } | ConnectionProblem> {
    if ((await this.store.account(organizationId, id)) === null) return { outcome: 'connection-unknown' };
    try {
      const { session } = await this.backends.open(organizationId, id);
      return { outcome: 'done', value: await ask(session) };
    } catch (error) {
      return { outcome: 'failed', failure: failureOf(error) };
    }
  }
}

function issuesOf(
  part: string,
  error: { issues: readonly { path: PropertyKey[]; message: string }[] } | undefined,
): { path: PropertyKey[]; message: string }[] {
  return (error?.issues ?? []).map(({ path, message }) => ({ path: [part, ...path], message }));
}

export interface LinksParts {
  readonly store: ConnectionStore;
  readonly backends: Backends;
  readonly alarm: Alarm;
  readonly effects: Effects;
  readonly subscriptions: Subscriptions;
}

/** Links between agendas and remote agendas: making, watching, forcing. */
export class Links {
  constructor(private readonly parts: LinksParts) {}

  async create(link: NewLink): Promise<
    | {
        outcome:
          'linked' | 'taken' | 'agenda-unknown' | 'connection-unknown' | 'remote-agenda-unknown' | 'not-writable';
      }
    | { outcome: 'failed'; failure: Failure }
  > {
    const { store, backends, effects, alarm } = this.parts;
    if ((await store.account(link.organizationId, link.connectionId)) === null)
      return { outcome: 'connection-unknown' };
    try {
      const { session } = await backends.open(link.organizationId, link.connectionId);
      const agenda = (await session.listAgendas(effects.deadline(15_000))).find(({ id }) => id === link.remoteAgendaId);
      if (agenda === undefined) return { outcome: 'remote-agenda-unknown' };
      if (!agenda.writable && link.direction === 'two-way') return { outcome: 'not-writable' };
    } catch (error) {
      return { outcome: 'failed', failure: failureOf(error) };
    }
    const outcome = await store.link(link);
    if (outcome === 'linked') {
      await this.parts.subscriptions.renew(link.organizationId, link.id);
      await alarm
        .wake(syncLink, { organizationId: link.organizationId, linkId: link.id, full: true })
        .catch(() => undefined);
    }
    return { outcome };
  }

  health(organizationId: string, linkId: string): Promise<LinkHealth | null> {
    return this.parts.store.health(organizationId, linkId);
  }
}
