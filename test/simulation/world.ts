import type { Booking, Bookings } from '#application';
import type { HistoryOp } from '../support/history.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import type { HubDatabase } from './stores.js';
import type { Vendor } from './vendor.js';

/** How often what goes wrong. Probabilities for one call, request, or transaction. */
export interface Faults {
  readonly lost: number;
  readonly late: number;
  readonly serverError: number;
  readonly throttled: number;
  readonly answerLost: number;
  readonly answerLate: number;
  readonly crash: number;
  /** The process stands still for a while, then goes on as if nothing had been. */
  readonly pause: number;
  readonly databaseError: number;
  readonly slowTransaction: number;
}

/** What the rest of a run sees of a live process of the hub. */
export interface HubProcess {
  readonly booking: Booking;
  readonly bookings: Bookings;
  /** Carries out what is due, as a tick would. */
  drain(): void;
  /** False once it has died; it may die of being asked. */
  survives(): boolean;
  /** Goes on with what was awaited, unless it died or stands still meanwhile. */
  resume(settle: () => void): void;
}

/** Everything that one run consists of. */
export interface World {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly database: HubDatabase;
  readonly vendor: Vendor;
  readonly history: HistoryOp[];
  /** A live process of the hub, if there is one. */
  host(): HubProcess | undefined;
  /** True with this probability, as long as things still go wrong. */
  fails(probability: number): boolean;
  readonly faults: Faults;
  /** Until when the vendor refuses connections. */
  downUntil: number;
}
