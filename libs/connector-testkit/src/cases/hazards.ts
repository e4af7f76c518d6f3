import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { RemoteObject } from '#domain';
import { both, repeatable, writes, type Condition, type ConformanceCase } from '../case.js';
import type { CaseContext } from '../context.js';
import { LATE_MS, type HazardName } from '../harness.js';
import type { Mirror } from '../mirror.js';
import { openReceiver, pushRequestOf } from '../receiver.js';
import { expectQuiet } from './reading.js';

const ARRIVES_MS = 5_000;

const hasHazard =
  (name: HazardName): Condition =>
  ({ hazards = [] }) =>
    hazards.includes(name) ? null : `the harness has no hazard "${name}"`;
/** A change that lands late is refused by the backend itself. */
const conditional: Condition = ({ connector }) =>
  connector.capabilities.conditionalWrites === false ? 'conditionalWrites: false' : null;
const pushes: Condition = ({ connector }) => (connector.capabilities.push === 'none' ? 'push: none' : null);

async function arm({ harness }: CaseContext, name: HazardName): Promise<void> {
  if (!harness.hazard) throw new Error('hazards are declared, but the harness has no way to arm one');
  await harness.hazard(name);
}

async function known(context: CaseContext): Promise<Mirror> {
  const mirror = context.mirror();
  for (let n = 0; n < context.target.manyEntries; n += 1)
    await context.harness.remote.put({ ...context.hour(n), title: `Entrée ${String(n)}` });
  await mirror.pull(context.call().signal);
  expect(mirror.objects.size).toBe(context.target.manyEntries);
  return mirror;
}

const onTheWayBack: readonly ConformanceCase[] = [
  {
    name: 'slow: answers that come late, yet in time, are answers like any other',
    unless: hasHazard('slow'),
    async run(context) {
      await arm(context, 'slow');
      const mirror = context.mirror();
      const { remoteId } = await context.harness.remote.put({ ...context.hour(0), title: 'Privé' });
      expect((await mirror.pull(context.call().signal)).added).toMatchObject([{ remoteId, when: context.hour(0) }]);
      if (context.capabilities.write === 'none') return;
      const booking = context.booking(context.hour(1));
      const { remoteId: ours } = await context.session.create(booking, context.call());
      expect(await context.session.find(booking, context.call())).toMatchObject({ remoteId: ours });
    },
  },
  {
    name: 'half-page: a listing that breaks off fails as unavailable, and takes nothing away',
    unless: hasHazard('half-page'),
    async run(context) {
      const mirror = await known(context);
      const { cursor } = mirror;
      mirror.cursor = null;
      await arm(context, 'half-page');
      expect((await context.failure(mirror.pull(context.call().signal))).kind).toBe('unavailable');
      await context.harness.clearFaults();
      mirror.cursor = cursor;
      expectQuiet(await mirror.pull(context.call().signal), context);
      expect(mirror.objects.size).toBe(context.target.manyEntries);
    },
  },
];

const onTheWayThere: readonly ConformanceCase[] = [
  {
    name: 'duplicate-write: a create that arrives twice leaves one object',
    unless: both(writes, repeatable, hasHazard('duplicate-write')),
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      await arm(context, 'duplicate-write');
      const { remoteId } = await session.create(booking, context.call());
      expect(await harness.remote.list()).toMatchObject([{ remoteId, ...context.hour(0) }]);
    },
  },
  {
    name: 'duplicate-write: a move that arrives twice is done once, or called stale, and stands',
    unless: both(writes, hasHazard('duplicate-write')),
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      const move = { ...booking, remoteId, version, content: context.content(context.hour(1)) };
      await arm(context, 'duplicate-write');
      const outcome: RemoteObject | string = await session
        .update(move, context.call())
        .catch(async (error: unknown) => (await context.failure(Promise.reject(error as Error))).kind);
      if (typeof outcome === 'string') expect(outcome).toBe('stale');
      else expect(outcome.when).toEqual(context.hour(1));
      expect(await session.find(booking, context.call())).toMatchObject({ remoteId, when: context.hour(1) });
      expect(await harness.remote.list()).toHaveLength(1);
    },
  },
  {
    name: 'duplicate-write: a cancel that arrives twice succeeds',
    unless: both(writes, hasHazard('duplicate-write')),
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      await arm(context, 'duplicate-write');
      await session.cancel({ ...booking, remoteId, version }, context.call());
      expect(await harness.remote.list()).toEqual([]);
    },
  },
  {
    name: 'late-write: a create that lands after it was repeated leaves one object',
    unless: both(writes, repeatable, hasHazard('late-write')),
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      await arm(context, 'late-write');
      expect((await context.failure(session.create(booking, context.call()))).kind).toBe('unknown');
      const { remoteId } = await session.create(booking, context.call());
      await sleep(LATE_MS);
      expect(await harness.remote.list()).toMatchObject([{ remoteId, ...context.hour(0) }]);
    },
  },
  {
    name: 'late-write: a move that lands after the next one does not undo it',
    unless: both(writes, conditional, hasHazard('late-write')),
    async run(context) {
      const { session, harness } = context;
      const booking = context.booking(context.hour(0));
      const { remoteId, version } = await session.create(booking, context.call());
      const move = { ...booking, remoteId, version };
      await arm(context, 'late-write');
      const first = session.update({ ...move, content: context.content(context.hour(1)) }, context.call());
      expect((await context.failure(first)).kind).toBe('unknown');
      await session.update({ ...move, content: context.content(context.hour(2)) }, context.call());
      await sleep(LATE_MS);
      expect(await harness.remote.list()).toMatchObject([{ remoteId, ...context.hour(2) }]);
    },
  },
];

const pushedInDisorder: ConformanceCase = {
  name: 'push-reorder: pushes that overtake one another are hints all the same, and a pull tells what is',
  unless: both(pushes, hasHazard('push-reorder')),
  async run(context) {
    const { session, harness, capabilities } = context;
    const receiver = await openReceiver();
    const secret = randomBytes(24).toString('base64url');
    const request = { agendaId: harness.agendaId, callbackUrl: receiver.url, secret };
    const mirror = context.mirror();
    await mirror.pull(context.call().signal);
    try {
      const subscription = await session.subscribe?.(request, context.call());
      await arm(context, 'push-reorder');
      const { remoteId } = await harness.remote.put({ ...context.hour(0), title: 'Privé' });
      await sleep(ARRIVES_MS / 10);
      await harness.remote.move(remoteId, context.hour(1));
      const received = await receiver.wait(2, ARRIVES_MS);
      const hints = received.map((push) => session.parsePush?.(pushRequestOf(push, secret, capabilities)).id);
      expect(new Set(hints).size).toBeGreaterThanOrEqual(2);
      expect((await mirror.pull(context.call().signal)).added).toMatchObject([{ remoteId, when: context.hour(1) }]);
      if (subscription) await session.unsubscribe?.({ subscriptionId: subscription.id }, context.call());
    } finally {
      await receiver.close();
    }
  },
};

/** What happens on the way, though nobody fails. */
export const hazards: readonly ConformanceCase[] = [...onTheWayBack, ...onTheWayThere, pushedInDisorder];
