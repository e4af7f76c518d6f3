import {
  Booking,
  BulkCancellation,
  SearchSlots,
  SeriesBooking,
  WriteThrough,
  type Alarm,
  type Effects,
  type LaneRunner,
  type Vault,
} from '#application';
import { PgBookings, PgBulk, PgCalendar, PgSeries, type Database } from '#persistence';
import type { Work } from './handlers.js';

/** How long one run follows what is carried to a practitioner's agenda. */
const FOLLOW_MS = 10_000;

/** What is left of the secretary's desk for a worker to carry on. */
export function deskWork(
  database: Database,
  parts: { vault: Vault; lanes: LaneRunner; alarm: Alarm; effects: Effects },
): Pick<Work, 'settleSeries' | 'runBulk'> {
  const bookings = new PgBookings(database, parts.vault);
  const through = new WriteThrough({ ...parts, bookings });
  const slots = new SearchSlots(new PgCalendar(database));
  const booking = new Booking(bookings, slots, through);
  const bulk = new BulkCancellation({ store: new PgBulk(database), booking, bookings, slots });
  const series = new SeriesBooking({ store: new PgSeries(database, bookings), booking, bookings, through });
  return {
    runBulk: async ({ organizationId, bulkId }) => {
      await bulk.run({ organizationId, id: bulkId }, FOLLOW_MS);
    },
    settleSeries: async ({ organizationId, seriesId }) => {
      await series.settle({ organizationId, id: seriesId }, FOLLOW_MS);
    },
  };
}
