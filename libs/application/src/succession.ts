import { createHash } from 'node:crypto';
import { ConnectorError, type PullRequest, type Session } from '#connector-sdk';
import { overlaps, type Interval, type RemoteChange, type RemoteObject } from '#domain';
import type { ConnectionStore } from './connections.js';
import { recogniseExported, type Exported, type Recognised } from './exported.js';
import { syncLink, type Alarm } from './jobs.js';
import type { LinkDetails, LinkRef } from './link-lifecycle.js';
import type { Actor, LinkRecord } from './model.js';
import type { Backends, Effects, Failure, SyncStore } from './ports.js';
import type { Subscriptions } from './subscriptions.js';
import { failureOf, pullWindow } from './sync-link.js';

const READ_MS = 60_000;
const LIST_MS = 15_000;

/** Where a link is to lead from now on. */
export interface NewPlace {
  readonly connectionId: string;
  readonly remoteAgendaId: string;
  /** Version of the link that was looked at. */
  readonly version: number;
}

/** Links whose agenda has moved, in the database. */
export abstract class SuccessionStore {
  /** `null`: there is no such link. */
  abstract moved(ref: LinkRef): Promise<LinkDetails | null>;
  /** What stood in the old agenda, or may have, and is not over. */
  abstract exported(link: LinkRecord): Promise<readonly Exported[]>;
  /**
   * In one transaction: the link leads to the new place, what stood in the old one is forgotten, what was recognised is
   * taken in, and what is not known to stand there is no longer confirmed. `taken`: another link leads there; `stale`: the
   * link has not moved any more, or was changed.
   */
  abstract relink(
    link: LinkRecord,
    to: NewPlace,
    given: { readonly recognised: Recognised; readonly actor: Actor },
  ): Promise<'relinked' | 'taken' | 'stale'>;
}

/** What taking a link up again does, or would do. */
export interface TakenUp {
  /** Appointments found in the successor's agenda, those of them that were recognised by their time alone, and those moved there. */
  readonly adopted: number;
  readonly byTime: number;
  readonly movedThere: number;
  /** Appointments that were not found: they are written, and are not confirmed until then. */
  readonly toWrite: number;
  /** The practitioner's own. */
  readonly foreign: number;
}

export type RelinkOutcome =
  | {
      readonly outcome: 'relinked' | 'rehearsed';
      readonly link: LinkDetails;
      readonly takenUp: TakenUp;
      /** Of all that was found: what is approved is what was seen. */
      readonly version: number;
    }
  /**
   * `stale`: something else is found now than what was approved, or the link was changed. `other-kind`: the connection is not
   * one to the backend that the agenda has moved to.
   */
  | {
      readonly outcome:
        | 'unknown'
        | 'not-moved'
        | 'connection-unknown'
        | 'other-kind'
        | 'remote-agenda-unknown'
        | 'not-writable'
        | 'taken'
        | 'stale';
    }
  | { readonly outcome: 'failed'; readonly failure: Failure };

export interface RelinkRequest {
  readonly connectionId: string;
  /** Left out: the agenda that the old backend named. */
  readonly remoteAgendaId?: string | undefined;
  /** Version of the rehearsal that a person has looked at; `null`: only says what would happen. */
  readonly approved: number | null;
  readonly actor: Actor;
}

/** Takes up again a link whose agenda has gone to another backend for good. */
export class Succession {
  constructor(
    private readonly parts: {
      readonly store: SuccessionStore;
      readonly sync: SyncStore;
      readonly connections: ConnectionStore;
      readonly backends: Backends;
      readonly subscriptions: Subscriptions;
      readonly alarm: Alarm;
      readonly effects: Effects;
    },
  ) {}

  /**
   * Holds, bookings and the waiting list stay where they are, on the agenda. The successor's agenda is read first: at no
   * moment is the practitioner's time free to be booked, and what the old vendor carried over is not written twice.
   */
  async relink(ref: LinkRef, request: RelinkRequest): Promise<RelinkOutcome> {
    const to = await this.placeOf(ref, request);
    if (typeof to === 'string') return { outcome: to };
    try {
      return await this.takeUp(ref, request, to);
    } catch (error) {
      return { outcome: 'failed', failure: failureOf(error) };
    }
  }

  private async placeOf(
    ref: LinkRef,
    { connectionId, remoteAgendaId }: RelinkRequest,
  ): Promise<NewPlace | 'unknown' | 'not-moved' | 'connection-unknown' | 'other-kind'> {
    const { store, connections } = this.parts;
    const known = await store.moved(ref);
    if (known === null) return 'unknown';
    if (known.successor === null) return 'not-moved';
    const account = await connections.account(ref.organizationId, connectionId);
    if (account === null) return 'connection-unknown';
    if (account.connectorId !== known.successor.connectorId) return 'other-kind';
    return { connectionId, remoteAgendaId: remoteAgendaId ?? known.successor.agendaId, version: known.version };
  }

  private async takeUp(ref: LinkRef, { approved, actor }: RelinkRequest, to: NewPlace): Promise<RelinkOutcome> {
    const { store, sync } = this.parts;
    const link = await sync.link(ref.organizationId, ref.id);
    if (link === null) return { outcome: 'unknown' };
    const exported = await store.exported(link);
    const window = pullWindow(this.parts.effects.now());
    const objects = await this.read(link, to, reaching(window, exported));
    if (typeof objects === 'string') return { outcome: objects };
    const found = recogniseExported(objects, exported);
    // What no pull reads, no pull would take away again.
    const foreign = found.foreign.filter(({ busy }) => busy.some((interval) => overlaps(interval, window)));
    const recognised = { ...found, foreign };
    const version = versionOf(to, recognised);
    if (approved !== null && approved !== version) return { outcome: 'stale' };
    const done = approved === null ? 'rehearsed' : await store.relink(link, to, { recognised, actor });
    if (done === 'taken' || done === 'stale') return { outcome: done };
    if (done === 'relinked') await this.begin(ref);
    const now = await store.moved(ref);
    return now === null
      ? { outcome: 'unknown' }
      : { outcome: done, link: now, takenUp: summaryOfAll(recognised, exported), version };
  }

  /** Everything in the successor's agenda, as mirrors keep it. Throws ConnectorError. */
  private async read(
    link: LinkRecord,
    { connectionId, remoteAgendaId: agendaId }: NewPlace,
    window: Interval,
  ): Promise<readonly RemoteObject[] | 'remote-agenda-unknown' | 'not-writable'> {
    const { backends, effects } = this.parts;
    const { session } = await backends.open(link.organizationId, connectionId);
    const agenda = (await session.listAgendas(effects.deadline(LIST_MS))).find(({ id }) => id === agendaId);
    if (agenda === undefined) return 'remote-agenda-unknown';
    if (!agenda.writable && link.direction === 'two-way') return 'not-writable';
    const all = await this.everything(session, { agendaId, timeZone: link.timeZone, window });
    const objects = new Map<string, RemoteObject>();
    for (const change of await this.parts.sync.digested(link, all))
      if (change.kind === 'upsert') objects.set(change.object.remoteId, change.object);
    return [...objects.values()];
  }

  private async everything(
    session: Session,
    what: Pick<PullRequest, 'agendaId' | 'timeZone' | 'window'>,
  ): Promise<RemoteChange[]> {
    const known = (): Promise<ReadonlyMap<string, string | null>> => Promise.resolve(new Map());
    const found: RemoteChange[] = [];
    const options = this.parts.effects.deadline(READ_MS);
    for await (const item of session.pull({ ...what, cursor: null, known }, options)) {
      if (item.type === 'end') return found;
      found.push(...item.changes);
    }
    throw new ConnectorError('unavailable', 'the backend stopped before the end of its answer');
  }

  /** A worker that is not woken finds the link at its next tick. */
  private async begin({ organizationId, id: linkId }: LinkRef): Promise<void> {
    const { alarm, subscriptions } = this.parts;
    await subscriptions.renew(organizationId, linkId);
    await alarm.wake(syncLink, { organizationId, linkId, full: true }).catch(() => undefined);
  }
}

/** The window of a pull, and as far as anything was booked ahead. */
function reaching({ start, end }: Interval, exported: readonly Exported[]): Interval {
  return { start, end: exported.reduce((last, { when }) => Math.max(last, when.end), end) };
}

/** A number for what would be done: of the link as it is, and of everything there that was recognised or is the practitioner's. */
function versionOf(to: NewPlace, { adopted, elsewhere, foreign }: Recognised): number {
  const seen = [
    to,
    adopted.map(({ object, appointmentId, nameless }) => [appointmentId, object.remoteId, object.when, nameless]),
    elsewhere,
    foreign.map(({ remoteId, when }) => [remoteId, when]),
  ];
  return createHash('sha256').update(JSON.stringify(seen)).digest().readUIntBE(0, 3);
}

function summaryOfAll({ adopted, elsewhere, foreign }: Recognised, exported: readonly Exported[]): TakenUp {
  const byTime = adopted.filter(({ nameless }) => nameless).length;
  const found = new Set([...adopted.map(({ appointmentId }) => appointmentId), ...elsewhere]);
  return {
    adopted: adopted.length,
    byTime,
    movedThere: elsewhere.length,
    toWrite: exported.filter(({ appointmentId }) => !found.has(appointmentId)).length,
    foreign: foreign.length,
  };
}
