import {
  AnyOf,
  BulkCancellation,
  BusyChanging,
  SeriesBooking,
  Undo,
  type Booking,
  type BulkStore,
  type DeskStore,
  type SearchSlots,
  type SeriesStore,
  type WriteThrough,
} from '#application';
import { PgBulk, PgBusyChanges, PgDesk, PgSeries, type Database, type PgBookings } from '#persistence';

/** What the secretary's desk does beside booking itself. */
export interface Desk {
  readonly store: DeskStore;
  readonly anyOf: AnyOf;
  readonly seriesStore: SeriesStore;
  readonly series: SeriesBooking;
  readonly through: WriteThrough;
  readonly undo: Undo;
  readonly bulkStore: BulkStore;
  readonly bulk: BulkCancellation;
  readonly busy: BusyChanging;
}

/** Builds the desk's use cases on those of booking. */
export function buildDesk(
  database: Database,
  around: { booking: Booking; bookings: PgBookings; slots: SearchSlots; through: WriteThrough },
): Desk {
  const store = new PgDesk(database);
  const seriesStore = new PgSeries(database, around.bookings);
  const bulkStore = new PgBulk(database);
  return {
    undo: new Undo(around.booking, around.bookings),
    bulkStore,
    bulk: new BulkCancellation({ ...around, store: bulkStore }),
    busy: new BusyChanging(new PgBusyChanges(database), around.through),
    store,
    through: around.through,
    anyOf: new AnyOf({ ...around, desk: store }),
    seriesStore,
    series: new SeriesBooking({ ...around, store: seriesStore }),
  };
}
