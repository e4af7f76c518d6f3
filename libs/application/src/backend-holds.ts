import { ConnectorError, type HoldRequest } from '#connector-sdk';
import type { AppointmentRef, Backends, Effects } from './ports.js';

/** Whoever is on the phone does not wait longer than this for the practitioner's tool to keep a slot. */
const HOLD_MS = 3_000;

/** A hold, as the practitioner's own tool is asked to keep it. */
export interface HoldThere {
  readonly connectionId: string;
  readonly request: HoldRequest;
  /** Until when it keeps it already, epoch milliseconds; `null` = it was not asked, or could not. */
  readonly until: number | null;
}

/** What the database knows of holds that are kept elsewhere too. */
export abstract class BackendHoldStore {
  /** `null` when nothing is linked behind the agenda that could be asked, or there is no such hold. */
  abstract find(ref: AppointmentRef): Promise<HoldThere | null>;
  abstract kept(ref: AppointmentRef, until: number): Promise<void>;
  /** It is kept there no longer, whether or not it still stands here. */
  abstract gone(ref: AppointmentRef): Promise<void>;
  /** Holds of an agenda that still stand here and have ended there; some of them, when there are many. */
  abstract lapsed(agenda: { readonly organizationId: string; readonly agendaId: string }): Promise<readonly string[]>;
  /** Holds of an agenda that have ended here and are still kept there; some of them, when there are many. */
  abstract left(agenda: { readonly organizationId: string; readonly agendaId: string }): Promise<readonly string[]>;
}

/** Holds that the practitioner's own tool keeps as well, where it can (`hold: 'ttl'`). It ends them by its own clock, unless it is told before. */
export class BackendHolds {
  constructor(
    private readonly parts: {
      readonly store: BackendHoldStore;
      readonly backends: Backends;
      readonly effects: Effects;
    },
  ) {}

  /** `here-only`: the tool keeps nothing, or cannot be asked now; booking finds out. */
  async keep(ref: AppointmentRef): Promise<'kept' | 'taken' | 'here-only'> {
    const { store, backends, effects } = this.parts;
    const there = await store.find(ref);
    if (there === null) return 'here-only';
    try {
      const { session } = await backends.open(ref.organizationId, there.connectionId);
      const kept = await session.hold?.(there.request, effects.deadline(HOLD_MS));
      if (kept === undefined) return 'here-only';
      await store.kept(ref, kept.until);
      return 'kept';
    } catch (error) {
      if (!ConnectorError.is(error)) throw error;
      return error.kind === 'taken' ? 'taken' : 'here-only';
    }
  }

  /**
   * What ended there by the tool's own clock is asked for once more. Resolves to the holds whose time somebody took meanwhile:
   * they stand for nothing. Where the tool cannot be asked now, booking finds out.
   */
  async renewLapsed(agenda: { readonly organizationId: string; readonly agendaId: string }): Promise<string[]> {
    const taken: string[] = [];
    for (const id of await this.parts.store.lapsed(agenda)) {
      const ref = { organizationId: agenda.organizationId, id };
      const kept = await this.keep(ref);
      if (kept !== 'kept') await this.parts.store.gone(ref);
      if (kept === 'taken') taken.push(id);
    }
    return taken;
  }

  /** What has ended here is given back there, before somebody else is told that it is taken. */
  async letGoEnded(agenda: { readonly organizationId: string; readonly agendaId: string }): Promise<void> {
    for (const id of await this.parts.store.left(agenda))
      await this.letGo({ organizationId: agenda.organizationId, id });
  }

  /** The slot is given back there too; what does not get through is tried again until it ends there by itself. */
  async letGo(ref: AppointmentRef): Promise<void> {
    const { store, backends, effects } = this.parts;
    const there = await store.find(ref);
    if (there === null || there.until === null || there.until < effects.now()) return;
    const { agendaId, reference } = there.request;
    try {
      const { session } = await backends.open(ref.organizationId, there.connectionId);
      await session.cancel({ agendaId, reference, remoteId: null, version: null }, effects.deadline(HOLD_MS));
      await store.gone(ref);
    } catch (error) {
      if (!ConnectorError.is(error)) throw error;
    }
  }
}
