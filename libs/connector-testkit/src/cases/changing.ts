import { expect } from '@jest/globals';
import { writes, type ConformanceCase } from '../case.js';

export const updating: readonly ConformanceCase[] = [
  {
    name: 'a move is read back under the same id and a new version',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const mirror = context.mirror();
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      await mirror.pull(context.call().signal);
      const moved = await session.update(
        { ...booking, remoteId, version, content: context.content(context.hour(1)) },
        context.call(),
      );
      expect(moved).toMatchObject({
        remoteId,
        reference: booking.reference,
        when: context.hour(1),
        busy: [context.hour(1)],
      });
      expect(moved.version === null || moved.version !== version).toBe(true);
      expect(await harness.remote.list()).toMatchObject([{ remoteId, ...context.hour(1) }]);
      expect((await mirror.pull(context.call().signal)).changed).toMatchObject([
        { remoteId, contentHash: moved.contentHash },
      ]);
    },
  },
  {
    name: 'a move of an unknown version reads first',
    unless: writes,
    async run(context) {
      const booking = context.booking(context.hour(0));
      const { remoteId } = await context.session.create(booking, context.call());
      const moved = await context.session.update(
        { ...booking, remoteId, version: null, content: context.content(context.hour(1)) },
        context.call(),
      );
      expect(moved.when).toEqual(context.hour(1));
    },
  },
  {
    name: 'an update with a stale version is refused as stale, and nothing changes',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      await harness.remote.move(remoteId, context.hour(2));
      const late = { ...booking, remoteId, version, content: context.content(context.hour(1)) };
      expect((await context.failure(session.update(late, context.call()))).kind).toBe('stale');
      expect(await harness.remote.list()).toMatchObject([{ remoteId, ...context.hour(2) }]);
    },
  },
  {
    name: 'an update of what the practitioner removed is refused as not_found, and nothing is made',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      await harness.remote.remove(remoteId);
      const late = { ...booking, remoteId, version, content: context.content(context.hour(1)) };
      expect((await context.failure(session.update(late, context.call()))).kind).toBe('not_found');
      expect(await harness.remote.list()).toEqual([]);
    },
  },
];

export const cancelling: readonly ConformanceCase[] = [
  {
    name: 'a cancel removes the object, and cancelling again succeeds',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const mirror = context.mirror();
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      await mirror.pull(context.call().signal);
      for (let time = 0; time < 3; time += 1) await session.cancel({ ...booking, remoteId, version }, context.call());
      expect(await harness.remote.list()).toEqual([]);
      expect((await mirror.pull(context.call().signal)).removed).toEqual([remoteId]);
    },
  },
  {
    name: 'a cancel by reference alone removes the object, and cancelling again succeeds',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const other = await session.create(context.booking(context.hour(1)), context.call());
      await session.create(booking, context.call());
      for (let time = 0; time < 2; time += 1)
        await session.cancel({ ...booking, remoteId: null, version: null }, context.call());
      expect(await harness.remote.list()).toMatchObject([{ remoteId: other.remoteId }]);
    },
  },
  {
    name: 'a cancel with a stale version is refused as stale, and the object stays',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      await harness.remote.move(remoteId, context.hour(2));
      expect((await context.failure(session.cancel({ ...booking, remoteId, version }, context.call()))).kind).toBe(
        'stale',
      );
      expect(await harness.remote.list()).toMatchObject([{ remoteId, ...context.hour(2) }]);
    },
  },
  {
    name: 'a cancel without a version removes whatever stands',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const { remoteId } = await session.create(booking, context.call());
      await harness.remote.move(remoteId, context.hour(2));
      await session.cancel({ ...booking, remoteId, version: null }, context.call());
      expect(await harness.remote.list()).toEqual([]);
    },
  },
];
