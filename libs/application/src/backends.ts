import { setTimeout as delay } from 'node:timers/promises';
import {
  ConnectorError,
  type CallOptions,
  type Connector,
  type ConnectorContext,
  type Session,
  type SharedTokens,
} from '#connector-sdk';
import type { ConnectionAccount, ConnectionStore } from './connections.js';
import { Backends, type Backend } from './ports.js';

interface Cached extends Backend {
  readonly fingerprint: string;
}

/** Failures that say something about the backend's health, not about one request. */
const SICK: ReadonlySet<string> = new Set(['unavailable', 'unknown', 'rate_limited']);
/** Asked too often, without being told how long to wait. */
const THROTTLED_MS = 5_000;
/** While as many calls as may be are under way, how often it is looked whether one was answered. */
const ASK_AGAIN_MS = 100;
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
    if (account.blockedMs > 0) throw leftInPeace(account.blockedMs);
    const { session, capabilities } = this.opened(organizationId, account, connector);
    return { session, capabilities };
  }

  /** Closes every session. */
  close(): void {
    for (const { session } of this.sessions.values()) session.close();
    this.sessions.clear();
  }

  private opened(organizationId: string, account: ConnectionAccount, connector: Connector): Backend {
    const cached = this.sessions.get(account.id);
    if (cached?.fingerprint === account.fingerprint) return cached;
    cached?.session.close();
    const settings = connector.config.settings.parse(account.settings);
    const secrets = connector.config.secrets.parse(account.secrets);
    const context = { ...this.context, tokens: this.tokens(organizationId, account) };
    const opened = connector.open({ settings, secrets }, context);
    const capabilities = connector.capabilitiesOf?.(settings) ?? connector.capabilities;
    const allowed = capabilities.write === 'none' ? readOnly(opened) : opened;
    const session = this.counted(organizationId, account.id, allowed);
    this.sessions.delete(account.id);
    const made = { fingerprint: account.fingerprint, session, capabilities };
    this.sessions.set(account.id, made);
    this.evict();
    return made;
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

  /** The same session, with every call counted for the breaker before it is made, and its outcome after. */
  private counted(organizationId: string, connectionId: string, session: Session): Session {
    const begin = async ({ signal }: CallOptions): Promise<void> => {
      for (;;) {
        const { begun, blockedMs } = await this.store.begin(organizationId, connectionId);
        if (begun) return;
        if (blockedMs > 0) throw leftInPeace(blockedMs);
        if (signal.aborted) throw new ConnectorError('unavailable', 'the backend has not answered earlier calls yet');
        await delay(ASK_AGAIN_MS);
      }
    };
    const report = async (error: unknown): Promise<void> => {
      const sick = ConnectorError.is(error) && SICK.has(error.kind);
      const throttled = sick && error.kind === 'rate_limited';
      const blockMs = sick ? (error.retryAfterMs ?? (throttled ? THROTTLED_MS : 0)) : 0;
      await this.store.report(organizationId, connectionId, { failed: sick, blockMs, throttled });
    };
    return countedSession(session, { begin, report });
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
    ...optionalsOf(session, OPTIONAL_READS),
    close: () => {
      session.close();
    },
  };
}

/** Methods that a session may have, each a call to its backend; and those among them that change no agenda. */
const OPTIONAL_READS = ['versions', 'rules', 'subscribe', 'renew', 'unsubscribe'] as const;
const OPTIONAL_CALLS = [...OPTIONAL_READS, 'store', 'hold', 'probe', 'changeInstance', 'splitSeries'] as const;
type Optionals = Pick<Session, (typeof OPTIONAL_CALLS)[number] | 'parsePush'>;
type Around = <T>(options: CallOptions, call: () => Promise<T>) => Promise<T>;

/** Those of the methods that a session has, bound to it; each call goes `around`. */
function optionalsOf(
  session: Session,
  names: readonly (typeof OPTIONAL_CALLS)[number][],
  around: Around = (_options, call) => call(),
): Optionals {
  const calls = names.flatMap((name) => {
    type Method = (request: unknown, options: CallOptions) => Promise<unknown>;
    const method = session[name]?.bind(session) as Method | undefined;
    if (method === undefined) return [];
    const call: Method = (request, options) => around(options, () => method(request, options));
    return [[name, call] as const];
  });
  const parsePush = session.parsePush?.bind(session);
  return { ...(Object.fromEntries(calls) as Omit<Optionals, 'parsePush'>), ...(parsePush && { parsePush }) };
}

function leftInPeace(retryAfterMs: number): ConnectorError {
  return new ConnectorError('unavailable', 'the backend is left in peace after failures', { retryAfterMs });
}

/** What counts a call: `begin` throws when it must not be made. */
interface Counter {
  readonly begin: (options: CallOptions) => Promise<void>;
  /** `null`: it was answered. */
  readonly report: (error: unknown) => Promise<void>;
}

function countedSession(session: Session, { begin, report }: Counter): Session {
  const count = async <T>(options: CallOptions, call: () => Promise<T>): Promise<T> => {
    await begin(options);
    let value: T;
    try {
      value = await call();
    } catch (error) {
      await report(error);
      throw error;
    }
    await report(null);
    return value;
  };
  return {
    verify: (options) => count(options, () => session.verify(options)),
    listAgendas: (options) => count(options, () => session.listAgendas(options)),
    create: (request, options) => count(options, () => session.create(request, options)),
    update: (request, options) => count(options, () => session.update(request, options)),
    cancel: (request, options) => count(options, () => session.cancel(request, options)),
    find: (request, options) => count(options, () => session.find(request, options)),
    async *pull(request, options) {
      await begin(options);
      try {
        for await (const item of session.pull(request, options)) {
          // Whoever has the end asks for nothing more.
          if (item.type === 'end') await report(null);
          yield item;
        }
      } catch (error) {
        await report(error);
        throw error;
      }
    },
    ...optionalsOf(session, OPTIONAL_CALLS, count),
    close: () => {
      session.close();
    },
  };
}
