import type { AppointmentStatus, Interval } from '#domain';
import { summaryOf } from './disclosure.js';
import type { Actor, Disclosure, Patient } from './model.js';

/** A private address at which an agenda is published. Instants in epoch milliseconds. */
export interface FeedRecord {
  readonly id: string;
  readonly agendaId: string;
  readonly label: string;
  readonly disclosure: Disclosure;
  readonly createdAt: number;
  /** When it was last fetched, to a minute; `null` = never. */
  readonly fetchedAt: number | null;
}

export interface NewFeed {
  readonly organizationId: string;
  readonly id: string;
  readonly agendaId: string;
  readonly label: string;
  readonly disclosure: Disclosure;
  /** SHA-256 of the address's secret; the secret itself is nowhere. */
  readonly tokenHash: Buffer;
  readonly actor: Actor;
}

/** What is published of one visit. */
export interface FeedVisit extends Interval {
  readonly appointmentId: string;
  readonly status: AppointmentStatus;
  readonly version: number;
  readonly changedAt: number;
  /** Read only where the feed discloses something of him. */
  readonly patient: Patient | null;
  readonly motifLabel: string;
}

/** What an address opens. */
export interface OpenFeed {
  readonly organizationId: string;
  readonly id: string;
  readonly agendaId: string;
  readonly agendaName: string;
  /** IANA zone of the agenda's location. */
  readonly timeZone: string;
  readonly disclosure: Disclosure;
}

/** Feeds in the database. */
export abstract class Feeds {
  /** `null` when the agenda is not known. */
  abstract create(feed: NewFeed): Promise<FeedRecord | null>;
  /** Those that were not revoked; `null` when the agenda is not known. */
  abstract list(organizationId: string, agendaId: string): Promise<readonly FeedRecord[] | null>;
  /** False when there is none that still stands. From then on its address opens nothing. */
  abstract revoke(feed: { organizationId: string; id: string; actor: Actor }): Promise<boolean>;
  /** The feed, unless it was revoked, with the hash to compare its secret with. */
  abstract find(organizationId: string, id: string): Promise<{ feed: OpenFeed; tokenHash: Buffer } | null>;
  /** Visits from an instant on that take time, in order of time, and notes that the feed was fetched. */
  abstract visits(feed: OpenFeed, from: number): Promise<readonly FeedVisit[]>;
}

const DAY = 86_400_000;
const PAST_DAYS = 31;

/** Where a feed begins: a day, so that it only moves once a day. Nothing can be booked beyond the horizon, where it ends. */
export function feedStart(now: number): number {
  return now - (now % DAY) - PAST_DAYS * DAY;
}

/** The only text about a visit in a feed, cut to what the feed discloses. */
export function feedSummary(disclosure: Disclosure, { patient, motifLabel }: FeedVisit): string {
  return disclosure === 'busy' ? 'Occupé' : summaryOf(disclosure, patient, motifLabel);
}
