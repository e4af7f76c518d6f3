import type { Manners } from '#connector-sdk';
import { summaryOf } from './disclosure.js';
import type { FirstSync } from './first-sync.js';
import type { Disclosure, LinkRecord, Patient } from './model.js';
import type { Interval } from '#domain';
import type { Effects, Lease } from './ports.js';
import { failureOf, type Remote, type SyncLink } from './sync-link.js';

/** Appointments per transaction while what was booked before is made ready to be written. */
const CHUNK = 200;
const CALL_MS = 5_000;
/** Some thirty requests. */
const PROBE_MS = 60_000;
/** Failures that say something about one object only. */
const OF_ONE_OBJECT: ReadonlySet<string> = new Set(['stale', 'not_found', 'taken', 'invalid', 'forbidden']);

/** An object of ours whose text may have to be written anew. */
export interface WrittenText {
  readonly appointmentId: string;
  readonly reference: string;
  readonly remoteId: string;
  readonly version: string | null;
  readonly when: Interval;
  /** The disclosures whose text it showed when it was last seen. */
  readonly shows: readonly Disclosure[];
  readonly patient: Patient | null;
  readonly motifLabel: string;
  readonly overbooked: boolean;
  /** Of a patient who was put right or erased since: whether it still says what it said of him. `null`: nobody was. */
  readonly former: { readonly isShown: boolean } | null;
}

export abstract class StageStore {
  /** One transaction of the backfill; true when there is more. Throws LaneLost when the lease is another's by now. */
  abstract backfill(link: LinkRecord, lease: Lease, limit: number): Promise<boolean>;
  /** Nothing waits to be written any more: the link is live. */
  abstract settle(link: LinkRecord): Promise<void>;
  /** Confirmed appointments that are not over, or whose patient changed, with the text their objects show, in order of id after `after`. */
  abstract texts(link: LinkRecord, after: string | null, limit: number): Promise<readonly WrittenText[]>;
  /** This one shows what it should (`true`), or the backend refuses that. */
  abstract rewrote(link: LinkRecord, appointmentId: string, done: boolean): Promise<void>;
  /** Every text shows what `disclosure` tells; a change of it since asks for another round. */
  abstract rewritten(link: LinkRecord): Promise<void>;
  /** `null`: it could not be found out, and what was known stays. */
  abstract learnt(link: LinkRecord, manners: Manners | null): Promise<void>;
}

/** What the lane of a link does besides pulls and writes: its first synchronisation, and a change of what it discloses. */
export class LinkStages {
  constructor(
    private readonly parts: {
      readonly store: StageStore;
      readonly firstSync: FirstSync;
      readonly sync: SyncLink;
      readonly effects: Effects;
    },
  ) {}

  /** Makes or renews the plan. */
  plan(remote: Remote): Promise<unknown> {
    return this.parts.firstSync.plan(remote);
  }

  /** The practitioner's side has been read: ours follows, a chunk per transaction. */
  async backfill({ link, lease }: Remote): Promise<void> {
    while (await this.parts.store.backfill(link, lease, CHUNK));
  }

  /** The lane has no more writes that are due. */
  async finish(remote: Remote): Promise<void> {
    if (remote.link.phase === 'writing') await this.parts.store.settle(remote.link);
    if (remote.link.rewriting && remote.link.direction === 'two-way') await this.rewrite(remote);
  }

  /** What the backend does with this agenda is looked at once it is linked, and every month; writing only where that is wanted. */
  async learn({ link, backend }: Remote): Promise<void> {
    if (!link.mannersDue || backend.session.probe === undefined) return;
    const { store, effects } = this.parts;
    const write = link.direction === 'two-way' && backend.capabilities.write !== 'none';
    const asked = { agendaId: link.remoteAgendaId, write };
    let manners: Manners | null = null;
    try {
      manners = await backend.session.probe(asked, effects.deadline(PROBE_MS));
    } catch (error) {
      failureOf(error);
    }
    await store.learnt(link, manners);
  }

  /** Writes anew what still shows a text of ours of another disclosure; what the practitioner renamed keeps his name. */
  private async rewrite(remote: Remote): Promise<void> {
    const { store } = this.parts;
    let after: string | null = null;
    let complete = true;
    for (;;) {
      const texts: readonly WrittenText[] = await store.texts(remote.link, after, CHUNK);
      for (const text of texts) {
        const done = await this.rewriteOne(remote, text);
        if (done === 'unreachable') return;
        // Of a patient who was put right or erased it is counted how often that was tried.
        if (text.former !== null) await store.rewrote(remote.link, text.appointmentId, done === 'done');
        complete &&= done === 'done' || text.former !== null;
      }
      if (texts.length < CHUNK) break;
      after = texts.at(-1)?.appointmentId ?? null;
    }
    if (complete) await store.rewritten(remote.link);
  }

  /** What was not `done` is looked at again by the next run. */
  private async rewriteOne(remote: Remote, text: WrittenText): Promise<'done' | 'refused' | 'unreachable'> {
    const { link, backend } = remote;
    const { patient, motifLabel, overbooked } = text;
    const isOurs = text.shows.length > 0 || text.former?.isShown === true;
    if (text.shows.includes(link.disclosure) || !isOurs) return 'done';
    const wanted = summaryOf(link.disclosure, patient, motifLabel, overbooked);
    const { reference, remoteId, version, when } = text;
    const content = { ...when, timeZone: link.timeZone, summary: wanted };
    const request = { agendaId: link.remoteAgendaId, reference, remoteId, version, content };
    try {
      const object = await backend.session.update(request, this.parts.effects.deadline(CALL_MS));
      await this.parts.sync.absorb(remote, [{ kind: 'upsert', object }]);
      return 'done';
    } catch (error) {
      // He changed or removed it meanwhile: the next pull tells.
      return OF_ONE_OBJECT.has(failureOf(error).kind) ? 'refused' : 'unreachable';
    }
  }
}
