import { expect } from '@jest/globals';
import type { Interval } from '#domain';
import type { Condition, ConformanceCase } from '../case.js';
import { WINDOW, type CaseContext } from '../context.js';

const DAY_MS = 86_400_000;

const listed: Condition = ({ listsVersions }) => (listsVersions === true ? null : 'lists no versions');

/** The versions that stand in a part of the window; the method must be there. */
async function versionsIn({ session, harness, call }: CaseContext, window: Interval) {
  expect(session.versions).toBeDefined();
  return (await session.versions?.({ agendaId: harness.agendaId, window }, call())) ?? new Map<string, string | null>();
}

export const versions: readonly ConformanceCase[] = [
  {
    name: 'the versions of a part are those that a pull of this part alone tells, and nothing known is lost over it',
    unless: listed,
    async run(context) {
      const { remote, agendaId } = context.harness;
      const part = { start: context.hour(0).start, end: context.hour(0).start + 7 * DAY_MS };
      const inside = await remote.put({ ...context.hour(0), title: 'Réunion' });
      const moved = await remote.put({ ...context.hour(1), title: 'Privé' });
      await remote.put({ ...context.hour(200), title: 'Congrès' });
      await remote.move(moved.remoteId, context.hour(300));
      const there = await versionsIn(context, part);
      expect([...there.keys()]).toEqual([inside.remoteId]);
      const known = new Map([inside.remoteId, moved.remoteId].map((id) => [id, null]));
      const request = { agendaId, cursor: null, window: WINDOW, only: part, timeZone: 'Europe/Paris' };
      const told = new Map<string, { version: string | null; start: number | undefined }>();
      let present: ReadonlySet<string> | undefined;
      for await (const item of context.session.pull(
        { ...request, known: () => Promise.resolve(known) },
        context.call(),
      ))
        if (item.type === 'end') present = item.complete?.present;
        else
          for (const change of item.changes)
            if (change.kind === 'upsert')
              told.set(change.object.remoteId, { version: change.object.version, start: change.object.when?.start });
      expect(present?.has(inside.remoteId)).toBe(true);
      expect(told.get(inside.remoteId)).toEqual({
        version: there.get(inside.remoteId),
        start: context.hour(0).start,
      });
      expect(told.get(moved.remoteId)?.start).toBe(context.hour(300).start);
    },
  },
  {
    name: 'a version changes with its object, and goes with it',
    unless: listed,
    async run(context) {
      const { remote } = context.harness;
      const { remoteId } = await remote.put({ ...context.hour(3), title: 'Réunion' });
      const before = (await versionsIn(context, WINDOW)).get(remoteId);
      await remote.move(remoteId, context.hour(4));
      const after = (await versionsIn(context, WINDOW)).get(remoteId);
      expect(typeof before).toBe('string');
      expect(after).not.toBe(before);
      await remote.remove(remoteId);
      expect((await versionsIn(context, WINDOW)).size).toBe(0);
    },
  },
];
