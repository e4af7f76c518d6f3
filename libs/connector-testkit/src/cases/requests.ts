import { expect } from '@jest/globals';
import type { RemoteObject } from '#domain';
import { asks, writesAtOnce, type ConformanceCase } from '../case.js';
import type { CaseContext } from '../context.js';
import { expectQuiet } from './reading.js';

type Answer = 'accept' | 'decline';

async function answer({ harness: { remote } }: CaseContext, how: Answer, remoteId: string): Promise<void> {
  const given = remote[how]?.bind(remote);
  if (given === undefined) throw new Error(`writes are requests, but there is no door to ${how} one`);
  await given(remoteId);
}

async function found(context: CaseContext, booking: { agendaId: string; reference: string }): Promise<RemoteObject> {
  const object = await context.session.find(booking, context.call());
  if (object === null) throw new Error('a request that was answered is found no more: it would be made again');
  return object;
}

/** What is asked for is not promised before it was accepted, and not asked for again once it was refused. */
export const requests: readonly ConformanceCase[] = [
  {
    name: 'what is written stands at once: nothing awaits acceptance',
    unless: writesAtOnce,
    async run(context) {
      const object = await context.session.create(context.booking(context.hour(0)), context.call());
      const { added } = await context.mirror().pull(context.call().signal);
      expect([object, ...added].filter(({ acceptance }) => acceptance !== undefined)).toEqual([]);
    },
  },
  {
    name: 'what is asked for is awaited and takes its time; once accepted it stands, and that is told once',
    unless: asks,
    async run(context) {
      const mirror = context.mirror();
      const booking = context.booking(context.hour(0));
      const { remoteId, ...asked } = await context.session.create(booking, context.call());
      const busy = [context.hour(0)];
      expect(asked).toMatchObject({ acceptance: 'awaited', busy });
      const first = await mirror.pull(context.call().signal);
      expect(first.added).toMatchObject([{ remoteId, acceptance: 'awaited', contentHash: asked.contentHash, busy }]);
      expectQuiet(await mirror.pull(context.call().signal), context);
      await answer(context, 'accept', remoteId);
      const { changed } = await mirror.pull(context.call().signal);
      expect(changed).toMatchObject([{ remoteId, when: context.hour(0), busy }]);
      expect([changed[0]?.acceptance, (await found(context, booking)).acceptance]).toEqual([undefined, undefined]);
      expectQuiet(await mirror.pull(context.call().signal), context);
    },
  },
  {
    name: 'what is refused takes no time, and is found as declined, never as nothing',
    unless: asks,
    async run(context) {
      const mirror = context.mirror();
      const booking = context.booking(context.hour(0));
      const { remoteId } = await context.session.create(booking, context.call());
      await mirror.pull(context.call().signal);
      await answer(context, 'decline', remoteId);
      const declined = { remoteId, acceptance: 'declined', busy: [] };
      expect(await found(context, booking)).toMatchObject(declined);
      expect((await mirror.pull(context.call().signal)).changed).toMatchObject([declined]);
      const next = await context.session.create(context.booking(context.hour(0)), context.call());
      expect(next).toMatchObject({ acceptance: 'awaited', when: context.hour(0) });
    },
  },
  {
    name: 'another time is awaited, too; when it is refused, the visit stands where it was agreed',
    unless: asks,
    async run(context) {
      const booking = context.booking(context.hour(0));
      const { remoteId } = await context.session.create(booking, context.call());
      await answer(context, 'accept', remoteId);
      const mirror = context.mirror();
      await mirror.pull(context.call().signal);
      const move = { ...booking, remoteId, version: null, content: context.content(context.hour(1)) };
      const moved = await context.session.update(move, context.call());
      expect(moved).toMatchObject({ acceptance: 'awaited', when: context.hour(1) });
      await mirror.pull(context.call().signal);
      await answer(context, 'decline', remoteId);
      const { changed } = await mirror.pull(context.call().signal);
      expect(changed).toMatchObject([{ remoteId, when: context.hour(0), busy: [context.hour(0)] }]);
      expect(changed[0]?.acceptance).toBeUndefined();
    },
  },
];
