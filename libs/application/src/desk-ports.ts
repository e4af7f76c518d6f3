import type { AppointmentRef } from './booking-ports.js';
import type { Actor, AppointmentRecord, RequestKey } from './model.js';

/** What the secretary's desk asks of the database beside booking. */
export abstract class DeskStore {
  /** Live appointments of each agenda on the local day of an instant (epoch milliseconds); unknown agendas are left out. */
  abstract dayLoads(
    organizationId: string,
    agendaIds: readonly string[],
    at: number,
  ): Promise<ReadonlyMap<string, number>>;
  /** Keeps a hold for `seconds` from now, within its limits. `limit`: no more renewals, or not so long. */
  abstract renewHold(
    hold: AppointmentRef,
    seconds: number,
    actor: Actor,
  ): Promise<
    | { readonly outcome: 'renewed' | 'limit' | 'hold-ended'; readonly record: AppointmentRecord }
    | { readonly outcome: 'unknown' }
  >;
  /** Takes a key back from an appointment that was refused before the key had an answer. */
  abstract releaseKey(organizationId: string, key: RequestKey, resource: string): Promise<void>;
}
