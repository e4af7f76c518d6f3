import type { HolidayCalendar } from '../holidays.js';
import type { Audience } from '../rules/types.js';
import type { WorkingHours } from './working-hours.js';

/** What a grant can allow. `export` is the register of reads and changes, and data in bulk. */
export const ACTIONS = [
  'see-busy',
  'see-identity',
  'create',
  'move',
  'cancel',
  'mark-arrival',
  'overbook',
  'use-reserved',
  'manage-openings',
  'manage-links',
  'manage-grants',
  'export',
] as const;
export type AccessAction = (typeof ACTIONS)[number];

/** What is kept of a patient, each with a right of its own: `name` is first and last name, `answers` those to a motif's questions. */
export const IDENTITY_FIELDS = ['name', 'birthDate', 'phone', 'email', 'newPatient', 'answers', 'note'] as const;
export type IdentityField = (typeof IDENTITY_FIELDS)[number];
/** What `see-identity` shows where a grant says no more: all but the free-text note. */
export const USUAL_IDENTITY: readonly IdentityField[] = IDENTITY_FIELDS.filter((field) => field !== 'note');

/** How a request comes: from a secretary application, or from a person signed in to the console. */
export const CHANNELS = ['application', 'console'] as const;
export type Channel = (typeof CHANNELS)[number];

/** `proposed`: waits for a second person. */
export const GRANT_STATES = ['proposed', 'active', 'revoked'] as const;
export type GrantState = (typeof GRANT_STATES)[number];

/**
 * `replacement`: stands in for the holder of the delegated grant, within his hours. `overflow`: takes what he cannot,
 * within hours of its own.
 */
export const DELEGATIONS = ['overflow', 'replacement'] as const;
export type DelegationKind = (typeof DELEGATIONS)[number];

/** At most `perDay` appointments of one action under the grant, per local day of the agenda's place. */
export interface GrantQuota {
  readonly action: AccessAction;
  readonly perDay: number;
}

/** What a grant allows, and where, and when. A list that is `null` does not narrow. */
export interface GrantTerms {
  readonly actions: readonly AccessAction[];
  /** What `see-identity` shows of a patient. */
  readonly identity: readonly IdentityField[];
  /** With `locationIds`: an agenda in either is meant; both `null` = every agenda, those to come included. */
  readonly agendaIds: readonly string[] | null;
  readonly locationIds: readonly string[] | null;
  readonly motifIds: readonly string[] | null;
  readonly audiences: readonly Audience[] | null;
  readonly channels: readonly Channel[] | null;
  /** When the holder may act, in the agenda's zone; `null` = at any hour. */
  readonly hours: WorkingHours | null;
  /** Instants (epoch milliseconds), `[validFrom, validUntil)`; `null` = without that bound. */
  readonly validFrom: number | null;
  readonly validUntil: number | null;
  readonly quotas: readonly GrantQuota[];
  /** Whether its holder may pass it on. */
  readonly delegable: boolean;
}

/** A grant as it is decided by. */
export interface Grant extends GrantTerms {
  readonly id: string;
  readonly state: GrantState;
  /** The grant that this one was made from, which must allow the same while this one is used. */
  readonly delegated: { readonly from: Grant; readonly kind: DelegationKind } | null;
}

/** What a decision knows of an agenda. */
export interface AgendaPlace {
  readonly id: string;
  readonly locationId: string;
  readonly timeZone: string;
  readonly holidays: HolidayCalendar;
}

/** One question: may this be done? What is `null` is not asked about, and no grant is refused for it. */
export interface AccessRequest {
  readonly action: AccessAction;
  readonly agenda: AgendaPlace | null;
  readonly motifId: string | null;
  readonly audience: Audience | null;
  readonly channel: Channel;
  /** Requests of the action on the local day of asking, by id of the grant with a quota; absent = none. */
  readonly used: ReadonlyMap<string, number>;
}

/** Whether a grant is about an agenda, whatever else it says. */
export function coversAgenda(
  { agendaIds, locationIds }: Pick<GrantTerms, 'agendaIds' | 'locationIds'>,
  { id, locationId }: Pick<AgendaPlace, 'id' | 'locationId'>,
): boolean {
  if (agendaIds === null && locationIds === null) return true;
  return agendaIds?.includes(id) === true || locationIds?.includes(locationId) === true;
}
