import {
  foundElsewhere,
  judgeSilence,
  nextPollMs,
  overlaps,
  reconcile,
  type Action,
  type CompleteListing,
  type Interval,
  type RemoteChange,
  type RemoteObject,
} from '#domain';
import { ConnectorError, type CallOptions, type PullRequest } from '#connector-sdk';
import { backoffMs } from './backoff.js';
import { areRulesDue, readBackendRules } from './backend-rules.js';
import { Intake } from './intake.js';
import { removeStrays } from './strays.js';
import { chunksOf, isMissing } from './sync-actions.js';
import type { LinkRecord } from './model.js';
import type { Applied, Backend, Effects, Failure, Lease, PullEnd, SyncBase, SyncStore } from './ports.js';

/** An open link: what the database knows of it, the conversation with its backend, and the right to work on it now. */
export interface Remote {
  readonly link: LinkRecord;
  readonly backend: Backend;
  readonly lease: Lease;
}

const DAY = 86_400_000;
/** A pull reads the last month and the whole bookable horizon. */
const PAST_DAYS = 31;
const HORIZON_DAYS = 183;
/** A pull as a whole, however many pages. */
const PULL_MS = 120_000;
/** A refused credential is not hammered: accounts get locked. Nor is an agenda that has moved. A forced sync tries at once. */
const AUTH_RETRY_MS = 15 * 60_000;
/** What could not be removed is tried again soon. */
const AGAIN_POLL_MS = 10_000;
/** More than this share and this number of deletions in one run waits for a person. */
const MAX_DELETION_SHARE = 0.2;
export const MAX_DELETIONS = 10;

export interface PullOptions {
  /** Reads everything anew instead of the changes since the cursor. */
  readonly full?: boolean;
  /** What was just written and read back, so that it is judged together with what happened around it. */
  readonly own?: readonly RemoteObject[];
}

/** Before anything was read. */
const NOTHING_KNOWN: SyncBase = { known: [], appointments: [], knownTotal: 0 };

interface Read {
  readonly changes: readonly RemoteChange[];
  readonly cursor: string | null;
  readonly complete: CompleteListing | null;
}

/**
 * The failure of a remote call, for people: kind and the connector's own words. What is no ConnectorError is rethrown.
 */
export function failureOf(error: unknown): Failure {
  if (!ConnectorError.is(error)) throw error;
  const { kind, message, retryAfterMs, movedTo } = error;
  return { kind, message, retryAfterMs, ...(movedTo ? { successor: movedTo } : {}) };
}

/** The range that a pull covers: whole days, so that the window only moves once a day. */
export function pullWindow(now: number): Interval {
  const today = now - (now % DAY);
  return { start: today - PAST_DAYS * DAY, end: today + HORIZON_DAYS * DAY };
}

/**
 * Brings what the hub knows of a linked agenda up to date. The caller holds the agenda's lane.
 * Pull, reconcile (pure), one transaction per chunk of rows, the cursor with the last.
 */
export class SyncLink {
  constructor(
    private readonly store: SyncStore,
    private readonly effects: Effects,
  ) {}

  /**
   * Pulls and applies. Throws ConnectorError when the backend could not be read: no deletion was inferred then, and what a
   * first read had taken in by then is read again.
   */
  async pull(remote: Remote, options: PullOptions = {}): Promise<Applied> {
    const asOf = await this.store.clock(remote.link.organizationId);
    const window = pullWindow(this.effects.now());
    // Whether what is held back is still missing, only a complete read can tell.
    const full = options.full === true || remote.link.brake !== null;
    // Nothing was ever read, not even a part that was cut off.
    const isFirst = remote.link.ageMs === null && (await this.store.versions(remote.link)).size === 0;
    const intake = new Intake({
      plan: async (read) => {
        const changes = await this.store.digested(remote.link, read);
        return this.judge(remote, window, { changes, cursor: null, complete: null }, NOTHING_KNOWN);
      },
      store: (actions) => this.act(remote, actions),
    });
    const range = { window, cursor: full ? null : remote.link.cursor };
    const read = await this.read(remote, range, isFirst ? intake : undefined).finally(() => intake.end());
    const own = options.own?.filter((object) => isStillThere(object, read)) ?? [];
    const changes = [...own.map((object) => ({ kind: 'upsert' as const, object })), ...read.changes];
    // Of what was not known before, nothing can be missing.
    const actions = await this.plan(remote, window, { ...read, changes, complete: isFirst ? null : read.complete });
    const braked = actions.some(({ type }) => type === 'brake');
    const end: PullEnd = {
      cursor: read.cursor,
      asOf,
      full: read.complete !== null,
      braked,
      nextPollMs: nextPollMs({
        ...remote.link.pace,
        changed: intake.changes + actions.length > 0,
        braked,
        rateLimit: remote.backend.capabilities.rateLimit,
        spread: this.effects.random(),
      }),
    };
    const applied = await this.act(remote, actions, end);
    await this.listen(remote.link, foundElsewhere(actions, read.complete !== null));
    if (areRulesDue(remote))
      await readBackendRules(remote, window, { store: this.store, options: this.effects.deadline(PULL_MS) });
    return { ...applied, changes: applied.changes + intake.changes };
  }

  /** Reads everything and tells what a pull would do, without doing it. */
  async rehearse(remote: Remote): Promise<readonly Action[]> {
    const window = pullWindow(this.effects.now());
    return this.plan(remote, window, await this.read(remote, { window, cursor: null }));
  }

  /** Whether what was found should have been announced by a push, and was not. */
  private async listen(link: LinkRecord, found: boolean): Promise<void> {
    const { silent, reason } = judgeSilence({ ...link.push, found });
    if (silent > link.push.silent) await this.store.unannounced(link, { silent, isSilent: reason === 'silent' });
  }

  /** Reads one part of the window anew; `known` are the versions expected there. The cursor stays where it is. */
  async readAgain(
    remote: Remote,
    only: Interval,
    known: ReadonlyMap<string, string | null>,
  ): Promise<Applied & { readonly braked: boolean }> {
    const window = pullWindow(this.effects.now());
    const range = { window, only, cursor: null, known: () => Promise.resolve(known) };
    const actions = await this.plan(remote, window, await this.collect(remote, range, this.effects.deadline(PULL_MS)));
    return { ...(await this.act(remote, actions)), braked: actions.some(({ type }) => type === 'brake') };
  }

  /** Applies what is known of single objects outside a pull: a write that was read back, an object that was looked up. */
  async absorb(remote: Remote, changes: readonly RemoteChange[]): Promise<Applied> {
    const window = pullWindow(this.effects.now());
    const actions = await this.plan(remote, window, { changes, cursor: null, complete: null });
    return this.act(remote, actions, null);
  }

  /** Milliseconds since the link was last read completely, by the database's clock; `null` = never. */
  async ageMs({ link }: Remote): Promise<number | null> {
    return (await this.store.link(link.organizationId, link.id))?.ageMs ?? null;
  }

  /** Notes a failed pull on the link: its light, and when to try again. Rethrows what is not a backend's failure. */
  async failed(remote: Remote, error: unknown): Promise<void> {
    const failure = failureOf(error);
    const settled = failure.kind === 'auth' || failure.kind === 'moved';
    const wait = settled ? AUTH_RETRY_MS : failure.retryAfterMs;
    await this.store.failed(remote.link, failure, backoffMs(4, this.effects.random(), wait));
  }

  private async read(remote: Remote, range: Pick<PullRequest, 'window' | 'cursor'>, intake?: Intake): Promise<Read> {
    const options = this.effects.deadline(PULL_MS);
    try {
      return await this.collect(remote, range, { ...options, intake });
    } catch (error) {
      if (range.cursor === null || !ConnectorError.is(error) || error.kind !== 'cursor_expired') throw error;
      return this.collect(remote, { ...range, cursor: null }, { ...options, intake });
    }
  }

  private async collect(
    { link, backend }: Remote,
    range: Pick<PullRequest, 'window' | 'cursor'> & Partial<PullRequest>,
    { intake, ...options }: CallOptions & { readonly intake?: Intake | undefined },
  ): Promise<Read> {
    const request: PullRequest = {
      agendaId: link.remoteAgendaId,
      timeZone: link.timeZone,
      known: () => this.store.versions(link),
      ...range,
    };
    const changes: RemoteChange[] = [];
    for await (const item of backend.session.pull(request, options)) {
      if (item.type === 'end') return { changes, cursor: item.cursor, complete: item.complete };
      changes.push(...(intake ? await intake.take(item.changes) : item.changes));
    }
    throw new ConnectorError('unavailable', 'the backend stopped before the end of its answer');
  }

  private async plan(remote: Remote, window: Interval, read: Read): Promise<readonly Action[]> {
    const { link } = remote;
    const changes = await this.store.digested(link, read.changes);
    const base = await this.store.base(link, changes, read.complete?.window ?? null);
    const actions = this.judge(remote, window, { ...read, changes }, base);
    return read.complete === null ? actions : this.lookAgain(remote, window, { actions, complete: read.complete });
  }

  private judge({ link, backend }: Remote, window: Interval, read: Read, base: SyncBase): Action[] {
    const { settleMs } = backend.capabilities;
    return reconcile({
      link: {
        writable: link.direction === 'two-way',
        policy: link.policy,
        maxDeletionShare: MAX_DELETION_SHARE,
        maxDeletions: MAX_DELETIONS,
      },
      window,
      known: base.known,
      knownTotal: base.knownTotal,
      appointments: base.appointments.map(({ unansweredForMs, ...appointment }) => {
        return { ...appointment, inFlight: unansweredForMs !== null && unansweredForMs < settleMs };
      }),
      changes: read.changes,
      complete: read.complete,
      released: new Set(link.brake?.released),
      held: new Set(link.brake?.held),
    });
  }

  /** An appointment absent from a listing may have moved beyond its window: look it up before following a deletion. */
  private async lookAgain(
    remote: Remote,
    window: Interval,
    plan: { actions: Action[]; complete: CompleteListing },
  ): Promise<readonly Action[]> {
    const found: RemoteChange[] = [];
    const missing = new Set<string>();
    for (const action of plan.actions) {
      if (!isMissing(action)) continue;
      const reference = await this.store.reference(remote.link, action.appointmentId);
      const object = reference === null ? null : await this.find(remote, reference);
      if (object === null) continue;
      missing.add(action.appointmentId);
      if (object.remoteId !== action.remoteId) found.push({ kind: 'removed', remoteId: action.remoteId });
      found.push({ kind: 'upsert', object });
    }
    if (found.length === 0) return plan.actions;
    const kept = plan.actions.filter((action) => !isMissing(action) || !missing.has(action.appointmentId));
    return [...kept, ...(await this.plan(remote, window, { changes: found, cursor: null, complete: null }))];
  }

  private find({ link, backend }: Remote, reference: string): Promise<RemoteObject | null> {
    return backend.session.find({ agendaId: link.remoteAgendaId, reference }, this.effects.deadline(PULL_MS));
  }

  /** Carries a plan out; `end` is stored with its last part. */
  async act(remote: Remote, actions: readonly Action[], end: PullEnd | null = null): Promise<Applied> {
    let changes = 0;
    let due = 0;
    const strays = actions.filter((action) => action.type === 'remove-stray');
    const chunks = chunksOf(actions);
    for (const [n, chunk] of chunks.entries()) {
      const last = n === chunks.length - 1 && strays.length === 0;
      const applied = await this.store.apply(remote.link, chunk, last ? end : null, remote.lease);
      changes += applied.changes;
      due = applied.due;
    }
    if (strays.length === 0) return { changes, due };
    const { gone, again } = await removeStrays(remote, strays, () => this.effects.deadline(PULL_MS));
    // What could not be removed must be read again: the cursor stays where it was.
    const kept = end && again ? { ...end, cursor: remote.link.cursor, nextPollMs: AGAIN_POLL_MS } : end;
    await this.store.apply(remote.link, gone, kept, remote.lease);
    return { changes, due };
  }
}

/** What was read back before the pull is older than what the pull says of it, so it comes first, unless it is gone. */
function isStillThere({ when, remoteId }: RemoteObject, { complete }: Read): boolean {
  return complete === null || when === null || !overlaps(when, complete.window) || complete.present.has(remoteId);
}
