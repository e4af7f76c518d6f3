import { randomBytes } from 'node:crypto';
import {
  Booking,
  Brake,
  ConnectorBackends,
  Connections,
  LaneRunner,
  Links,
  Quarantine,
  RemoteWriter,
  RuntimeEffects,
  SearchSlots,
  Subscriptions,
  SyncLink,
  WriteThrough,
  type Alarm,
  type Bookings,
  type Calendar,
  type Events,
  type Interest,
} from '#application';
import { connectors } from '#connectors';
import {
  Database,
  PgApiKeys,
  PgBookings,
  PgBrakeStore,
  PgCalendar,
  PgConnectionStore,
  PgEvents,
  PgInterest,
  PgLanes,
  PgQuarantineStore,
  PgSubscriptionStore,
  PgSyncStore,
  PgWrites,
} from '#persistence';
import {
  Authentication,
  Drain,
  MasterKeyVault,
  Metrics,
  RateLimiter,
  Readiness,
  type Environment,
  type Logger,
} from '#platform';
import { openQueue } from '#queue';

/** Everything the routes need, put together once. */
export interface ApiParts {
  readonly booking: Booking;
  readonly bookings: Bookings;
  readonly calendar: Calendar;
  readonly slots: SearchSlots;
  readonly connections: Connections;
  readonly links: Links;
  readonly lanes: LaneRunner;
  readonly subscriptions: Subscriptions;
  readonly brake: Brake;
  readonly quarantine: Quarantine;
  readonly interest: Interest;
  readonly events: Events;
  readonly alarm: Alarm;
  readonly authentication: Authentication;
  readonly rateLimiter: RateLimiter;
  readonly metrics: Metrics;
  readonly drain: Drain;
  readonly readiness: Readiness;
  /** Lets remote work come to its end, then frees every connection. */
  close(): Promise<void>;
}

const SECRET_BYTES = 32;
/** Remote work that is still open then is found and settled by a worker. */
const REMOTE_WORK_MS = 3000;

/** Opens database and queue and builds the use cases on them. */
export async function openParts(environment: Environment, logger: Logger): Promise<ApiParts> {
  const database = await Database.open({
    url: environment.DATABASE_URL,
    poolSize: environment.POOL_SIZE,
    applicationName: 'unisson-api',
  });
  const queue = openQueue({
    databaseUrl: environment.DATABASE_URL,
    redisUrl: environment.REDIS_URL,
    onError: (error) => {
      logger.warn({ err: error }, 'the queue reports');
    },
  });
  const { backends, ...useCases } = buildUseCases(database, queue.alarm, environment);
  const metrics = new Metrics('api');
  metrics.watchPool(() => database.load());
  const { calendar, lanes } = useCases;
  return {
    ...useCases,
    alarm: queue.alarm,
    metrics,
    authentication: new Authentication(new PgApiKeys(database), {
      isActive: (organizationId, id) => calendar.collaborator(organizationId, id),
    }),
    rateLimiter: new RateLimiter(environment.RATE_LIMIT_PER_MINUTE),
    drain: new Drain(),
    readiness: new Readiness(async () => {
      await database.ping();
      return { database: true };
    }),
    close: async () => {
      await Promise.race([lanes.drained(), useCases.effects.sleep(REMOTE_WORK_MS)]);
      backends.close();
      await Promise.allSettled([queue.close(), database.close()]);
    },
  };
}

function buildUseCases(database: Database, alarm: Alarm, environment: Environment) {
  const vault = new MasterKeyVault(environment.UNISSON_KEYS);
  const effects = new RuntimeEffects();
  const bookings = new PgBookings(database, vault);
  const calendar = new PgCalendar(database);
  const store = new PgConnectionStore(database, vault);
  const sync = new PgSyncStore(database, vault);
  const writes = new PgWrites(database, vault);
  const backends = new ConnectorBackends(store, connectors, {
    timeoutMs: environment.VENDOR_TIMEOUT_MS,
    allowPrivateNetworks: environment.ALLOW_PRIVATE_NETWORKS,
    now: () => effects.now(),
  });
  const syncLink = new SyncLink(sync, effects);
  const writer = new RemoteWriter(writes, syncLink, effects);
  const lanes = new LaneRunner({
    lanes: new PgLanes(database),
    store: sync,
    writes,
    backends,
    sync: syncLink,
    writer,
    effects,
  });
  const slots = new SearchSlots(calendar);
  const newSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url');
  const publicUrl = environment.PUBLIC_URL?.replace(/\/+$/, '') ?? null;
  const subscriptions = new Subscriptions({
    store: new PgSubscriptionStore(database, vault),
    sync,
    backends,
    alarm,
    effects,
    publicUrl,
    newSecret,
  });
  return {
    subscriptions,
    brake: new Brake(new PgBrakeStore(database), lanes, alarm),
    quarantine: new Quarantine(new PgQuarantineStore(database, vault), lanes),
    interest: new PgInterest(database),
    bookings,
    calendar,
    slots,
    lanes,
    backends,
    effects,
    events: new PgEvents(database),
    booking: new Booking(bookings, slots, new WriteThrough({ bookings, lanes, alarm, effects })),
    connections: new Connections(store, connectors, backends, effects),
    links: new Links({ store, backends, alarm, effects, subscriptions }),
  };
}
