import type { Capabilities, Connector, RemoteAgenda } from '#connector-sdk';
import type { ConflictPolicy } from '#domain';
import type { Actor, Disclosure, LinkDirection } from './model.js';
import { healthOf, type HealthStore, type LinkHealth } from './health.js';
import type { Responsible } from './health-facts.js';
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
  /** Who is told when something is wrong with it. */
  readonly responsible: Responsible | null;
  /** Instant at which its credential ends, epoch milliseconds; `null` = not known. */
  readonly expiresAt: number | null;
}

/** A connection with what opens it. */
export interface ConnectionAccount extends ConnectionRecord {
  readonly secrets: Readonly<Record<string, unknown>>;
  /** Changes whenever settings or secrets do; not with what sessions share. */
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
  readonly direction: LinkDirection;
  readonly disclosure: Disclosure;
  readonly policy: ConflictPolicy;
  /** True begins the first synchronisation at once; false makes a plan of it, for a person to approve. */
  readonly approved: boolean;
  readonly actor: Actor;
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
    responsible: Responsible | null;
    actor: Actor;
  }): Promise<ConnectionRecord>;
  abstract list(organizationId: string): Promise<readonly ConnectionRecord[]>;
  abstract account(organizationId: string, id: string): Promise<ConnectionAccount | null>;
  /** What the sessions of the connection share beside its secrets; `null` = nothing. */
  abstract sharedTokens(organizationId: string, id: string): Promise<string | null>;
  /** Compare-and-set; false when something else than `expected` stands there, or the secrets are others by now. */
  abstract replaceSharedTokens(
    organizationId: string,
    id: string,
    tokens: { expected: string | null; next: string; fingerprint: string },
  ): Promise<boolean>;
  /** `expiresAt` left out: what was known of it stays. */
  abstract setStatus(
    organizationId: string,
    id: string,
    checked: { status: ConnectionRecord['status']; expiresAt?: number | null },
  ): Promise<void>;
  /** False when there is no such connection. */
  abstract setResponsible(organizationId: string, id: string, responsible: Responsible | null): Promise<boolean>;
  /**
   * Counts a call that is about to be made: of all processes together fifteen at most begin before one of them is
   * answered, and after the breaker was open one at a time. Not begun while `blockedMs` > 0; else once others are answered.
   */
  abstract begin(organizationId: string, id: string): Promise<{ readonly begun: boolean; readonly blockedMs: number }>;
  /**
   * Counts its outcome for the breaker: ten failures in a row open it for half a minute. `blockMs`: the backend named a time
   * itself, before which no answer to an earlier call opens it again. `throttled`: because it is asked too often.
   */
  abstract report(
    organizationId: string,
    id: string,
    call: { failed: boolean; blockMs: number; throttled: boolean },
  ): Promise<void>;
  /**
   * `taken`: the agenda or the remote agenda is linked already. `removing`: an earlier link of the remote agenda still
   * removes what it wrote. The hub stays the master of the agenda until the remote one has been read.
   */
  abstract link(
    link: NewLink,
  ): Promise<'linked' | 'taken' | 'removing' | 'equipment' | 'agenda-unknown' | 'connection-unknown'>;
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

  /** What its backend can do, with these settings; `null` when this kind of backend is not known any more. */
  capabilitiesOf({ connectorId, settings }: Pick<ConnectionRecord, 'connectorId' | 'settings'>): Capabilities | null {
    const connector = this.connectors.get(connectorId);
    if (connector === undefined) return null;
    const read = connector.config.settings.safeParse(settings);
    return (read.success ? connector.capabilitiesOf?.(read.data) : undefined) ?? connector.capabilities;
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
    responsible?: Responsible | null;
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
      connection: await this.store.create({
        ...request,
        responsible: request.responsible ?? null,
        settings: settings.data,
        secrets: secrets.data,
      }),
    };
  }

  /** Tries the credential against the backend and remembers the result. */
  async verify(
    organizationId: string,
    id: string,
  ): Promise<
    | { outcome: 'verified'; account: string; expiresAt: number | null }
    | { outcome: 'failed'; failure: Failure }
    | ConnectionProblem
  > {
    const tried = await this.try(organizationId, id, (session) => session.verify(this.effects.deadline(10_000)));
    if (tried.outcome === 'done') {
      const { account, expiresAt = null } = tried.value;
      await this.store.setStatus(organizationId, id, { status: 'active', expiresAt });
      return { outcome: 'verified', account, expiresAt };
    }
    if (tried.outcome === 'failed' && tried.failure.kind === 'auth')
      await this.store.setStatus(organizationId, id, { status: 'auth-failed' });
    return tried;
  }

  setResponsible(organizationId: string, id: string, responsible: Responsible | null): Promise<boolean> {
    return this.store.setResponsible(organizationId, id, responsible);
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

/** The issues of one part of an account, with that part in their path. */
export function issuesOf(
  part: string,
  error: { issues: readonly { path: PropertyKey[]; message: string }[] } | undefined,
): { path: PropertyKey[]; message: string }[] {
  return (error?.issues ?? []).map(({ path, message }) => ({ path: [part, ...path], message }));
}

export interface LinksParts {
  readonly store: ConnectionStore;
  readonly health: HealthStore;
  readonly backends: Backends;
  readonly alarm: Alarm;
  readonly effects: Effects;
  readonly subscriptions: Subscriptions;
}

/** Links between agendas and remote agendas: making, watching, forcing. */
export class Links {
  constructor(private readonly parts: LinksParts) {}

  async create(
    link: NewLink,
  ): Promise<
    | { outcome: Awaited<ReturnType<ConnectionStore['link']>> | 'remote-agenda-unknown' | 'not-writable' }
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

  async health(organizationId: string, linkId: string): Promise<LinkHealth | null> {
    const [facts] = await this.parts.health.facts(organizationId, [linkId]);
    return facts === undefined ? null : healthOf(facts);
  }
}
