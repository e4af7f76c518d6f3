import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConnectorError, type Connector, type PullItem, type Session } from '#connector-sdk';
import { CONFORMANCE, runCase, type Harness, type Target } from '#connector-testkit';
import inHouse from '../../libs/connectors/src/in-house/connector.js';
import { inHouseTarget } from './in-house-target.js';

/** Left out to keep this short: they repeat, at length or with waiting, what other cases ask. */
const SLOW = /many entries|never answers|hang-after-commit/;

/** The connector with one safety taken out. */
function broken(change: (session: Session) => Partial<Session>): Target {
  const connector: Connector = {
    ...inHouse,
    open(account, context) {
      const settings = inHouse.config.settings.parse(account.settings);
      const session = inHouse.open({ settings, secrets: inHouse.config.secrets.parse(account.secrets) }, context);
      return new Proxy(session, {
        get(target, name) {
          const changed = (change(target) as Record<string | symbol, unknown>)[name];
          if (changed !== undefined) return changed;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    },
  };
  return inHouseTarget(connector);
}

async function* edited(items: AsyncIterable<PullItem>, edit: (item: PullItem) => PullItem): AsyncGenerator<PullItem> {
  for await (const item of items) yield edit(item);
}

const BROKEN: readonly {
  readonly safety: string;
  readonly change: (session: Session) => Partial<Session>;
  readonly shows: readonly string[];
}[] = [
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
];

describe('the conformance kit notices a missing safety, and nothing else', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await inHouseTarget().start();
  });
  afterAll(() => harness.stop());

  it.each(BROKEN)('without $safety', async ({ change, shows }) => {
    const target = broken(change);
    const failed: string[] = [];
    for (const one of Object.values(CONFORMANCE).flat()) {
      if (SLOW.test(one.name) || one.unless(target) !== null) continue;
      await runCase(one, target, harness).catch(() => failed.push(one.name));
    }
    expect(failed.sort()).toEqual([...shows].sort());
  });
});
