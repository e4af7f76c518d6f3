import { expect } from '@jest/globals';
import { both, repeatable, writes, writesText, type Condition, type ConformanceCase } from '../case.js';
import { SUMMARY } from '../context.js';
import { expectQuiet } from './reading.js';

const byKey: Condition = ({ connector }) =>
  connector.capabilities.idempotency === 'key' ? null : `idempotency: ${connector.capabilities.idempotency}`;
const refusesOverlap: Condition = ({ connector }) =>
  connector.capabilities.refusesOverlap ? null : 'refusesOverlap: false';

export const creating: readonly ConformanceCase[] = [
  {
    name: 'a create is read back, and an independent reader sees it',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const object = await session.create(booking, context.call());
      expect(object).toMatchObject({
        reference: booking.reference,
        when: context.hour(0),
        busy: [context.hour(0)],
        recurring: false,
      });
      const seen = await harness.remote.list();
      expect(seen).toMatchObject([{ remoteId: object.remoteId, ...context.hour(0) }]);
      if (writesText(context.target) === null) expect([seen[0]?.title, object.summary]).toEqual([SUMMARY, SUMMARY]);
    },
  },
  {
    name: 'our own write comes back with its reference and the content that was read back',
    unless: writes,
    async run(context) {
      const mirror = context.mirror();
      await mirror.pull(context.call().signal);
      const booking = context.booking(context.hour(0));
      const { remoteId, contentHash, version } = await context.session.create(booking, context.call());
      const report = await mirror.pull(context.call().signal);
      expect(report.added).toMatchObject([
        { remoteId, contentHash, version, reference: booking.reference, busy: [context.hour(0)] },
      ]);
      expectQuiet(await mirror.pull(context.call().signal), context);
    },
  },
  {
    name: 'awkward text is stored as it was given',
    unless: writesText,
    async run(context) {
      const awkward = 'Élodie "la; rapide", <b>\\n & 100 % — 你好 🩺';
      const object = await context.session.create(context.booking(context.hour(0), awkward), context.call());
      expect(object.summary).toBe(awkward);
      expect((await context.harness.remote.list())[0]?.title).toBe(awkward);
    },
  },
  {
    name: 'a create repeated under one reference leaves one object',
    unless: both(writes, repeatable),
    async run(context) {
      const booking = context.booking(context.hour(0));
      const first = await context.session.create(booking, context.call());
      const again = await context.session.create(booking, context.call());
      expect(again).toMatchObject({ remoteId: first.remoteId, version: first.version, contentHash: first.contentHash });
      expect(await context.harness.remote.list()).toHaveLength(1);
    },
  },
  {
    name: 'a create repeated after the practitioner deleted its object is refused as stale, not made anew',
    unless: both(writes, byKey),
    async run(context) {
      const booking = context.booking(context.hour(0));
      const { remoteId } = await context.session.create(booking, context.call());
      await context.harness.remote.remove(remoteId);
      expect((await context.failure(context.session.create(booking, context.call()))).kind).toBe('stale');
      expect(await context.harness.remote.list()).toEqual([]);
    },
  },
  {
    name: 'a create over a taken interval is refused as taken; a touching one is not',
    unless: both(writes, refusesOverlap),
    async run(context) {
      const { start, end } = context.hour(1);
      await context.harness.remote.put({ start, end, title: 'Privé' });
      const half = (end - start) / 2;
      const over = context.booking({ start: start + half, end: end + half });
      expect((await context.failure(context.session.create(over, context.call()))).kind).toBe('taken');
      await context.session.create(context.booking({ start: end, end: end + half }), context.call());
      expect(await context.harness.remote.list()).toHaveLength(2);
    },
  },
  {
    name: 'a move onto a taken interval is refused as taken, and nothing moves',
    unless: both(writes, refusesOverlap),
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      await harness.remote.put({ ...context.hour(1), title: 'Privé' });
      const move = { ...booking, remoteId, version, content: context.content(context.hour(1)) };
      expect((await context.failure(session.update(move, context.call()))).kind).toBe('taken');
      expect(await harness.remote.list()).toContainEqual(expect.objectContaining({ remoteId, ...context.hour(0) }));
    },
  },
];

export const finding: readonly ConformanceCase[] = [
  {
    name: 'an object is found by its reference, also after the practitioner moved it',
    unless: writes,
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const created = await session.create(booking, context.call());
      expect(await session.find(booking, context.call())).toMatchObject({
        remoteId: created.remoteId,
        version: created.version,
        contentHash: created.contentHash,
      });
      await harness.remote.move(created.remoteId, context.hour(3));
      expect(await session.find(booking, context.call())).toMatchObject({
        remoteId: created.remoteId,
        reference: booking.reference,
        when: context.hour(3),
      });
    },
  },
  {
    name: 'what was never written, or was cancelled, is found to be null',
    unless: writes,
    async run(context) {
      const { session } = context;
      const booking = context.booking(context.hour(0));
      expect(await session.find(booking, context.call())).toBeNull();
      const { remoteId, version } = await session.create(booking, context.call());
      await session.cancel({ ...booking, remoteId, version }, context.call());
      expect(await session.find(booking, context.call())).toBeNull();
    },
  },
];
