import { isSecondPerson } from '#domain';
import { newId } from './ids.js';
import type { Actor } from './model.js';
import type { Seed } from './patients.js';

/** What is to be given out: by ids and instants (epoch milliseconds), so that nothing of a patient is kept with it. */
export type ExportWanted =
  | {
      readonly kind: 'audit';
      readonly format: 'csv' | 'jsonl';
      readonly about: string | null;
      readonly patientOf: string | null;
      readonly from: number | null;
      readonly to: number | null;
    }
  | { readonly kind: 'patient'; readonly seed: Seed };

/** `fetched`: as often as it can be, or at least once when its time was over. */
export const EXPORT_STATES = ['asked', 'approved', 'refused', 'expired', 'fetched'] as const;
export type ExportState = (typeof EXPORT_STATES)[number];

/** Why an export is refused. */
export const EXPORT_REFUSALS = ['not-justified', 'too-wide', 'identity-not-proven', 'other'] as const;
export type ExportRefusal = (typeof EXPORT_REFUSALS)[number];

export type ExportChange = `export-${ExportState}`;

/** How long a request waits for a second person, and what was approved for being fetched. */
export const EXPORT_WAITS_HOURS = 72;
export const EXPORT_KEPT_HOURS = 24;
/** Once, and twice again for a download that broke off. */
export const EXPORT_FETCHES = 3;

export interface ExportRecord {
  readonly id: string;
  readonly wanted: ExportWanted;
  readonly state: ExportState;
  readonly askedBy: string;
  /** `null`: nobody yet, or the operator of the hub. */
  readonly decidedBy: string | null;
  readonly reason: ExportRefusal | null;
  readonly fetched: number;
  /** Until then it is approved, or fetched. */
  readonly expiresAt: number;
  readonly createdAt: number;
  readonly version: number;
}

/** What a second person says. */
export type ExportVerdict = { readonly approved: true } | { readonly approved: false; readonly reason: ExportRefusal };

type Key = { readonly organizationId: string; readonly id: string };

/** Exports as they are asked for. Each change is an event, and owners of agendas are told. Times are the database's. */
export abstract class ExportStore {
  abstract ask(
    key: Key,
    request: { readonly wanted: ExportWanted; readonly hours: number; readonly actor: CollaboratorActor },
  ): Promise<ExportRecord>;
  /** What is over is told as such, whether the worker has seen it or not. */
  abstract get(key: Key): Promise<ExportRecord | null>;
  /** In order of id. */
  abstract list(
    organizationId: string,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly ExportRecord[]>;
  /** `null`: it is not as it was, or does not wait any more. `version` `null`: whatever it is. */
  abstract decide(
    key: Key,
    decision: {
      readonly verdict: ExportVerdict;
      readonly hours: number;
      readonly version: number | null;
      readonly actor: Actor;
    },
  ): Promise<ExportRecord | null>;
  /** Counts one fetch; `null`: it cannot be fetched (any more). */
  abstract take(key: Key, request: { readonly most: number; readonly actor: Actor }): Promise<ExportRecord | null>;
  /** Ends what nobody approved, or fetched, in time. */
  abstract expire(organizationId: string): Promise<void>;
}

type CollaboratorActor = Extract<Actor, { kind: 'collaborator' }>;

export type ExportAnswer =
  | { readonly outcome: 'put'; readonly record: ExportRecord }
  | { readonly outcome: 'unknown' | 'stale' | 'same-person' | 'ended' | 'waiting' | 'not-asker' };

/**
 * Data in bulk leaves with four eyes: one asks, another approves, and who asked fetches it in time. Whether somebody may at
 * all is decided before each step, so that a right that was withdrawn meanwhile counts.
 */
export class Exports {
  constructor(readonly store: ExportStore) {}

  ask(organizationId: string, wanted: ExportWanted, actor: CollaboratorActor): Promise<ExportRecord> {
    return this.store.ask({ organizationId, id: newId() }, { wanted, hours: EXPORT_WAITS_HOURS, actor });
  }

  /** Approves or refuses, by a second person. */
  async decide(
    key: Key,
    { verdict, version, actor }: { verdict: ExportVerdict; version: number; actor: CollaboratorActor },
  ): Promise<ExportAnswer> {
    const before = await this.store.get(key);
    if (before === null) return { outcome: 'unknown' };
    if (before.state !== 'asked') return { outcome: 'ended' };
    if (!isSecondPerson(actor.id, { askedBy: before.askedBy, receives: false })) return { outcome: 'same-person' };
    const record = await this.store.decide(key, { verdict, hours: EXPORT_KEPT_HOURS, version, actor });
    return record === null ? { outcome: 'stale' } : { outcome: 'put', record };
  }

  /** What who asked may have now, of this kind: it counts as fetched. */
  async take(key: Key, kind: ExportWanted['kind'], actor: CollaboratorActor): Promise<ExportAnswer> {
    const before = await this.store.get(key);
    if (before?.wanted.kind !== kind) return { outcome: 'unknown' };
    if (before.askedBy !== actor.id) return { outcome: 'not-asker' };
    if (before.state !== 'approved') return { outcome: before.state === 'asked' ? 'waiting' : 'ended' };
    const record = await this.store.take(key, { most: EXPORT_FETCHES, actor });
    return record === null ? { outcome: 'ended' } : { outcome: 'put', record };
  }

  /** Ends what nobody approved, or fetched, in time. */
  expire(organizationId: string): Promise<void> {
    return this.store.expire(organizationId);
  }
}
