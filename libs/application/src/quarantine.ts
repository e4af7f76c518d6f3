import type { LaneOutcome, LaneRunner } from './lane-runner.js';
import type { Actor } from './model.js';

/** An object of a remote agenda that could not be read; the rest of the agenda goes on. */
export interface QuarantinedObject {
  readonly id: string;
  readonly remoteId: string;
  readonly version: string | null;
  /** Why, without any content. */
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly dismissed: boolean;
}

interface ItemRef {
  readonly organizationId: string;
  readonly linkId: string;
  readonly id: string;
}

export abstract class QuarantineStore {
  /** Not dismissed, in order of id, those after `after`; `null` when there is no such link. */
  abstract list(query: {
    organizationId: string;
    linkId: string;
    after: string | null;
    limit: number;
  }): Promise<readonly QuarantinedObject[] | null>;
  abstract get(ref: ItemRef): Promise<QuarantinedObject | null>;
  /** The object as it was received, deciphered; that somebody looked is on record. */
  abstract raw(ref: ItemRef, actor: Actor): Promise<string | null>;
  /** Not to be shown any more, until the object changes. False when there is no such item. */
  abstract dismiss(ref: ItemRef, actor: Actor): Promise<boolean>;
}

/** Unreadable objects, for people. */
export class Quarantine {
  constructor(
    readonly store: QuarantineStore,
    private readonly lanes: LaneRunner,
  ) {}

  /** Reads the agenda anew: what can be read by now leaves the quarantine. */
  retry(organizationId: string, agendaId: string): Promise<LaneOutcome> {
    return this.lanes.run({ organizationId, agendaId, sync: 'full' });
  }
}
