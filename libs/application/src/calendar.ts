import type { Interval, Occupation, Opening, Visit } from '#domain';
import type { Freshness } from './model.js';

export interface AgendaRecord {
  readonly id: string;
  readonly name: string;
  readonly practitioner: {
    readonly id: string;
    readonly displayName: string;
    readonly speciality: string;
    readonly rpps: string | null;
  };
  readonly location: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly capacity: number;
  readonly master: 'hub' | 'remote';
  readonly active: boolean;
  readonly freshness: Freshness;
}

export interface MotifRecord {
  readonly id: string;
  readonly labelFr: string;
  readonly labelEn: string;
  readonly durationMinutes: number;
  readonly bufferBeforeMinutes: number;
  readonly bufferAfterMinutes: number;
  readonly granularityMinutes: number;
  /** Agendas on which it may be booked. */
  readonly agendaIds: readonly string[];
}

/** Everything a search needs of one agenda in one window. */
export interface AgendaWindow {
  readonly agendaId: string;
  readonly timeZone: string;
  readonly capacity: number;
  readonly openings: readonly Interval[];
  readonly occupied: readonly Occupation[];
  /** Instant up to which openings are expanded, epoch milliseconds. */
  readonly openedUntil: number;
  readonly freshness: Freshness;
}

/** What stands in the hub's calendars. */
export abstract class Calendar {
  /** Agendas of the organization, or those named; unknown ids are left out. */
  abstract agendas(organizationId: string, ids: readonly string[] | null): Promise<readonly AgendaRecord[]>;
  abstract motifs(organizationId: string): Promise<readonly MotifRecord[]>;
  /** The motif as a visit, with the agendas asked for on which it may be booked; `null` when the motif is unknown. */
  abstract windows(query: {
    organizationId: string;
    agendaIds: readonly string[];
    motifId: string;
    window: Interval;
  }): Promise<{
    readonly visit: Visit;
    readonly agendas: readonly AgendaWindow[];
    /** The database's clock, epoch milliseconds. */
    readonly now: number;
  } | null>;
  /** True when the collaborator exists in the organization and is active. */
  abstract collaborator(organizationId: string, id: string): Promise<boolean>;
  abstract openings(organizationId: string, agendaId: string): Promise<readonly (Opening & { readonly id: string })[]>;
  /** Replaces the occurrences of the agenda's openings from `window.start` on, and moves its horizon. One transaction. */
  abstract putOccurrences(
    agenda: { organizationId: string; agendaId: string },
    window: Interval,
    occurrences: readonly (Interval & { readonly openingId: string })[],
  ): Promise<void>;
}
