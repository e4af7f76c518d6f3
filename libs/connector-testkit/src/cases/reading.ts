import { expect } from '@jest/globals';
import type { RemoteObject } from '#domain';
import { always, both, hasFault, type Condition, type ConformanceCase } from '../case.js';
import { WINDOW, type CaseContext } from '../context.js';
import type { PullReport } from '../mirror.js';

const HOUR_MS = 3_600_000;

const byCursor: Condition = ({ connector }) =>
  connector.capabilities.read === 'cursor' ? null : `read: ${connector.capabilities.read}`;
const cursorsExpire: Condition = ({ expiresCursors }) =>
  expiresCursors ? null : 'the harness cannot make a cursor expire';

/** Nothing happened, and nothing is reported. */
export function expectQuiet(report: PullReport, { capabilities }: CaseContext): void {
  expect({ ...report, complete: null, changeCount: 0 }).toEqual({
    added: [],
    changed: [],
    removed: [],
    unreadable: [],
    changeCount: 0,
    complete: null,
  });
  if (capabilities.read === 'cursor') expect(report).toMatchObject({ changeCount: 0, complete: null });
}

/** The one object that a report says was moved; where ids are made anew, it may have gone and come under another. */
export function movedTo(report: PullReport, remoteId: string, { capabilities }: CaseContext): RemoteObject {
  const anew = capabilities.idStability === 'regenerated' && report.added.length > 0;
  expect(report.removed).toEqual(anew ? [remoteId] : []);
  const [object, ...others] = anew ? report.added : report.changed;
  expect([others.length, anew ? report.changed.length : report.added.length]).toEqual([0, 0]);
  if (!object || (!anew && object.remoteId !== remoteId)) throw new Error('the move was not reported');
  return object;
}

export const reading: readonly ConformanceCase[] = [
  {
    name: 'the account is named and its agenda listed',
    unless: always,
    async run({ session, harness, call }) {
      expect((await session.verify(call())).account).not.toBe('');
      expect((await session.listAgendas(call())).map(({ id }) => id)).toContain(harness.agendaId);
    },
  },
  {
    name: 'a wrong credential is refused as auth',
    unless: always,
    async run(context) {
      const session = context.open(context.harness.wrongSecrets);
      expect((await context.failure(session.verify(context.call()))).kind).toBe('auth');
      session.close();
    },
  },
  {
    name: 'an empty agenda is read completely, and is empty',
    unless: always,
    async run(context) {
      const report = await context.mirror().pull(context.call().signal);
      expect(report).toMatchObject({ added: [], changeCount: 0 });
      expect(report.complete?.present.size).toBe(0);
    },
  },
  {
    name: 'a second pull is empty',
    unless: always,
    async run(context) {
      const { remote } = context.harness;
      await remote.put({ ...context.hour(0), title: 'Réunion' });
      const mirror = context.mirror();
      expect((await mirror.pull(context.call().signal)).added).toHaveLength(1);
      expectQuiet(await mirror.pull(context.call().signal), context);
    },
  },
  {
    name: 'what the practitioner adds, moves and removes is reported once',
    unless: always,
    async run(context) {
      const { remote } = context.harness;
      const mirror = context.mirror();
      const pull = (): Promise<PullReport> => mirror.pull(context.call().signal);
      await pull();

      const { remoteId } = await remote.put({ ...context.hour(1), title: 'Privé' });
      expect((await pull()).added).toMatchObject([
        { remoteId, when: context.hour(1), busy: [context.hour(1)], recurring: false },
      ]);
      expectQuiet(await pull(), context);

      await remote.move(remoteId, context.hour(2));
      const moved = await pull();
      const now = movedTo(moved, remoteId, context);
      expect(now).toMatchObject({ when: context.hour(2), busy: [context.hour(2)] });
      expectQuiet(await pull(), context);

      await remote.remove(now.remoteId);
      expect((await pull()).removed).toEqual([now.remoteId]);
      expectQuiet(await pull(), context);
    },
  },
  {
    name: 'busy time is cut to the window that was asked for',
    unless: always,
    async run(context) {
      const { remote } = context.harness;
      const across = { start: WINDOW.start - HOUR_MS, end: WINDOW.start + HOUR_MS };
      const { remoteId } = await remote.put({ ...across, title: 'Garde' });
      const mirror = context.mirror();
      await mirror.pull(context.call().signal);
      expect(mirror.objects.get(remoteId)).toMatchObject({
        when: across,
        busy: [{ start: WINDOW.start, end: across.end }],
      });
    },
  },
  {
    name: 'many entries are read without loss, one page after another',
    unless: always,
    async run(context) {
      await readMany(context);
    },
  },
  {
    name: 'many entries are read without loss when pages are smaller than asked for',
    unless: hasFault('small-pages'),
    async run(context) {
      await context.harness.fault('small-pages');
      await readMany(context);
    },
  },
  {
    name: 'an expired cursor is refused as cursor_expired, and a complete listing then says what is present',
    unless: both(byCursor, cursorsExpire),
    async run(context) {
      const { remote, expireCursors } = context.harness;
      const mirror = context.mirror();
      const kept = await remote.put({ ...context.hour(0), title: 'Reste' });
      const lost = await remote.put({ ...context.hour(1), title: 'Disparaît' });
      await mirror.pull(context.call().signal);
      await remote.remove(lost.remoteId);
      await expireCursors();
      expect((await context.failure(mirror.pull(context.call().signal))).kind).toBe('cursor_expired');
      mirror.cursor = null;
      const report = await mirror.pull(context.call().signal);
      expect(report.removed).toEqual([lost.remoteId]);
      expect([...(report.complete?.present ?? [])]).toEqual([kept.remoteId]);
    },
  },
  {
    name: 'a cursor that makes no sense is refused as cursor_expired, never read as an empty agenda',
    unless: byCursor,
    async run(context) {
      const mirror = context.mirror();
      mirror.cursor = 'no cursor of this backend';
      expect((await context.failure(mirror.pull(context.call().signal))).kind).toBe('cursor_expired');
    },
  },
  {
    name: 'an agenda that is gone is refused as not_found, never read as an empty agenda',
    unless: always,
    async run(context) {
      const { session, harness } = context;
      const request = {
        agendaId: harness.unknownAgendaId,
        cursor: null,
        window: WINDOW,
        timeZone: 'Europe/Paris',
        known: () => Promise.resolve(new Map<string, string>()),
      };
      const reading = async (): Promise<void> => {
        for await (const item of session.pull(request, context.call()))
          if (item.type === 'end') throw new Error('it was read to its end');
      };
      expect((await context.failure(reading())).kind).toBe('not_found');
    },
  },
];

async function readMany(context: CaseContext): Promise<void> {
  const { remote } = context.harness;
  const { manyEntries } = context.target;
  const mirror = context.mirror();
  const put = async (from: number, to: number): Promise<string[]> => {
    const ids: string[] = [];
    for (let n = from; n < to; n += 1)
      ids.push((await remote.put({ ...context.hour(n), title: `Entrée ${String(n)}` })).remoteId);
    return ids;
  };
  const first = await put(0, manyEntries);
  const listed = await mirror.pull(context.call().signal);
  expect([...(listed.complete?.present ?? [])].sort()).toEqual([...first].sort());
  expect(listed.added).toHaveLength(manyEntries);
  const more = await put(manyEntries, manyEntries * 2);
  const delta = await mirror.pull(context.call().signal);
  expect(delta.added.map(({ remoteId }) => remoteId).sort()).toEqual([...more].sort());
  expect(delta.removed).toEqual([]);
  expectQuiet(await mirror.pull(context.call().signal), context);
}
