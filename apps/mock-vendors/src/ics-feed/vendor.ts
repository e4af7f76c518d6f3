import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { installFaults } from '../core/fault-hooks.js';
import { faultInput, Faults } from '../core/faults.js';
import { onlyLoopback } from '../core/loopback.js';
import { parsed } from '../core/refusal.js';
import { RequestLog } from '../core/request-log.js';
import type { Vendor, VendorContext } from '../vendor.js';
import { editInput, Feeds, feedSeed } from './feeds.js';

const seedInput = z.strictObject({ feeds: z.array(feedSeed) });
const faultsInput = z.strictObject({ faults: z.array(faultInput) });

/** Published `.ics` addresses, as agenda tools without any API offer them. */
export const icsFeed: Vendor = {
  name: 'ics-feed',
  register(scope: FastifyInstance, { now }: VendorContext): void {
    const feeds = new Feeds(now);
    const faults = new Faults();
    const log = new RequestLog();
    scope.register(
      (api, _options, done) => {
        log.watch(api);
        installFaults(api, faults);
        registerFeeds(api, feeds);
        done();
      },
      { prefix: '/feeds' },
    );
    scope.register(
      (control, _options, done) => {
        onlyLoopback(control);
        registerControl(control, { feeds, faults, log });
        done();
      },
      { prefix: '/__control' },
    );
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

function registerControl(scope: FastifyInstance, parts: { feeds: Feeds; faults: Faults; log: RequestLog }): void {
  const { feeds, faults, log } = parts;
  scope.post('/reset', () => {
    faults.clear();
    feeds.reset();
    log.clear();
    return { ok: true };
  });
  scope.post('/seed', (request) => {
    for (const feed of parsed(seedInput, request.body).feeds) feeds.put(feed);
    return { ok: true };
  });
  scope.post('/edit', (request) => ({ event: feeds.edit(parsed(editInput, request.body)) }));
  scope.get<{ Params: { id: string } }>('/dump/:id', (request) => ({ events: feeds.events(request.params.id) }));
  scope.post('/faults', (request) => {
    for (const fault of parsed(faultsInput, request.body).faults) faults.add(fault);
    return { faults: faults.list() };
  });
  scope.delete('/faults', () => {
    faults.clear();
    return { faults: [] };
  });
  scope.get('/requests', () => log.read());
}
