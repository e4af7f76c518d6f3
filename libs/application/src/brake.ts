import { syncLink, type Alarm } from './jobs.js';
import type { LaneRunner } from './lane-runner.js';
import type { Actor } from './model.js';

/** Deletions of a link that are held back until a person has looked. Instants in epoch milliseconds. */
export interface BrakeRecord {
  readonly linkId: string;
  readonly agendaId: string;
  /** Changes whenever the deletions held do: what is released is what was seen. */
  readonly revision: number;
  /** `null` when nothing is held. */
  readonly held: {
    readonly since: number;
    readonly deletions: number;
    /** Appointments among them. */
    readonly appointments: number;
    /** Objects known on the whole link. */
    readonly known: number;
    /** True from the release until it was carried out. */
    readonly released: boolean;
  } | null;
}

/** One object that would be deleted: what it stands for and when. */
export interface HeldDeletion {
  readonly remoteId: string;
  /** `null` for the practitioner's own. */
  readonly appointmentId: string | null;
  readonly start: number | null;
  readonly end: number | null;
}

export abstract class BrakeStore {
  /** `null` when there is no such link. */
  abstract get(organizationId: string, linkId: string): Promise<BrakeRecord | null>;
  /** In order of remote id, those after `after`. */
  abstract held(query: {
    organizationId: string;
    linkId: string;
    after: string | null;
    limit: number;
  }): Promise<readonly HeldDeletion[]>;
  /** Releases exactly the deletions of this revision; false when others are held by now, or none. */
  abstract release(release: {
    organizationId: string;
    linkId: string;
    revision: number;
    actor: Actor;
  }): Promise<boolean>;
}

/** The brake on deletions, for people. */
export class Brake {
  constructor(
    private readonly store: BrakeStore,
    private readonly lanes: LaneRunner,
    private readonly alarm: Alarm,
  ) {}

  get(organizationId: string, linkId: string): Promise<BrakeRecord | null> {
    return this.store.get(organizationId, linkId);
  }

  held(query: Parameters<BrakeStore['held']>[0]): Promise<readonly HeldDeletion[]> {
    return this.store.held(query);
  }

  /**
   * Releases what a person has seen, then reads the agenda: what is still missing there is deleted here. Whatever else
   * is missing by then is held anew. `carriedOut` resolves once that was read, false when it is left to a worker.
   */
  async release(release: {
    organizationId: string;
    linkId: string;
    agendaId: string;
    revision: number;
    actor: Actor;
  }): Promise<{ readonly carriedOut: Promise<boolean> } | null> {
    if (!(await this.store.release(release))) return null;
    return { carriedOut: this.carryOut(release) };
  }

  private async carryOut(release: { organizationId: string; linkId: string; agendaId: string }): Promise<boolean> {
    const { organizationId, linkId, agendaId } = release;
    // A read that was under way already knows nothing of the release: then once more.
    for (let tries = 0; tries < 2; tries += 1) {
      if ((await this.lanes.run({ organizationId, agendaId, sync: 'full' })) !== 'done') break;
      if ((await this.store.get(organizationId, linkId))?.held?.released !== true) return true;
    }
    await this.alarm.wake(syncLink, { organizationId, linkId, full: true }).catch(() => undefined);
    return false;
  }
}
