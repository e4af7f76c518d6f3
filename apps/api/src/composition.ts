import { randomBytes } from 'node:crypto';
import {
  Approval,
  BackendHolds,
  Booking,
  Brake,
  BusyWriter,
  CleanUp,
  ConflictInbox,
  ConnectorBackends,
  Connections,
  ConnectionTrials,
  Consents,
  FirstSync,
  LaneRunner,
  LinkLifecycle,
  Links,
  LinkStages,
  Patients,
  Quarantine,
  RemoteWriter,
  RuntimeEffects,
  SearchSlots,
  Subscriptions,
  Succession,
  SyncLink,
  WriteThrough,
  type Alarm,
  type AuditLog,
  type Bookings,
  type Calendar,
  type Conflicts,
  type Events,
  type Feeds,
  type HealthStore,
  type Interest,
  type RuleStore,
  type Vault,
  type WaitingEntries,
  type WaitingOffers,
  WaitingList,
} from '#application';
import { connectors } from '#connectors';
import {
  Database,
  PgAuditLog,
  PgBackendHolds,
  PgBookings,
  PgBrakeStore,
  PgBusyChanges,
  PgCalendar,
  PgConflicts,
  PgConnectionStore,
  PgConsents,
  PgDisconnections,
  PgEvents,
  PgFeeds,
  PgHealthStore,
  PgInterest,
  PgKeyStore,
  PgLanes,
  PgLinkStore,
  PgPatients,
  PgPlans,
  PgQuarantineStore,
  PgRules,
  PgStages,
  PgSubscriptionStore,
  PgSuccession,
  PgSyncStore,
  PgWaitingEntries,
  PgWaitingOffers,
  PgWrites,
} from '#persistence';
import {
  Drain,
  Metrics,
  openVault,
  RateLimiter,
  Readiness,
  watchKeyService,
  type Environment,
  type Logger,
} from '#platform';
import { openQueue } from '#queue';
import { buildAuthentication, type AuthenticationParts } from './authentication.js';
import { buildAccess, type AccessParts } from './access/parts.js';
import { buildDesk, type Desk } from './desk.js';

/** Everything the routes need, put together once. */
export interface ApiParts extends AccessParts {
  readonly desk: Desk;
  readonly booking: Booking;
  readonly bookings: Bookings;
  readonly calendar: Calendar;
  readonly slots: SearchSlots;
  readonly conflicts: Conflicts;
  readonly inbox: ConflictInbox;
  readonly connections: Connections;
  readonly trials: ConnectionTrials;
  readonly consents: Consents;
  readonly links: Links;
  readonly lifecycle: LinkLifecycle;
  readonly succession: Succession;
  readonly approval: Approval;
  readonly cleanUp: CleanUp;
  readonly health: HealthStore;
  readonly lanes: LaneRunner;
  readonly subscriptions: Subscriptions;
  readonly brake: Brake;
  readonly quarantine: Quarantine;
  readonly interest: Interest;
  readonly rules: RuleStore;
  readonly waiting: WaitingList;
  readonly waitingEntries: WaitingEntries;
  readonly waitingOffers: WaitingOffers;
  readonly events: Events;
  readonly patients: Patients;
  readonly feeds: Feeds;
  /** Where the api is reached from outside, without a final slash; `null` = not known. */
  readonly publicUrl: string | null;
  readonly alarm: Alarm;
  readonly recognition: AuthenticationParts;
  readonly trustedProxies: string | undefined;
  readonly rateLimiter: RateLimiter;
  readonly metrics: Metrics;
  readonly audit: AuditLog;
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
  watchKeyService(environment, metrics, logger);
  const { lanes } = useCases;
  const recognition = buildAuthentication({ database, ...useCases }, environment);
  return {
    ...useCases,
    alarm: queue.alarm,
    metrics,
    recognition,
    trustedProxies: environment.TRUSTED_PROXIES,
    audit: new PgAuditLog(database),
    rateLimiter: new RateLimiter(environment.RATE_LIMIT_PER_MINUTE),
    drain: new Drain(),
    readiness: new Readiness(async () => {
      await database.ping();
      return { database: true };
    }),
    close: async () => {
      await Promise.race([lanes.drained(), useCases.effects.sleep(REMOTE_WORK_MS)]);
      backends.close();
      recognition.openIdProviders.close();
      await Promise.allSettled([queue.close(), database.close()]);
    },
  };
}

/** What carries agendas to and from their backends, one lane each. */
function buildLanes(database: Database, environment: Environment) {
  const vault = openVault(environment, new PgKeyStore(database));
  const effects = new RuntimeEffects();
  const store = new PgConnectionStore(database, vault);
  const sync = new PgSyncStore(database, vault);
  const writes = new PgWrites(database, vault);
  const context = {
    timeoutMs: environment.VENDOR_TIMEOUT_MS,
    listingTimeoutMs: environment.VENDOR_LISTING_TIMEOUT_MS,
    allowPrivateNetworks: environment.ALLOW_PRIVATE_NETWORKS,
    now: () => effects.now(),
  };
  const backends = new ConnectorBackends(store, connectors, context);
  const syncLink = new SyncLink(sync, effects);
  const leases = new PgLanes(database);
  const plans = new PgPlans(database);
  const stages = new LinkStages({
    store: new PgStages(database, vault),
    firstSync: new FirstSync(plans, syncLink),
    sync: syncLink,
    effects,
  });
  const lanes = new LaneRunner({
    lanes: leases,
    store: sync,
    writes,
    backends,
    sync: syncLink,
    writer: new RemoteWriter(writes, syncLink, effects),
    busyWriter: new BusyWriter(new PgBusyChanges(database), syncLink, effects),
    stages,
    effects,
  });
  return { vault, effects, store, sync, context, backends, leases, plans, lanes };
}

function buildUseCases(whole: Database, alarm: Alarm, environment: Environment) {
  const { vault, effects, sync, context, backends, leases, plans, lanes } = buildLanes(whole, environment);
  // What is carried to and from backends concerns whole agendas; what people ask is limited to what they may see.
  const database = whole.forRequests();
  const store = new PgConnectionStore(database, vault);
  const bookings = new PgBookings(database, vault);
  const [calendar, conflicts] = [new PgCalendar(database), new PgConflicts(database)];
  const [health, disconnections] = [new PgHealthStore(database), new PgDisconnections(database)];
  const [links, slots] = [new PgLinkStore(database, vault), new SearchSlots(calendar)];
  const around = { connections: store, connectors, context, backends, alarm, effects };
  const through = new WriteThrough({ bookings, lanes, alarm, effects });
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
  const lifecycle = new LinkLifecycle({ ...around, links, disconnections });
  const succession = new Succession({ ...around, store: new PgSuccession(database), sync, subscriptions });
  const backendHolds = { store: new PgBackendHolds(database), backends, effects };
  const booking = new Booking(bookings, slots, through, new BackendHolds(backendHolds));
  return {
    ...buildAccess(whole, effects),
    ...storesOf(database, vault, lanes),
    ...waitingParts(database, vault, booking),
    desk: buildDesk(database, { booking, bookings, slots, through }),
    subscriptions,
    consents: new Consents({
      ...around,
      store: new PgConsents(database, vault),
      lifecycle,
      redirectUri: publicUrl === null ? null : `${publicUrl}/v1/consents/callback`,
      newSecret,
    }),
    brake: new Brake(new PgBrakeStore(database), lanes, alarm),
    bookings,
    calendar,
    slots,
    lanes,
    backends,
    effects,
    conflicts,
    inbox: new ConflictInbox(conflicts, through),
    publicUrl,
    booking,
    connections: new Connections(store, connectors, backends, effects),
    trials: new ConnectionTrials({ ...around, connectors }),
    links: new Links({ store, health, backends, alarm, effects, subscriptions }),
    health,
    lifecycle,
    succession,
    approval: new Approval({ plans, links, lanes, alarm, effects }),
    cleanUp: new CleanUp({ store: disconnections, lanes: leases, backends, effects }),
  };
}

function storesOf(
  database: Database,
  vault: Vault,
  lanes: LaneRunner,
): Pick<ApiParts, 'interest' | 'rules' | 'events' | 'feeds' | 'quarantine'> {
  const quarantine = new Quarantine(new PgQuarantineStore(database, vault), lanes);
  const [interest, rules] = [new PgInterest(database), new PgRules(database)];
  return { interest, rules, quarantine, events: new PgEvents(database), feeds: new PgFeeds(database, vault) };
}

function waitingParts(
  database: Database,
  vault: Vault,
  booking: Booking,
): Pick<ApiParts, 'waiting' | 'waitingEntries' | 'waitingOffers' | 'patients'> {
  const [entries, offers] = [new PgWaitingEntries(database, vault), new PgWaitingOffers(database, vault)];
  const patients = new Patients(new PgPatients(database, vault));
  const waiting = new WaitingList({ entries, offers, booking });
  return { patients, waiting, waitingEntries: entries, waitingOffers: offers };
}
