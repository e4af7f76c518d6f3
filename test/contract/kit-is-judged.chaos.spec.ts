import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConnectorError, type Connector, type PullItem, type PullRequest, type Session } from '#connector-sdk';
import { CONFORMANCE, runCase, type Harness, type Target } from '#connector-testkit';
import { icsTarget } from './ics-target.js';
import type { RemoteObject } from '#domain';
import { inHouseTarget } from './in-house-target.js';
import { libreRdvTarget } from './libre-rdv-target.js';

/** Left out where they need not show anything, to keep this short: they ask at length, or with waiting. */
const SLOW = /many entries|never answers|hang-after-commit|^slow|half-page|late-write/;

type Change = (session: Session) => Partial<Session>;

/** The connector with one safety taken out. */
function broken(target: (connector?: Connector) => Target, change: Change): Target {
  const { connector: whole } = target();
  const connector: Connector = {
    ...whole,
    open(account, context) {
      const session = whole.open(account, context);
      return new Proxy(session, {
        get(intact, name) {
          const changed = (change(intact) as Record<string | symbol, unknown>)[name];
          if (changed !== undefined) return changed;
          const value: unknown = Reflect.get(intact, name, intact);
          return typeof value === 'function' ? (value.bind(intact) as unknown) : value;
        },
      });
    },
  };
  return target(connector);
}

async function* edited(items: AsyncIterable<PullItem>, edit: (item: PullItem) => PullItem): AsyncGenerator<PullItem> {
  for await (const item of items) yield edit(item);
}

/** Takes whatever came before a failure for the whole. */
async function* takenForWhole(items: AsyncIterable<PullItem>, { window }: PullRequest): AsyncGenerator<PullItem> {
  const present = new Set<string>();
  try {
    for await (const item of items) {
      if (item.type === 'changes')
        for (const change of item.changes)
          present.add(change.kind === 'upsert' ? change.object.remoteId : change.remoteId);
      yield item;
    }
  } catch {
    yield { type: 'end', cursor: '1', complete: { window, present } };
  }
}

/** Says what changed once for each cursor, as if it had been stored. */
const told = new WeakMap<Session, Set<string | null>>();

function isAskedAgain(session: Session, cursor: string | null): boolean {
  const cursors = told.get(session) ?? new Set();
  told.set(session, cursors);
  return cursors.size === cursors.add(cursor).size;
}

interface Broken {
  readonly safety: string;
  readonly change: Change;
  readonly shows: readonly string[];
}

const READ_FAILURES = ['unauthorized', 'forbidden', 'rate-limited', 'server-error', 'html', 'reset', 'torn'].map(
  (fault, n) => `${fault}: a pull and a find fail as ${['auth', 'forbidden', 'rate_limited'][n] ?? 'unavailable'}`,
);

const BROKEN: readonly Broken[] = [
  {
    safety: 'the version check of an update',
    change: (session) => ({ update: (request, options) => session.update({ ...request, version: null }, options) }),
    shows: [
      'an update with a stale version is refused as stale, and nothing changes',
      'drop-after-commit: a move is unknown, and its old version is then stale',
    ],
  },
  {
    safety: 'the version check of a cancel',
    change: (session) => ({ cancel: (request, options) => session.cancel({ ...request, version: null }, options) }),
    shows: ['a cancel with a stale version is refused as stale, and the object stays'],
  },
  {
    safety: 'the reading of removals',
    change: (session) => ({
      pull: (request, options) =>
        edited(session.pull(request, options), (item) =>
          item.type === 'end' ? item : { ...item, changes: item.changes.filter(({ kind }) => kind !== 'removed') },
        ),
    }),
    shows: [
      'what the practitioner adds, moves and removes is reported once',
      'a cancel removes the object, and cancelling again succeeds',
      'a pull that was not taken over says the same again',
    ],
  },
  {
    safety: 'the cursor',
    change: (session) => ({
      pull: (request, options) =>
        edited(session.pull({ ...request, cursor: null }, options), (item) =>
          item.type === 'end' ? { ...item, cursor: '1' } : item,
        ),
    }),
    shows: [
      'a second pull is empty',
      'what the practitioner adds, moves and removes is reported once',
      'an expired cursor is refused as cursor_expired, and a complete listing then says what is present',
      'a cursor that makes no sense is refused as cursor_expired, never read as an empty agenda',
      'our own write comes back with its reference and the content that was read back',
      'half-page: a listing that breaks off fails as unavailable, and takes nothing away',
    ],
  },
  {
    safety: 'the idempotency of a create',
    change: (session) => ({
      create: (request, options) =>
        session.create(
          { ...request, reference: `${request.reference}-${Math.random().toString(36).slice(2)}` },
          options,
        ),
    }),
    shows: [
      'a create is read back, and an independent reader sees it',
      'our own write comes back with its reference and the content that was read back',
      'a create repeated under one reference leaves one object',
      'a create repeated after the practitioner deleted its object is refused as stale, not made anew',
      'an object is found by its reference, also after the practitioner moved it',
      'a move is read back under the same id and a new version',
      'a cancel by reference alone removes the object, and cancelling again succeeds',
      'drop-after-commit: a create is unknown, is then found, and repeating it leaves one object',
      'drop-after-commit: a move is unknown, and its old version is then stale',
      'duplicate-write: a move that arrives twice is done once, or called stale, and stands',
      'slow: answers that come late, yet in time, are answers like any other',
    ],
  },
  {
    safety: 'the look at what was lost',
    change: () => ({ find: () => Promise.resolve(null) }),
    shows: [
      'an object is found by its reference, also after the practitioner moved it',
      'unauthorized: a pull and a find fail as auth',
      'forbidden: a pull and a find fail as forbidden',
      'rate-limited: a pull and a find fail as rate_limited',
      ...['server-error', 'html', 'reset', 'torn'].map((fault) => `${fault}: a pull and a find fail as unavailable`),
      'drop-after-commit: a create is unknown, is then found, and repeating it leaves one object',
      'drop-after-commit: a move is unknown, and its old version is then stale',
      'duplicate-write: a move that arrives twice is done once, or called stale, and stands',
    ],
  },
  {
    safety: 'the doubt about a lost answer',
    change: (session) => ({
      create: (request, options) =>
        session.create(request, options).catch((error: unknown) => {
          throw ConnectorError.is(error) && error.kind === 'unknown'
            ? new ConnectorError('unavailable', error.message)
            : error;
        }),
    }),
    shows: [
      ...['server-error', 'reset', 'torn'].map((fault) => `${fault}: a create fails as unknown`),
      'drop-after-commit: a create is unknown, is then found, and repeating it leaves one object',
      'a write that was answered with success and never stored is unknown, not done',
      'a create aborted after it was sent is unknown',
      'late-write: a create that lands after it was repeated leaves one object',
    ],
  },
  {
    safety: 'the silence about patients',
    change: (session) => ({
      create: (request, options) =>
        session.create(request, options).catch((error: unknown) => {
          throw ConnectorError.is(error) && error.kind === 'taken'
            ? new ConnectorError('taken', `no room for ${request.content.summary}`)
            : error;
        }),
    }),
    shows: ['a create over a taken interval is refused as taken; a touching one is not'],
  },
  {
    safety: 'the signature of pushes',
    change: () => ({ parsePush: ({ headers }) => ({ id: headers['webhook-id'] ?? '', agendaIds: [] }) }),
    shows: ['every forged, altered or old push is refused as auth, all alike'],
  },
  {
    safety: 'the failure of a listing that breaks off',
    change: (session) => ({
      pull: (request, options) => takenForWhole(session.pull(request, options), request),
    }),
    shows: [
      ...READ_FAILURES,
      'an abort ends a call at once',
      'a backend that never answers is given up in time',
      'a cursor that makes no sense is refused as cursor_expired, never read as an empty agenda',
      'an agenda that is gone is refused as not_found, never read as an empty agenda',
      'an expired cursor is refused as cursor_expired, and a complete listing then says what is present',
      'half-page: a listing that breaks off fails as unavailable, and takes nothing away',
    ],
  },
  {
    safety: 'the same answer to the same question',
    change: (session) => ({
      pull: (request, options) => {
        const again = isAskedAgain(session, request.cursor);
        return edited(session.pull(request, options), (item) =>
          again && item.type === 'changes' ? { ...item, changes: [] } : item,
        );
      },
    }),
    shows: [
      'a pull that was not taken over says the same again',
      'what the practitioner adds, moves and removes is reported once',
    ],
  },
  {
    safety: 'the refusal of what makes no sense',
    change: (session) => ({
      create: ({ content, ...rest }, options) =>
        session.create(
          { ...rest, content: { ...content, end: Math.max(content.end, content.start + 60_000) } },
          options,
        ),
    }),
    shows: ['a visit without a length is refused as invalid, and nothing is stored'],
  },
];

const BROKEN_FEED: readonly Broken[] = [
  {
    safety: 'the word about what cannot be read',
    change: (session) => ({
      pull: (request, options) =>
        edited(session.pull(request, options), (item) =>
          item.type === 'end' ? item : { ...item, changes: item.changes.filter(({ kind }) => kind !== 'unreadable') },
        ),
    }),
    shows: ['an entry that cannot be read is told as unreadable, never as removed, and the others are read'],
  },
  {
    safety: 'the difference between nothing new and nothing there',
    change: (session) => ({
      pull: (request, options) =>
        edited(session.pull(request, options), (item) =>
          item.type === 'end' && item.complete === null
            ? { ...item, complete: { window: request.window, present: new Set() } }
            : item,
        ),
    }),
    shows: ['a second pull is empty', 'what the practitioner adds, moves and removes is reported once'],
  },
];

const withoutAcceptance = ({ acceptance: _, ...object }: RemoteObject): RemoteObject => object;

const BROKEN_REQUESTS: readonly Broken[] = [
  {
    safety: 'the word about what is awaited',
    change: (session) => ({
      create: async (request, options) => withoutAcceptance(await session.create(request, options)),
      update: async (request, options) => withoutAcceptance(await session.update(request, options)),
    }),
    shows: [
      'what is asked for is awaited and takes its time; once accepted it stands, and that is told once',
      'what is refused takes no time, and is found as declined, never as nothing',
      'another time is awaited, too; when it is refused, the visit stands where it was agreed',
    ],
  },
  {
    safety: 'the memory of what was refused',
    change: (session) => ({
      find: async (request, options) => {
        const object = await session.find(request, options);
        return object?.acceptance === 'declined' ? null : object;
      },
    }),
    shows: ['what is refused takes no time, and is found as declined, never as nothing'],
  },
];

describe.each([
  { backend: 'the in-house agenda', target: inHouseTarget, rows: BROKEN },
  { backend: 'a feed', target: icsTarget, rows: BROKEN_FEED },
  { backend: 'an agenda that is asked', target: libreRdvTarget, rows: BROKEN_REQUESTS },
])('the conformance kit, asked about $backend, notices a missing safety, and nothing else', ({ target, rows }) => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await target().start();
  });
  afterAll(() => harness.stop());

  it.each(rows)('without $safety', async ({ change, shows }) => {
    const examined = broken(target, change);
    const failed: string[] = [];
    for (const one of Object.values(CONFORMANCE).flat()) {
      if (one.unless(examined) !== null || (SLOW.test(one.name) && !shows.includes(one.name))) continue;
      await runCase(one, examined, harness).catch(() => failed.push(one.name));
    }
    expect(failed.sort()).toEqual([...shows].sort());
  });
});
