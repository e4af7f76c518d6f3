import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SimulatorClock } from '../core/clock.js';
import { Faults } from '../core/faults.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import { registerSimulator } from '../core/simulator.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { Feeds } from './feeds.js';

const spoilInput = z.strictObject({ agendaId: z.string() });
const fileInput = z.strictObject({ agendaId: z.string(), text: z.string() });

/** Published `.ics` addresses, as agenda tools without any API offer them. */
export const icsFeed: Vendor = {
  name: 'ics-feed',
  register(scope: FastifyInstance, context: VendorContext): void {
    const clock = new SimulatorClock(context.now);
    const feeds = new Feeds(clock.now);
    registerSimulator(scope, {
      diary: feeds,
      title: 'Agenda publié',
      clock,
      faults: new Faults(),
      log: new RequestLog(),
      actions: {
        spoil: (body) => ({ entry: feeds.spoil(parsed(spoilInput, body).agendaId) }),
        file: (body) => {
          const { agendaId, text } = parsed(fileInput, body);
          feeds.replace(agendaId, text);
        },
      },
      apis: [
        {
          prefix: '/feeds',
          register: (api) => {
            registerFeeds(api, feeds);
          },
        },
      ],
    });
  },
};

function registerFeeds(scope: FastifyInstance, feeds: Feeds): void {
  scope.get<{ Params: { name: string } }>('/:name', (request, reply) => {
    const id = request.params.name.replace(/\.ics$/, '');
    const { login } = feeds.feed(id);
    if (login && !isAllowed(request, login)) {
      return reply.code(401).header('www-authenticate', 'Basic realm="feed"').send('');
    }
    const { text, etag, changedAt } = feeds.serve(id);
    void reply.headers({ etag, 'last-modified': new Date(changedAt).toUTCString(), 'cache-control': 'private' });
    if (isUnchanged(request, etag)) return reply.code(304).send();
    return sendText(reply, text);
  });
}

function sendText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('text/calendar; charset=utf-8').send(text);
}

function isUnchanged({ headers }: FastifyRequest, etag: string): boolean {
  return headers['if-none-match'] === etag;
}

function isAllowed({ headers }: FastifyRequest, login: { username: string; password: string }): boolean {
  const expected = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  return headers.authorization === `Basic ${expected}`;
}
