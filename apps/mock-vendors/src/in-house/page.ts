import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parsed } from '../core/refusal.js';
import { dateOf, instantOf, layDay, timeOf } from './day.js';
import type { Entry } from './model.js';
import { SCRIPT, STYLE } from './page-assets.js';
import { renderDay, renderEmpty, renderPage, type PageView } from './page-html.js';
import type { AgendaStore } from './store.js';

const date = z.iso.date();
const query = z.object({
  agenda: z.string().optional(),
  date: date.optional().catch(undefined),
  lang: z.enum(['fr', 'en']).catch('fr'),
  fragment: z.string().optional(),
});

const place = {
  date,
  time: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  minutes: z.int().min(1).max(1440),
  title: z.string().max(500),
};
const target = { id: z.string(), version: z.int() };
const common = { agendaId: z.string(), force: z.boolean().default(false) };
const formInput = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('create'), ...common, ...place }),
  z.strictObject({ action: z.literal('change'), ...common, ...target, ...place }),
  z.strictObject({ action: z.literal('delete'), ...common, ...target }),
]);

/** The practitioner's own screen. */
export function registerPage(scope: FastifyInstance, store: AgendaStore, now: () => number): void {
  scope.addHook('onSend', (_request, reply, payload, done) => {
    reply.header(
      'content-security-policy',
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    );
    reply.header('cache-control', 'no-store');
    done(null, payload);
  });

  scope.get('/', (request, reply) => {
    const asked = parsed(query, request.query);
    const agendas = store.agendas();
    const agenda = agendas.find(({ id }) => id === asked.agenda) ?? agendas[0];
    reply.type('text/html; charset=utf-8');
    if (!agenda) return reply.send(renderEmpty(asked.lang));
    const day = layDay(asked.date ?? dateOf(now(), agenda.zone), agenda.zone, store.live(agenda.id));
    const view: PageView = { language: asked.lang, agendas, agenda, day };
    return reply.send(asked.fragment === undefined ? renderPage(view) : renderDay(view));
  });
  scope.get('/page.css', (_request, reply) => reply.type('text/css').send(STYLE));
  scope.get('/page.js', (_request, reply) => reply.type('text/javascript').send(SCRIPT));

  scope.post('/page/edit', (request) => {
    const input = parsed(formInput, request.body);
    const { id: agendaId, zone } = store.agenda(input.agendaId);
    const writer = { author: 'practitioner', force: input.force } as const;
    if (input.action === 'create') {
      const start = instantOf(input.date, input.time, zone);
      const created = store.create(
        agendaId,
        { start, end: start + input.minutes * 60_000, title: input.title, reference: null },
        writer,
      );
      return { id: created.entry.id };
    }
    const entry = store.entry(agendaId, input.id);
    if (input.action === 'delete') store.remove(entry, input.version, writer);
    else {
      const start = startOf(entry, input, zone);
      store.update(entry, { start, end: start + input.minutes * 60_000, title: input.title }, input.version, writer);
    }
    return { id: entry.id };
  });
}

/** Keeps the instant when the wall-clock time was left as it is: in the hour that occurs twice, two instants look alike. */
function startOf(entry: Entry, input: { readonly date: string; readonly time: string }, zone: string): number {
  const same = input.date === dateOf(entry.start, zone) && input.time === timeOf(entry.start, zone);
  return same ? entry.start : instantOf(input.date, input.time, zone);
}
