import { expect } from '@jest/globals';
import type { PullItem, PullRequest } from '#connector-sdk';
import { always, writes, type Condition, type ConformanceCase } from '../case.js';
import { WINDOW, type CaseContext } from '../context.js';
import type { Mirror } from '../mirror.js';
import { movedTo } from './reading.js';

const keepsUnreadables: Condition = ({ unreadables }) =>
  unreadables === true ? null : 'the harness cannot store what cannot be read';

/** What a pull from the mirror's state says, with nothing taken over: as if it was interrupted before it was stored. */
async function said({ session, harness, call }: CaseContext, mirror: Mirror): Promise<unknown> {
  const request: PullRequest = {
    agendaId: harness.agendaId,
    cursor: mirror.cursor,
    window: WINDOW,
    timeZone: 'Europe/Paris',
    known: () => Promise.resolve(new Map([...mirror.objects].map(([id, { version }]) => [id, version]))),
  };
  const items: PullItem[] = [];
  for await (const item of session.pull(request, call())) items.push(item);
  const changes = items.flatMap((item) => (item.type === 'changes' ? item.changes : []));
  return { changes: changes.map((change) => JSON.stringify(change)).sort(), end: items.at(-1)?.type };
}

/** Whatever is asked twice is answered twice, and done once. */
export const repeating: readonly ConformanceCase[] = [
  {
    name: 'a pull that was not taken over says the same again',
    unless: always,
    async run(context) {
      const { remote } = context.harness;
      const mirror = context.mirror();
      const moved = await remote.put({ ...context.hour(0), title: 'Privé' });
      const gone = await remote.put({ ...context.hour(1), title: 'Privé' });
      await mirror.pull(context.call().signal);
      await remote.move(moved.remoteId, context.hour(2));
      await remote.remove(gone.remoteId);
      const first = await said(context, mirror);
      expect(await said(context, mirror)).toEqual(first);
      const report = await mirror.pull(context.call().signal);
      expect(report.removed).toContain(gone.remoteId);
      const removed = report.removed.filter((id) => id !== gone.remoteId);
      expect(movedTo({ ...report, removed }, moved.remoteId, context).when).toEqual(context.hour(2));
    },
  },
  {
    name: 'questions may be asked again',
    unless: always,
    async run({ session, harness, call }) {
      const ask = async (): Promise<unknown> => [
        await session.verify(call()),
        await session.listAgendas(call()),
        await session.find({ agendaId: harness.agendaId, reference: 'kit-none' }, call()),
      ];
      expect(await ask()).toEqual(await ask());
    },
  },
  {
    name: 'a move repeated at the version it led to changes nothing more',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      const content = context.content(context.hour(1));
      const once = await session.update({ ...booking, remoteId, version, content }, context.call());
      const twice = await session.update({ ...booking, remoteId, version: once.version, content }, context.call());
      expect(twice).toMatchObject({ remoteId, contentHash: once.contentHash, when: context.hour(1) });
      expect(await harness.remote.list()).toMatchObject([{ remoteId, ...context.hour(1) }]);
    },
  },
  {
    name: 'a visit without a length is refused as invalid, and nothing is stored',
    unless: writes,
    async run(context) {
      const { start } = context.hour(0);
      const attempt = context.session.create(context.booking({ start, end: start }), context.call());
      expect((await context.failure(attempt)).kind).toBe('invalid');
      expect(await context.harness.remote.list()).toEqual([]);
    },
  },
  {
    name: 'an entry that cannot be read is told as unreadable, never as removed, and the others are read',
    unless: keepsUnreadables,
    async run(context) {
      const { remote } = context.harness;
      if (!remote.putUnreadable) throw new Error('unreadables are declared, but there is no door for them');
      const mirror = context.mirror();
      const first = await remote.put({ ...context.hour(0), title: 'Privé' });
      await mirror.pull(context.call().signal);
      const bad = await remote.putUnreadable();
      const second = await remote.put({ ...context.hour(1), title: 'Privé' });
      const report = await mirror.pull(context.call().signal);
      expect([report.unreadable, report.added.map(({ remoteId }) => remoteId), report.removed]).toEqual([
        [bad.remoteId],
        [second.remoteId],
        [],
      ]);
      mirror.cursor = null;
      const listed = await mirror.pull(context.call().signal);
      expect([...(listed.complete?.present ?? [])].sort()).toEqual(
        [first.remoteId, second.remoteId, bad.remoteId].sort(),
      );
    },
  },
];
