import type { RequestKey } from './model.js';

/** What the secretary's desk asks of the database beside booking. */
export abstract class DeskStore {
  /** Live appointments of each agenda on the local day of an instant (epoch milliseconds); unknown agendas are left out. */
  abstract dayLoads(
    organizationId: string,
    agendaIds: readonly string[],
    at: number,
  ): Promise<ReadonlyMap<string, number>>;
  /** Takes a key back from an appointment that was refused before the key had an answer. */
  abstract releaseKey(organizationId: string, key: RequestKey, resource: string): Promise<void>;
}
