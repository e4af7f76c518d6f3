import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SimulatorClock } from './clock.js';
import type { Diary, DiaryEntry } from './diary.js';
import { parsed, Refusal } from './refusal.js';
import { SCRIPT, STYLE } from './week-page/assets.js';
import { dateOf, instantOf, layWeek, timeOf } from './week-page/day.js';
import { renderEmpty, renderPage, renderWeek, type PageView } from './week-page/html.js';

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
const target = { id: z.string(), version: z.int().optional() };
const common = { agendaId: z.string(), force: z.boolean().default(false) };
const formInput = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('create'), ...common, ...place }),
  z.strictObject({ action: z.literal('change'), ...common, ...target, ...place }),
  z.strictObject({ action: z.literal('delete'), ...common, ...target }),
]);

/** The practitioner's own screen: his week, in his agenda's zone, and a form to change it. */
export function registerWeekPage(
  scope: FastifyInstance,
  { diary, title, clock }: { diary: Diary; title: string; clock: SimulatorClock },
): void {
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
    const agendas = diary.agendas();
    const agenda = agendas.find(({ id }) => id === asked.agenda) ?? agendas[0];
    reply.type('text/html; charset=utf-8');
    const frame = { language: asked.lang, title, base: scope.prefix };
    if (!agenda) return reply.send(renderEmpty(frame));
    const day = asked.date ?? dateOf(clock.now(), agenda.zone);
    const week = layWeek(day, agenda.zone, diary.entries(agenda.id));
    const view: PageView = { ...frame, agendas, agenda, week };
    return reply.send(asked.fragment === undefined ? renderPage(view) : renderWeek(view));
  });
  scope.get('/page.css', (_request, reply) => reply.type('text/css').send(STYLE));
  scope.get('/page.js', (_request, reply) => reply.type('text/javascript').send(SCRIPT));
  scope.post('/page/edit', (request) => submit(diary, parsed(formInput, request.body)));
}

function submit(diary: Diary, input: z.output<typeof formInput>): { id: string } {
  const { agendaId, force } = input;
  const agenda = diary.agendas().find(({ id }) => id === agendaId);
  if (!agenda) throw new Refusal(404, 'agenda_unknown');
  if (input.action === 'create') {
    const start = instantOf(input.date, input.time, agenda.zone);
    const { id } = diary.put('practitioner', agendaId, { ...lasting(start, input.minutes), title: input.title, force });
    return { id };
  }
  const entry = diary.entries(agendaId).find(({ id }) => id === input.id);
  if (!entry) throw new Refusal(404, 'entry_unknown');
  if (input.version !== undefined && input.version !== entry.version) throw new Refusal(412, 'version_mismatch');
  if (input.action === 'delete') diary.remove('practitioner', agendaId, entry.id);
  else {
    const when = lasting(startOf(entry, input, agenda.zone), input.minutes);
    diary.move('practitioner', agendaId, entry.id, { ...when, title: input.title, force });
  }
  return { id: entry.id };
}

function lasting(start: number, minutes: number): { start: number; end: number } {
  return { start, end: start + minutes * 60_000 };
}

/** Keeps the instant when the wall-clock time was left as it is: in the hour that occurs twice, two instants look alike. */
function startOf(entry: DiaryEntry, input: { readonly date: string; readonly time: string }, zone: string): number {
  const same = input.date === dateOf(entry.start, zone) && input.time === timeOf(entry.start, zone);
  return same ? entry.start : instantOf(input.date, input.time, zone);
}
