import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SimulatorClock } from '../core/clock.js';
import { registerClockControl, registerFaultControl, registerRequestControl } from '../core/control.js';
import type { Faults } from '../core/faults.js';
import { parsed } from '../core/refusal.js';
import type { RequestLog } from '../core/request-log.js';
import { clientSeed, grantSeed, serviceAccountSeed, type Accounts } from './accounts.js';
import type { Channels } from './channels.js';
import { eventInput, shown, type EventInput } from './events.js';
import { instantOf } from './moments.js';
import { ApiRefusal } from './refusal.js';
import { calendarSeed, type Calendar, type CalendarStore } from './store.js';

const refusalInput = z.strictObject({
  status: z.int().min(400).max(599),
  reason: z.string(),
  retryAfterSeconds: z.int().min(0).nullable().default(null),
  /** How often. */
  times: z.int().min(1).default(1),
});
export type PlannedRefusal = z.output<typeof refusalInput>;

export const seedInput = z.strictObject({
  clients: z.array(clientSeed).default([]),
  grants: z.array(grantSeed).default([]),
  serviceAccounts: z.array(serviceAccountSeed).default([]),
  calendars: z.array(calendarSeed).default([]),
});

const target = { calendarId: z.string(), id: z.string() };
/** What the practitioner does at his own screen, also to one instance of a series. */
const editInput = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('create'), calendarId: z.string(), event: eventInput }),
  z.strictObject({ action: z.literal('change'), ...target, event: eventInput }),
  z.strictObject({ action: z.literal('move'), ...target, start: z.int(), end: z.int() }),
  z.strictObject({ action: z.literal('delete'), ...target }),
]);

/** What tests and demonstrations steer the simulator with. */
export interface ControlParts {
  readonly store: CalendarStore;
  readonly accounts: Accounts;
  readonly channels: Channels;
  readonly faults: Faults;
  /** Faults of the token endpoint, which those of the API do not touch. */
  readonly tokenFaults: Faults;
  readonly log: RequestLog;
  readonly clock: SimulatorClock;
  readonly refusals: PlannedRefusal[];
  /** Oldest sync token that still works, by calendar. */
  readonly oldest: Map<string, number>;
}

export function seed(
  { store, accounts }: Pick<ControlParts, 'store' | 'accounts'>,
  input: z.output<typeof seedInput>,
): void {
  for (const client of input.clients) accounts.putClient(client);
  for (const grant of input.grants) accounts.putGrant(grant);
  for (const account of input.serviceAccounts) accounts.putServiceAccount(account);
  for (const calendar of input.calendars) store.putCalendar(calendar);
}

export function registerControl(scope: FastifyInstance, parts: ControlParts): void {
  const { store, accounts, channels, log, clock, refusals } = parts;
  scope.post('/reset', () => {
    for (const part of [store, accounts, channels]) part.reset();
    for (const faults of [parts.faults, parts.tokenFaults]) faults.clear();
    log.clear();
    clock.reset();
    refusals.length = 0;
    return { ok: true };
  });
  scope.post('/seed', (request) => {
    seed(parts, parsed(seedInput, request.body));
    return { ok: true };
  });
  scope.post('/edit', (request) => ({ event: edit(store, parsed(editInput, request.body)) }));
  scope.get('/dump', () => ({
    calendars: store.calendars(),
    events: store.calendars().flatMap((calendar) => dump(store, calendar)),
    channels: channels.list(),
  }));
  registerClockControl(scope, clock);
  registerRequestControl(scope, log);
  registerTrouble(scope, parts);
}

function registerTrouble(scope: FastifyInstance, parts: ControlParts): void {
  const { store, accounts, channels, refusals, oldest } = parts;
  registerFaultControl(scope, {
    faults: parts.faults,
    others: { '/token': parts.tokenFaults },
    onClear: () => {
      refusals.length = 0;
    },
  });
  scope.post('/refuse', (request) => {
    refusals.push(parsed(refusalInput, request.body));
    return { ok: true };
  });
  scope.post('/expire-cursors', () => {
    for (const { id } of store.calendars()) oldest.set(id, store.seq() + 1);
    return { ok: true };
  });
  scope.post('/expire-access', () => {
    accounts.expireAccess();
    return { ok: true };
  });
  scope.post('/withdraw', (request) => {
    accounts.withdraw(parsed(z.strictObject({ user: z.string() }), request.body).user);
    return { ok: true };
  });
  scope.post('/forget-deleted', () => {
    store.forgetDeleted();
    return { ok: true };
  });
  scope.post('/forget-channels', () => {
    channels.reset();
    return { ok: true };
  });
}

function edit(store: CalendarStore, input: z.output<typeof editInput>): object | null {
  const calendar = store.calendars().find(({ id }) => id === input.calendarId);
  if (calendar === undefined) throw new ApiRefusal(404, 'notFound');
  if (input.action === 'create') return shown(store.insert(calendar, input.event), 'owner');
  if (input.action === 'delete') {
    store.remove(calendar, input.id, undefined);
    return null;
  }
  const change: EventInput = input.action === 'change' ? input.event : moved(calendar, input);
  return shown(store.patch(calendar, input.id, change, undefined), 'owner');
}

function moved({ timeZone }: Calendar, { start, end }: { start: number; end: number }): EventInput {
  const at = (instant: number): EventInput['start'] => ({
    date: null,
    dateTime: new Date(instant).toISOString(),
    timeZone,
  });
  return { start: at(start), end: at(end) };
}

/** Every live event with its instants, series unexpanded. */
function dump(store: CalendarStore, calendar: Calendar): object[] {
  return store
    .stored(calendar.id)
    .filter(({ status }) => status !== 'cancelled')
    .map((event) => ({
      calendarId: calendar.id,
      startMs: instantOf(event.start, calendar.timeZone),
      endMs: instantOf(event.end, calendar.timeZone),
      ...shown(event, 'owner'),
    }));
}
