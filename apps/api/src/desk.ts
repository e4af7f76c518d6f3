import { AnyOf, DeskStore, type Booking, type Bookings, type SearchSlots, type WriteThrough } from '#application';
import { PgDesk, type Database } from '#persistence';

/** What the secretary's desk does beside booking itself. */
export interface Desk {
  readonly store: DeskStore;
  readonly anyOf: AnyOf;
}

/** Builds the desk's use cases on those of booking. */
export function buildDesk(
  database: Database,
  around: { booking: Booking; bookings: Bookings; slots: SearchSlots; through: WriteThrough },
): Desk {
  const store = new PgDesk(database);
  return { store, anyOf: new AnyOf({ ...around, desk: store }) };
}
