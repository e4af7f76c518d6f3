import { ConnectorError, type Connector, type ConnectorContext, type Session, type SharedTokens } from '#connector-sdk';
import type { ConnectionAccount, ConnectionStore } from './connections.js';
import { Backends, type Backend } from './ports.js';

interface Cached {
  readonly fingerprint: string;
  readonly session: Session;
}

/** Failures that say something about the backend's health, not about one request. */
const SICK: ReadonlySet<string> = new Set(['unavailable', 'unknown', 'rate_limited']);
/** Asked too often, without being told how long to wait. */
const THROTTLED_MS = 5_000;
/** Most sessions kept open in one process. */
const MAX_SESSIONS = 500;

/** Opens sessions from the registry, keeps them while their credentials stand, and counts their calls for the breaker. */
export class ConnectorBackends extends Backends {
  private readonly sessions = new Map<string, Cached>();

  constructor(
    private readonly store: ConnectionStore,
    private readonly connectors: ReadonlyMap<string, Connector>,
    private readonly context: ConnectorContext,
  ) {
    super();
  }

  /** Throws `unavailable` with `retryAfterMs` while the breaker is open, `invalid` when the account cannot be opened. */
  async open(organizationId: string, connectionId: string): Promise<Backend> {
    const account = await this.store.account(organizationId, connectionId);
    const connector = account === null ? undefined : this.connectors.get(account.connectorId);
    if (account === null || connector === undefined)
      throw new ConnectorError('invalid', 'the connection or its connector is not known');
    if (account.blockedMs > 0)
      throw new ConnectorError('unavailable', 'the backend is left in peace after failures', {
        retryAfterMs: account.blockedMs,
      });
    return { session: this.session(organizationId, account, connector), capabilities: connector.capabilities };
  }

  /** Closes every session. */
  close(): void {
    for (const { session } of this.sessions.values()) session.close();
    this.sessions.clear();
  }

  private session(organizationId: string, account: ConnectionAccount, connector: Connector): Session {
    const cached = this.sessions.get(account.id);
    if (cached?.fingerprint === account.fingerprint) return cached.session;
    cached?.session.close();
    const settings = connector.config.settings.parse(account.settings);
    const secrets = connector.config.secrets.parse(account.secrets);
    const context = { ...this.context, tokens: this.tokens(organizationId, account) };
    const opened = connector.open({ settings, secrets }, context);
    const allowed = connector.capabilities.write === 'none' ? readOnly(opened) : opened;
    const session = this.counted(organizationId, account.id, allowed);
    this.sessions.delete(account.id);
    this.sessions.set(account.id, { fingerprint: account.fingerprint, session });
    this.evict();
    return session;
  }

  /** A session opened with former secrets must not store its tokens beside the new ones. */
  private tokens(organizationId: string, { id, fingerprint }: ConnectionAccount): SharedTokens {
    return {
      read: () => this.store.sharedTokens(organizationId, id),
      replace: (expected, next) => this.store.replaceSharedTokens(organizationId, id, { expected, next, fingerprint }),
    };
  }

  private evict(): void {
    const [oldest] = this.sessions;
    if (this.sessions.size <= MAX_SESSIONS || oldest === undefined) return;
    oldest[1].session.close();
    this.sessions.delete(oldest[0]);
  }

  /** The same session, with the outcome of every call reported to the breaker when it changes something. */
  private counted(organizationId: string, connectionId: string, session: Session): Session {
    let failing = false;
    const report = async (error: unknown): Promise<void> => {
      const sick = ConnectorError.is(error) && SICK.has(error.kind);
      if (!sick && !failing) return;
      failing = sick;
      const throttled = sick && error.kind === 'rate_limited';
      const blockMs = sick ? (error.retryAfterMs ?? (throttled ? THROTTLED_MS : 0)) : 0;
      await this.store.report(organizationId, connectionId, { failed: sick, blockMs, throttled });
    };
    const count = async <T>(call: Promise<T>): Promise<T> => {
      try {
        const value = await call;
        await report(null);
        return value;
      } catch (error) {
        await report(error);
        throw error;
      }
    };
    return countedSession(session, count, report);
  }
}

/** A backend that takes no writes is never asked for one, and none of its agendas passes for writable. */
function readOnly(session: Session): Session {
  const refuse = (): Promise<never> =>
    Promise.reject(new ConnectorError('forbidden', 'this kind of agenda cannot be written'));
  return {
    verify: (options) => session.verify(options),
    listAgendas: async (options) =>
      (await session.listAgendas(options)).map((agenda) => ({ ...agenda, writable: false })),
    pull: (request, options) => session.pull(request, options),
    find: (request, options) => session.find(request, options),
    create: refuse,
    update: refuse,
    cancel: refuse,
    ...optionalsOf(session),
    close: () => {
      session.close();
    },
  };
}

/** The optional methods that a session has, bound to it. */
function optionalsOf(
  session: Session,
): Pick<Session, 'versions' | 'subscribe' | 'renew' | 'unsubscribe' | 'parsePush'> {
  const versions = session.versions?.bind(session);
  const subscribe = session.subscribe?.bind(session);
  const renew = session.renew?.bind(session);
  const unsubscribe = session.unsubscribe?.bind(session);
  const parsePush = session.parsePush?.bind(session);
  return {
    ...(versions && { versions }),
    ...(subscribe && { subscribe }),
    ...(renew && { renew }),
    ...(unsubscribe && { unsubscribe }),
    ...(parsePush && { parsePush }),
  };
}

function countedSession(
  session: Session,
  count: <T>(call: Promise<T>) => Promise<T>,
  report: (error: unknown) => Promise<void>,
): Session {
  const { versions, subscribe, renew, unsubscribe, parsePush } = optionalsOf(session);
  return {
    verify: (options) => count(session.verify(options)),
    listAgendas: (options) => count(session.listAgendas(options)),
    create: (request, options) => count(session.create(request, options)),
    update: (request, options) => count(session.update(request, options)),
    cancel: (request, options) => count(session.cancel(request, options)),
    find: (request, options) => count(session.find(request, options)),
    async *pull(request, options) {
      try {
        yield* session.pull(request, options);
        await report(null);
      } catch (error) {
        await report(error);
        throw error;
      }
    },
    ...(versions && { versions: (request, options) => count(versions(request, options)) }),
    ...(subscribe && { subscribe: (request, options) => count(subscribe(request, options)) }),
    ...(renew && { renew: (request, options) => count(renew(request, options)) }),
    ...(unsubscribe && { unsubscribe: (request, options) => count(unsubscribe(request, options)) }),
    ...(parsePush && { parsePush }),
    close: () => {
      session.close();
    },
  };
}
