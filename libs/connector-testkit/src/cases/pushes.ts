import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import type { PushHint, PushRequest, Session, SubscribeRequest } from '#connector-sdk';
import { both, hasFault, type Condition, type ConformanceCase } from '../case.js';
import type { CaseContext } from '../context.js';
import { openReceiver, pushRequestOf, type Received, type Receiver } from '../receiver.js';

const ARRIVES_MS = 3_000;
const QUIET_MS = 400;

const pushes: Condition = ({ connector }) => (connector.capabilities.push === 'none' ? 'push: none' : null);

type Pushing = Required<Pick<Session, 'subscribe' | 'renew' | 'unsubscribe' | 'parsePush'>>;

interface Subscribed {
  readonly context: CaseContext;
  readonly pushing: Pushing;
  readonly receiver: Receiver;
  readonly request: SubscribeRequest;
  readonly subscriptionId: string;
}

/** The four methods that a declared push needs. */
function pushingOf({ session }: CaseContext): Pushing {
  const { subscribe, renew, unsubscribe, parsePush } = session;
  if (!subscribe || !renew || !unsubscribe || !parsePush)
    throw new Error('push is declared, but a method of it is missing');
  return {
    subscribe: subscribe.bind(session),
    renew: renew.bind(session),
    unsubscribe: unsubscribe.bind(session),
    parsePush: parsePush.bind(session),
  };
}

const subscribed =
  (run: (given: Subscribed) => Promise<void>): ConformanceCase['run'] =>
  async (context) => {
    const pushing = pushingOf(context);
    const receiver = await openReceiver();
    const request = {
      agendaId: context.harness.agendaId,
      callbackUrl: receiver.url,
      secret: randomBytes(24).toString('base64url'),
    };
    try {
      const { id, expiresAt } = await pushing.subscribe(request, context.call());
      expect(expiresAt === null || expiresAt > Date.now()).toBe(true);
      await settle(receiver);
      await run({ context, pushing, receiver, request, subscriptionId: id });
      await pushing.unsubscribe({ subscriptionId: id }, context.call());
    } finally {
      await receiver.close();
    }
  };

/** Some backends greet a new subscription with a push. */
async function settle(receiver: Receiver): Promise<void> {
  await receiver.wait(Infinity, QUIET_MS);
  receiver.forget();
}

async function firstPush({ context, receiver, request }: Subscribed): Promise<PushRequest> {
  await context.harness.remote.put({ ...context.hour(0), title: 'Privé' });
  const [push] = await receiver.wait(1, ARRIVES_MS);
  if (!push) throw new Error('no push arrived');
  return pushRequestOf(push, request.secret, context.capabilities);
}

/**
 * The same push, wrong in one way. One that carries a shared token instead of a signature says neither when it was sent
 * nor what its body was.
 */
function forgeries(push: PushRequest): PushRequest[] {
  const names = Object.keys(push.headers);
  const signed = names.some((name) => name.includes('signature'));
  const without = names
    .filter((name) => /signature|timestamp|token|-id$/.test(name))
    .map((name) => ({ ...push, headers: { ...push.headers, [name]: undefined } }));
  const bent = names
    .filter((name) => /signature|token/.test(name))
    .map((name) => ({ ...push, headers: { ...push.headers, [name]: `v1,${randomBytes(32).toString('base64')}` } }));
  const asked = Object.keys(push.query ?? {}).flatMap((name) => [
    { ...push, query: { ...push.query, [name]: undefined } },
    { ...push, query: { ...push.query, [name]: randomBytes(24).toString('base64url') } },
  ]);
  const late = [
    { ...push, now: push.now + 3_600_000 },
    { ...push, now: push.now - 3_600_000 },
    { ...push, rawBody: Buffer.alloc(0) },
  ];
  return [
    ...without,
    ...bent,
    ...asked,
    ...(signed ? late : []),
    { ...push, secret: randomBytes(24).toString('base64url') },
    { ...push, rawBody: Buffer.concat([push.rawBody, Buffer.from(' ')]) },
    { ...push, rawBody: Buffer.from('<html>') },
    { ...push, headers: {}, query: {} },
  ];
}

export const notifications: readonly ConformanceCase[] = [
  {
    name: 'a change is pushed, and the push is authenticated and names the agenda',
    unless: pushes,
    run: subscribed(async (given) => {
      const hint = given.pushing.parsePush(await firstPush(given));
      expect(hint.id).not.toBe('');
      expect([[], [given.context.harness.agendaId]]).toContainEqual(hint.agendaIds);
    }),
  },
  {
    name: 'every forged, altered or old push is refused as auth, all alike',
    unless: pushes,
    run: subscribed(async (given) => {
      const push = await firstPush(given);
      const parse = (one: PushRequest): Promise<PushHint> =>
        new Promise((resolve) => resolve(given.pushing.parsePush(one)));
      const refusals = await Promise.all(forgeries(push).map((one) => given.context.failure(parse(one))));
      expect(new Set(refusals.map(({ kind, message }) => `${kind} ${message}`)).size).toBe(1);
      expect(refusals[0]?.kind).toBe('auth');
    }),
  },
  {
    name: 'a push that is sent twice carries the same id',
    unless: both(pushes, hasFault('push-duplicate')),
    run: subscribed(async (given) => {
      await given.context.harness.fault('push-duplicate');
      await firstPush(given);
      const twins = await given.receiver.wait(2, ARRIVES_MS);
      expect(twins.length).toBeGreaterThanOrEqual(2);
      const { secret } = given.request;
      const idOf = (push: Received): string =>
        given.pushing.parsePush(pushRequestOf(push, secret, given.context.capabilities)).id;
      expect(new Set(twins.map(idOf)).size).toBe(1);
    }),
  },
  {
    name: 'a subscription is renewed, and its end may be asked for twice',
    unless: pushes,
    run: subscribed(async (given) => {
      const { context, pushing, request, subscriptionId, receiver } = given;
      const renewed = await pushing.renew({ ...request, subscriptionId }, context.call());
      expect(renewed.expiresAt === null || renewed.expiresAt > Date.now()).toBe(true);
      for (let time = 0; time < 2; time += 1) await pushing.unsubscribe({ subscriptionId: renewed.id }, context.call());
      await settle(receiver);
      await context.harness.remote.put({ ...context.hour(0), title: 'Privé' });
      expect(await receiver.wait(1, QUIET_MS)).toEqual([]);
    }),
  },
];
