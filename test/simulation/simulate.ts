import type { Capabilities, Session } from '#connector-sdk';
import { isLive, type ConflictPolicy } from '#domain';
import { judge, type FinalOp, type HistoryOp, type Violation } from '../support/history.js';
import { BookingFunctions } from './booking-functions.js';
import { Clients, VISIT_MS } from './clients.js';
import { EPOCH, Host, type Conversation } from './host.js';
import { Lifecycle } from './lifecycle.js';
import { Practitioner } from './practitioner.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';
import { SyncFunctions } from './sync-functions.js';
import { AGENDA, Tables, type DatabaseSafeties } from './tables.js';
import { capabilitiesOf, Vendor, VENDORS, type VendorName } from './vendor.js';
import type { Faults, World } from './world.js';

/** Nothing new is asked and nothing goes wrong any more from here on: what is open must settle until the end. */
const QUIET_FROM_MS = 100_000;
const END_MS = 420_000;
const HOSTS = 2;
const BOOKINGS = 8;

const FAULTS: Faults = {
  lost: 0.05,
  late: 0.05,
  serverError: 0.04,
  throttled: 0.01,
  answerLost: 0.08,
  answerLate: 0.05,
  crash: 0.002,
  pause: 0.004,
  databaseError: 0.002,
  slowTransaction: 0.05,
};

/** What a run leaves out, to show that the judge notices. */
export interface Broken extends Partial<DatabaseSafeties> {
  readonly capabilities?: Partial<Capabilities>;
  session?(honest: Session): Session;
}

export interface RunOptions {
  readonly seed: number;
  readonly vendor: VendorName;
  readonly broken?: Broken;
  /** Of the link; the practitioner wins when left out. */
  readonly policy?: ConflictPolicy;
  /** Where these faults must come more or less often than usual. */
  readonly faults?: Partial<Faults>;
}

export interface RunResult {
  readonly violations: readonly Violation[];
  readonly history: readonly HistoryOp[];
  /** Bookings asked for, and those confirmed in the end. */
  readonly bookings: number;
  readonly confirmed: number;
  readonly steps: number;
}

/** One seed, one run: two processes of the hub, a vendor, secretaries, a practitioner, and everything that goes wrong. */
export async function simulate({
  seed,
  vendor: name,
  broken = {},
  faults = {},
  policy: wins,
}: RunOptions): Promise<RunResult> {
  const scheduler = new Scheduler();
  const random = new Random(seed);
  const tables = new Tables(() => EPOCH + scheduler.now, {
    compareAndSet: true,
    fencing: true,
    exclusion: true,
    ...broken,
  });
  if (wins) tables.link.policy = wins;
  const lifecycle = new Lifecycle(tables);
  const policy = {
    staleAfterMs: random.chance(0.5) ? 20_000 : 120_000,
    whenUnreachable: random.chance(0.5) ? 'refuse' : 'queue',
    visitMs: VISIT_MS,
  } as const;
  const hosts: (Host | undefined)[] = [];
  const history: HistoryOp[] = [];
  const intensity = random.pick([0, 0.5, 1, 1.5])!;
  const world: World = {
    scheduler,
    random,
    database: {
      tables,
      lifecycle,
      booking: new BookingFunctions(lifecycle, policy),
      sync: new SyncFunctions(lifecycle),
    },
    vendor: new Vendor(
      VENDORS[name],
      (id, row, by) => practitioner.watch(id, row, by),
      () => EPOCH + scheduler.now,
    ),
    history,
    host: () => random.pick(hosts.filter((host) => host !== undefined)),
    fails: (probability) => scheduler.now < QUIET_FROM_MS && random.chance(probability * intensity),
    faults: { ...FAULTS, ...faults },
    downUntil: 0,
  };
  const capabilities = { ...capabilitiesOf(VENDORS[name]), ...broken.capabilities };
  const conversation: Conversation = { capabilities, session: (honest) => broken.session?.(honest) ?? honest };
  const clients = new Clients(world);
  const practitioner = new Practitioner(world, clients);
  for (let slot = 0; slot < HOSTS; slot += 1) runHost(world, hosts, { slot, conversation });
  if (random.chance(0.3))
    scheduler.quietly(
      random.between(5_000, 80_000),
      () => (world.downUntil = scheduler.now + random.between(3_000, 20_000)),
    );
  clients.start(BOOKINGS);
  if (random.chance(0.8)) practitioner.start();
  await scheduler.run(END_MS);
  history.push(...finals(world, practitioner));
  const confirmed = [...tables.appointments.values()].filter(({ status }) => status === 'confirmed').length;
  return { violations: judge(history), history, bookings: BOOKINGS, confirmed, steps: scheduler.steps };
}

/** A process that dies is followed by a new one, which knows nothing but the database. */
function runHost(
  world: World,
  hosts: (Host | undefined)[],
  { slot, conversation }: { slot: number; conversation: Conversation },
): void {
  hosts[slot] = new Host(world, conversation, () => {
    hosts[slot] = undefined;
    world.scheduler.quietly(world.random.between(500, 5_500), () => runHost(world, hosts, { slot, conversation }));
  });
}

function finals({ database: { tables }, vendor }: World, practitioner: Practitioner): FinalOp[] {
  const rows: FinalOp[] = [];
  const keyOf = (id: string): string => practitioner.keyOf(`${id}-1`) ?? id;
  for (const { id, status, start, end, reason } of tables.appointments.values()) {
    // Where the hub may not simply follow him, his moving what is double-booked leaves the question open, too.
    const asked = status === 'conflict' && (reason?.code === 'CONFLICT' || tables.link.policy !== 'practitioner-wins');
    if (isLive(status) && status !== 'held')
      rows.push({ op: 'final', store: 'hub', agenda: AGENDA, id, key: keyOf(id), start, end, status, asked });
  }
  for (const { kind, holder, start, end } of tables.claims) {
    if (kind === 'mirror') rows.push({ op: 'final', store: 'hub', agenda: AGENDA, id: holder, key: null, start, end });
  }
  for (const { id, reference, start, end } of vendor.rows.values()) {
    const key = reference === null || practitioner.hasMadeHisOwn(id) ? null : (practitioner.keyOf(reference) ?? null);
    rows.push({ op: 'final', store: 'vendor', agenda: AGENDA, id, key, start, end });
  }
  return rows;
}
