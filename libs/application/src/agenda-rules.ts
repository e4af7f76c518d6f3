import type {
  AppointmentStatus,
  Audience,
  HolidayCalendar,
  Interval,
  Opening,
  ReleaseRule,
  ReserveBeneficiaries,
} from '#domain';
import type { Actor } from './model.js';
import type { MotifRuling } from './rules.js';

/** When an agenda can be booked, for which motifs, by whom (plage d'ouverture). */
export interface OpeningRule extends Opening {
  /** `null` = every motif of the agenda. */
  readonly motifIds: readonly string[] | null;
  /** `null` = everybody. */
  readonly audiences: readonly Audience[] | null;
  /** Visits at once; `null` = as many as the agenda has seats. */
  readonly capacity: number | null;
}

/** Nothing new is booked in `[start, end)`. Typed here, computed (a holiday), or the hours that a linked backend keeps closed. */
export interface ClosureRule extends Interval {
  readonly label: string;
  readonly source: 'typed' | 'holiday' | 'backend';
}

/** A recurring part of the open time that is kept for some until a release rule frees it. */
export interface ReserveRule extends Opening {
  readonly label: string;
  readonly keptFor: ReserveBeneficiaries;
  readonly release: readonly ReleaseRule[];
  readonly recaptureMinutes: number | null;
}

/** Who sees the patients in `[start, end)` in place of the practitioner (remplaçant). */
export interface SubstitutionRule extends Interval {
  readonly displayName: string;
  readonly rpps: string | null;
}

export interface RuleTypes {
  readonly opening: OpeningRule;
  readonly closure: ClosureRule;
  readonly reserve: ReserveRule;
  readonly substitution: SubstitutionRule;
  /** By the motif's id: what is offered, and how. */
  readonly motif: MotifRuling;
}
export type RuleKind = keyof RuleTypes;

/** A rule as it stands. */
export interface Kept<K extends RuleKind> {
  readonly id: string;
  readonly version: number;
  readonly rule: RuleTypes[K];
}

/** What is said of an agenda as a whole. */
export interface AgendaSettings {
  readonly capacity: number;
  readonly active: boolean;
  readonly whenUnreachable: 'refuse' | 'queue';
  /** `null` = open on public holidays. */
  readonly holidayCalendar: HolidayCalendar | null;
  /** Public holidays on which the practitioner works all the same: local dates `YYYY-MM-DD`. */
  readonly workedHolidays: readonly string[];
}

/** A visit reason as the organization has it, before any ruling; minutes. */
export interface MotifBasis {
  readonly id: string;
  readonly labelFr: string;
  readonly labelEn: string;
  readonly active: boolean;
  readonly durationMinutes: number;
  readonly bufferBeforeMinutes: number;
  readonly bufferAfterMinutes: number;
  readonly granularityMinutes: number;
}

/** Everything a practitioner has said about one agenda, read at one instant. */
export interface AgendaRules {
  readonly agendaId: string;
  readonly version: number;
  /** IANA zone of the place of consultation. */
  readonly timeZone: string;
  /** The database's clock, and up to when openings are expanded; epoch milliseconds. */
  readonly now: number;
  readonly openedUntil: number;
  readonly settings: AgendaSettings;
  readonly kept: { readonly [K in RuleKind]: readonly Kept<K>[] };
  /** Every motif of the organization. */
  readonly motifs: readonly MotifBasis[];
}

/** One change; `rule: null` takes it away. */
export type RuleChange =
  | { [K in RuleKind]: { readonly kind: K; readonly id: string; readonly rule: RuleTypes[K] | null } }[RuleKind]
  | { readonly kind: 'agenda'; readonly settings: Partial<AgendaSettings> };

/** Something in a change that cannot be; `path` as the API names it. */
export interface RuleFault {
  readonly path: string;
  readonly message: string;
}

export type ChangeResult =
  | { readonly outcome: 'changed'; readonly rules: AgendaRules; readonly created: boolean }
  | { readonly outcome: 'faults'; readonly faults: readonly RuleFault[] }
  /** `required`: it stands, and the version that the change is based on was not told. `holiday`: computed, not typed. */
  | { readonly outcome: 'unknown' | 'stale' | 'required' | 'holiday' | 'backend' | 'capacity-in-use' };

/** An agenda, as equipment sees it. */
export interface EquipmentFacts {
  readonly id: string;
  /** One of its own motifs needs equipment. */
  readonly needsSome: boolean;
  /** It follows a practitioner's tool: then it cannot be claimed together with a visit. */
  readonly linked: boolean;
}

/** What takes a seat of an agenda; `holder` = the appointment or the entry of the practitioner's own tool. */
export interface SeatTaken extends Interval {
  readonly agendaId: string;
  /** `null` = every seat. */
  readonly seat: number | null;
  readonly holder: string;
  readonly kind: 'busy' | 'held';
}

/** An appointment as rules look at it; never who the patient is. */
export interface PlacedVisit extends Interval {
  readonly id: string;
  readonly motifId: string;
  readonly status: AppointmentStatus;
  readonly live: boolean;
  readonly overbooked: boolean;
  /** With its buffers. */
  readonly occupies: Interval;
  /** Of who booked it. */
  readonly secretariat: string | null;
  /** When it last changed; epoch milliseconds. */
  readonly changedAt: number;
}

/** What stands in an agenda, and in others that serve as equipment. */
export interface AgendaStanding {
  readonly taken: readonly SeatTaken[];
  readonly visits: readonly PlacedVisit[];
  readonly equipment: readonly (EquipmentFacts & { readonly active: boolean; readonly capacity: number })[];
  /** The agenda itself is equipment of another. */
  readonly servesOthers: boolean;
}

export interface AgendaRef {
  readonly organizationId: string;
  readonly agendaId: string;
}

/** Who consults: the practitioner, or who stands in for him. */
export interface Consulting {
  readonly agendaId: string;
  readonly displayName: string;
  readonly rpps: string | null;
  readonly substitutions: readonly SubstitutionRule[];
}

/** The rules of agendas, and what stands under them. */
export abstract class RuleStore {
  /** `null` when the agenda is unknown. */
  abstract read(agenda: AgendaRef): Promise<AgendaRules | null>;
  /**
   * Changes one rule and expands the agenda's rules anew, in one transaction under the agenda's lock: a search that
   * begins afterwards sees it. Booked appointments are never touched. `version`: that the change is based on; `null` =
   * not told, `new` = the id is.
   */
  abstract change(
    agenda: AgendaRef,
    change: RuleChange,
    by: { readonly version: number | 'new' | null; readonly actor: Actor },
  ): Promise<ChangeResult>;
  /** What stands in a range: of the agenda everything, of the equipment what takes its seats. */
  abstract standing(agenda: AgendaRef, equipmentIds: readonly string[], range: Interval): Promise<AgendaStanding>;
  /** Who consults in agendas, with the substitutions that overlap a range. */
  abstract consulting(
    organizationId: string,
    agendaIds: readonly string[],
    range: Interval,
  ): Promise<readonly Consulting[]>;
}
