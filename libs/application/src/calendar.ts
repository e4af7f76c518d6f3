import type { AgendaFacts, Interval } from '#domain';
import type { Freshness } from './model.js';
import type { Asker, BookingFacts, MotifRuling, VisitMinutes } from './rules.js';

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
  readonly freshness: Freshness;
  readonly minutes: VisitMinutes;
  readonly rules: MotifRuling;
  readonly facts: AgendaFacts;
}

/** What is known of who asks, and of the patient he asks for. */
export interface AskerRecord {
  readonly secretariat: string | null;
  /** The patient's live visits, past ones too; none when there is no such patient, or nothing to know him by. */
  readonly visits: readonly {
    readonly agendaId: string;
    readonly motifId: string;
    /** Epoch milliseconds. */
    readonly start: number;
  }[];
  /** Agendas of the practitioners whom he has visits with. */
  readonly usualAgendaIds: readonly string[];
}

/** What stands in the hub's calendars. */
export abstract class Calendar {
  /** Agendas of the organization, or those named; unknown ids are left out. */
  abstract agendas(organizationId: string, ids: readonly string[] | null): Promise<readonly AgendaRecord[]>;
  abstract motifs(organizationId: string): Promise<readonly MotifRecord[]>;
  /** The agendas asked for on which the motif may be booked; `null` when the motif is unknown. */
  abstract windows(query: {
    organizationId: string;
    agendaIds: readonly string[];
    motifId: string;
    window: Interval;
  }): Promise<{
    readonly agendas: readonly AgendaWindow[];
    /** The database's clock, epoch milliseconds. */
    readonly now: number;
  } | null>;
  /** What the rules see of one start; `null` when the agenda or the motif is unknown. Nothing is locked. */
  abstract factsAt(question: {
    organizationId: string;
    agendaId: string;
    motifId: string;
    /** Epoch milliseconds. */
    start: number;
    asker?: Pick<Asker, 'collaboratorId' | 'patientOf' | 'moving'>;
  }): Promise<(BookingFacts & { readonly freshness: Freshness; readonly whenUnreachable: 'refuse' | 'queue' }) | null>;
  /** Looks up who asks, and his patient. */
  abstract standing(organizationId: string, asker: Pick<Asker, 'collaboratorId' | 'patientOf'>): Promise<AskerRecord>;
  /** True when the collaborator exists in the organization and is active. */
  abstract collaborator(organizationId: string, id: string): Promise<boolean>;
  /**
   * Expands the agenda's openings, reserves and public holidays anew, from yesterday to its horizon. One transaction,
   * under the agenda's lock.
   */
  abstract expandRules(organizationId: string, agendaId: string): Promise<void>;
}
