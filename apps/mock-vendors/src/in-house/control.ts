import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { faultInput, type Faults } from '../core/faults.js';
import { parsed } from '../core/refusal.js';
import type { RequestLog } from '../core/request-log.js';
import { agendaSeed, newEntry } from './model.js';
import type { AgendaStore } from './store.js';

const PRACTITIONER = { author: 'practitioner' } as const;

const resetInput = z.strictObject({ seed: z.int().default(1) }).default({ seed: 1 });
const seedInput = z.strictObject({ agendas: z.array(agendaSeed) });
const faultsInput = z.strictObject({ faults: z.array(faultInput) });
const expireInput = z.strictObject({ agendaId: z.string().optional() }).default({});

const target = { agendaId: z.string(), id: z.string(), force: z.boolean().default(true) };
/** What the practitioner does at his own screen. He may overlap: it is his agenda. */
export const editInput = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('create'),
    agendaId: z.string(),
    entry: newEntry,
    force: z.boolean().default(true),
  }),
  z.strictObject({ action: z.literal('move'), ...target, start: z.int(), end: z.int() }),
  z.strictObject({ action: z.literal('retitle'), ...target, title: z.string().max(500) }),
  z.strictObject({ action: z.literal('delete'), ...target }),
]);

export type Edit = z.output<typeof editInput>;

/** Carries out one edit as the practitioner; answers the entry as it stands, `null` when it is gone. */
export function practitionerEdit(store: AgendaStore, edit: Edit): object | null {
  const writer = { ...PRACTITIONER, force: edit.force };
  const { id: agendaId } = store.agenda(edit.agendaId);
  if (edit.action === 'create') return store.create(agendaId, edit.entry, writer).entry;
  const entry = store.entry(agendaId, edit.id);
  if (edit.action === 'move') return store.update(entry, { start: edit.start, end: edit.end }, null, writer);
  if (edit.action === 'retitle') return store.update(entry, { title: edit.title }, null, writer);
  store.remove(entry, null, writer);
  return null;
}

/** What tests and demonstrations steer the simulator with. */
export function registerControl(
  scope: FastifyInstance,
  parts: { store: AgendaStore; faults: Faults; log: RequestLog },
): void {
  const { store, faults, log } = parts;

  scope.post('/reset', (request) => {
    faults.clear();
    faults.seed(parsed(resetInput, request.body ?? undefined).seed);
    store.reset();
    log.clear();
    return { ok: true };
  });

  scope.post('/seed', (request) => {
    const { agendas } = parsed(seedInput, request.body);
    const before = new Set(store.agendas().map(({ id }) => id));
    for (const { entries, ...agenda } of agendas) {
      store.putAgenda(agenda);
      // Seeding twice must not double the entries of an agenda that is already there.
      for (const entry of before.has(agenda.id) ? [] : entries)
        store.create(agenda.id, entry, { ...PRACTITIONER, force: true });
    }
    return { agendas: agendas.map(({ id }) => id) };
  });

  scope.get('/dump', () => {
    const { agendas, entries, subscriptions, seq } = store.snapshot();
    return {
      seq,
      agendas: agendas.map(({ id, name, zone }) => ({ id, name, zone })),
      entries,
      subscriptions: subscriptions.map(({ id, agendaId, url, expiresAt }) => ({ id, agendaId, url, expiresAt })),
    };
  });

  scope.post('/edit', (request) => ({ entry: practitionerEdit(store, parsed(editInput, request.body)) }));

  scope.post('/expire-cursors', (request) => {
    const { agendaId } = parsed(expireInput, request.body ?? undefined);
    for (const agenda of agendaId === undefined ? store.agendas() : [store.agenda(agendaId)])
      store.expireCursors(agenda.id);
    return { ok: true };
  });

  registerFaults(scope, faults);
  registerRequests(scope, log);
}

function registerFaults(scope: FastifyInstance, faults: Faults): void {
  scope.get('/faults', () => ({ faults: faults.list() }));
  scope.post('/faults', (request) => {
    for (const fault of parsed(faultsInput, request.body).faults) faults.add(fault);
    return { faults: faults.list() };
  });
  scope.delete('/faults', () => {
    faults.clear();
    return { faults: [] };
  });
}

function registerRequests(scope: FastifyInstance, log: RequestLog): void {
  scope.get('/requests', () => log.read());
  scope.delete('/requests', () => {
    log.clear();
    return { ok: true };
  });
}
