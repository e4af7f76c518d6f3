import { AsyncLocalStorage } from 'node:async_hooks';
import type { IdentityField } from '#domain';

/** How many appointments a request is about: in all, wherever; or in each of several agendas. */
export type Appointments = number | ReadonlyMap<string, number>;

/** What one request may see of its organization, and who makes it. */
export interface Sight {
  /** As the audit log names him. */
  actor: object;
  /** `null` = every agenda. */
  agendas: readonly string[] | null;
  /** What of the patients of an agenda may be shown. */
  identity: (agendaId: string, motifId: string) => ReadonlySet<IdentityField>;
  /** Whether what is kept for somebody may be booked as well. */
  usesReserved: boolean;
  /** Takes what quotas have left for so many appointments: one, until {@link counted} says more. */
  counts?: (appointments: Appointments) => Promise<void>;
}

const running = new AsyncLocalStorage<Sight>();

/** Runs what a request asks for: stores that are limited see those agendas and no other. The sight may change meanwhile. */
export function seeing<T>(sight: Sight, work: () => T): T {
  return running.run(sight, work);
}

/** Of the request that is running; outside of one there is no limit. */
export function sightOf(): Sight | undefined {
  return running.getStore();
}

/** Says of how many appointments the request that is running is, for quotas. Throws when fewer are left. */
export async function counted(appointments: Appointments): Promise<void> {
  await sightOf()?.counts?.(appointments);
}
