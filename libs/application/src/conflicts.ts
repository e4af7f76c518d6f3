import type { ConflictReason } from '#domain';
import type { Actor, AppointmentRecord } from './model.js';
import type { AppointmentRef } from './ports.js';
import type { WriteThrough } from './write-through.js';

/** What a person can say to a conflict. */
export const CONFLICT_CHOICES = ['keep-ours', 'keep-theirs', 'merge', 'cancel'] as const;
export type ConflictChoice = (typeof CONFLICT_CHOICES)[number];

/** Policy left it open; the practitioner's own event, or another booking, stands at the same time; nobody will answer any more. */
export const CONFLICT_REASONS = [
  'double-booked',
  'both-moved',
  'deleted-there',
  'became-recurring',
  'lost-its-time',
  'not-writable',
  'never-answered',
] as const satisfies readonly (ConflictReason | 'double-booked' | 'never-answered')[];

/** One side of a conflict. Instants in epoch milliseconds; what is not known is absent or `null`. */
export interface ConflictVersion {
  readonly start?: number;
  readonly end?: number;
  /** When this side was last changed, or (an event in the way) last seen. */
  readonly at?: number | null;
  readonly actor?: Actor | null;
  /** He deleted or freed it. */
  readonly gone?: boolean;
  readonly recurring?: boolean;
  readonly motifId?: string;
  /** Another booking stands in the way, not an event of the practitioner's. */
  readonly appointmentId?: string;
}

export interface ConflictRecord {
  readonly id: string;
  readonly appointmentId: string;
  readonly agendaId: string;
  readonly reason: (typeof CONFLICT_REASONS)[number];
  /** Where both sides last had it; `null` when there is no such place. */
  readonly base: ConflictVersion | null;
  readonly ours: ConflictVersion;
  readonly theirs: ConflictVersion | null;
  readonly state: 'open' | 'resolved';
  /** A choice, or how it came to rest by itself: `settled` or `cancelled`. */
  readonly resolution: string | null;
  readonly resolvedBy: Actor | null;
  readonly openedAt: number;
  readonly resolvedAt: number | null;
  readonly version: number;
  /** Whether the hub may write to the practitioner's agenda now. */
  readonly writable: boolean;
}

/** What is decided. `start` and `duration` belong to `merge`: whose each is to be, ours when left out. */
export interface Resolution {
  readonly choice: ConflictChoice;
  readonly start?: 'ours' | 'theirs' | undefined;
  readonly duration?: 'ours' | 'theirs' | undefined;
  /** Why, in the words of who cancels; never anything about health. */
  readonly text?: string | undefined;
}

export type ResolutionResult =
  | { readonly outcome: 'resolved' | 'stale' | 'ended' | 'impossible' | 'taken'; readonly record: AppointmentRecord }
  | { readonly outcome: 'unknown' };

/** A patient who has to be called back: what stood was moved or called off without asking him. */
export interface CallbackTask {
  readonly id: string;
  readonly appointmentId: string;
  readonly agendaId: string;
  readonly reason: 'moved' | 'cancelled' | 'refused';
  readonly createdBy: Actor;
  readonly createdAt: number;
  readonly doneBy: Actor | null;
  readonly doneAt: number | null;
}

/** A list from where its last page ended; open ones first, oldest first. */
export interface InboxQuery<State extends string> {
  readonly organizationId: string;
  readonly agendaIds: readonly string[];
  readonly state: State | null;
  readonly after: { readonly closed: boolean; readonly at: number; readonly id: string } | null;
  readonly limit: number;
}

/** Conflicts and call-back tasks in the database. */
export abstract class Conflicts {
  abstract list(query: InboxQuery<'open' | 'resolved'>): Promise<readonly ConflictRecord[]>;
  abstract get(organizationId: string, id: string): Promise<ConflictRecord | null>;
  /** One transaction: the decision, the appointment, its claims, and what remains to be written outside. */
  abstract resolve(
    organizationId: string,
    id: string,
    request: { version: number; resolution: Resolution; actor: Actor },
  ): Promise<ResolutionResult>;
  abstract callbacks(query: InboxQuery<'open' | 'done'>): Promise<readonly CallbackTask[]>;
  /** Marks a task done; one that is done already stays as it is. `null` when unknown. */
  abstract done(organizationId: string, id: string, actor: Actor): Promise<CallbackTask | null>;
}

/** Which choices a conflict leaves; the database checks the same again. */
export function openChoices({ reason, theirs, writable, state }: ConflictRecord): ReadonlySet<ConflictChoice> {
  if (state !== 'open') return new Set();
  const elsewhere = (reason === 'both-moved' || reason === 'not-writable') && theirs?.start !== undefined;
  const choices: ConflictChoice[] = ['cancel'];
  if (writable) choices.push('keep-ours');
  if (elsewhere || reason === 'double-booked' || reason === 'deleted-there') choices.push('keep-theirs');
  if (elsewhere && writable) choices.push('merge');
  return new Set(choices);
}

/** A person's decision, then the practitioner's agenda within the caller's patience. */
export class ConflictInbox {
  constructor(
    private readonly conflicts: Conflicts,
    private readonly through: WriteThrough,
  ) {}

  async resolve(
    { organizationId, id }: AppointmentRef,
    request: { version: number; resolution: Resolution; actor: Actor; waitMs: number },
  ): Promise<ResolutionResult> {
    const result = await this.conflicts.resolve(organizationId, id, request);
    if (result.outcome !== 'resolved') return result;
    const ref = { organizationId, id: result.record.id };
    return { ...result, record: await this.through.settled(ref, result.record, request.waitMs) };
  }
}
