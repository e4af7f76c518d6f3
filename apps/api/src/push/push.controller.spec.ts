import { expect, it } from '@jest/globals';
import type { Subscriptions } from '#application';
import { PushController } from './push.controller.js';

const PATH = { organizationId: '0190a0c2-0000-7000-8000-000000000001', linkId: '0190a0c2-0000-7000-8000-000000000002' };

it('hands on what the callback URL was called with, each name once', async () => {
  const received: Parameters<Subscriptions['receive']>[0][] = [];
  const subscriptions: Pick<Subscriptions, 'receive'> = {
    async receive(push) {
      received.push(push);
      return 'accepted';
    },
  };
  const controller = new PushController(subscriptions as Subscriptions);
  const query = { token: 'secret', twice: ['a', 'b'] };
  await controller.receive(PATH, { 'content-type': 'application/json' }, query, Buffer.from('{}'));
  expect(received).toEqual([
    {
      ...PATH,
      headers: { 'content-type': 'application/json' },
      query: { token: 'secret', twice: undefined },
      rawBody: Buffer.from('{}'),
    },
  ]);
});
