import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SimulatorClock } from './clock.js';
import type { Diary, DiaryEntry } from './diary.js';
import { faultInput, type Faults } from './faults.js';
import { parsed } from './refusal.js';
import type { RequestLog } from './request-log.js';

/** `POST /__control/<name>`; parses its body itself. */
export type ControlAction = (body: unknown) => unknown;

/** What can go wrong, and where: `others` holds faults of routes that the usual ones leave alone (a token endpoint). */
export interface FaultParts {
  readonly faults: Faults;
  /** By the exact `route` of a fault. */
  readonly others?: Readonly<Record<string, Faults>>;
}

/** What tests and demonstrations steer a simulator with. */
export interface ControlParts extends FaultParts {
  readonly diary: Diary;
  readonly log: RequestLog;
  readonly clock: SimulatorClock;
  /** The vendor's own: rotate agenda ids, ban an address, expire cursors. */
  readonly actions?: Readonly<Record<string, ControlAction>>;
  /** What else a reset ends, beyond diary, faults, log and clock. */
  readonly onReset?: () => void;
}

const OK = { ok: true };
const resetInput = z.strictObject({ seed: z.int().default(1) }).default({ seed: 1 });
const faultsInput = z.strictObject({ faults: z.array(faultInput) });
const clockInput = z.strictObject({ advanceMs: z.int() });

const common = {
  agendaId: z.string(),
  by: z.enum(['practitioner', 'patient']).default('practitioner'),
  /** Left out: the practitioner insists, a patient cannot. */
  force: z.boolean().optional(),
};
const MAX_MS = 8_640_000_000_000_000;
const instant = z.int().min(0).max(MAX_MS);
const title = z.string().max(500);
const editInput = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('create'),
    ...common,
    entry: z.looseObject({ start: instant, end: instant, title }),
  }),
  z.strictObject({ action: z.literal('move'), ...common, id: z.string(), start: instant, end: instant }),
  z.strictObject({ action: z.literal('retitle'), ...common, id: z.string(), title }),
  z.strictObject({ action: z.literal('delete'), ...common, id: z.string() }),
]);

/** The same for every vendor; what it understands is in the README of this folder. */
export function registerControl(scope: FastifyInstance, parts: ControlParts): void {
  const { diary, log, clock, actions = {} } = parts;
  scope.post('/reset', (request) => {
    const { seed } = parsed(resetInput, request.body ?? undefined);
    for (const faults of allFaults(parts)) {
      faults.clear();
      faults.seed(seed);
    }
    diary.reset();
    parts.onReset?.();
    log.clear();
    clock.reset();
    return OK;
  });
  scope.post('/seed', (request) => {
    diary.seed(request.body);
    return { agendas: diary.agendas().map(({ id }) => id) };
  });
  scope.get('/dump', () => diary.dump());
  scope.post('/edit', (request) => ({ entry: edit(diary, parsed(editInput, request.body)) }));
  for (const [name, action] of Object.entries(actions))
    scope.post(`/${name}`, async (request) => (await action(request.body ?? undefined)) ?? OK);
  registerFaultControl(scope, parts);
  registerRequestControl(scope, log);
  registerClockControl(scope, clock);
}

/** Carries out one edit; answers the entry as it stands, `null` when it is gone. */
function edit(diary: Diary, input: z.output<typeof editInput>): DiaryEntry | null {
  const { action, agendaId, by, force = by === 'practitioner' } = input;
  if (action === 'create') return diary.put(by, agendaId, { ...input.entry, force });
  if (action === 'move') return diary.move(by, agendaId, input.id, { start: input.start, end: input.end, force });
  if (action === 'retitle') return diary.move(by, agendaId, input.id, { title: input.title, force });
  diary.remove(by, agendaId, input.id);
  return null;
}

/** `GET`, `POST` and `DELETE faults`. */
export function registerFaultControl(scope: FastifyInstance, parts: FaultParts & { onClear?: () => void }): void {
  const list = (): object => ({ faults: allFaults(parts).flatMap((faults) => faults.list()) });
  scope.get('/faults', list);
  scope.post('/faults', (request) => {
    for (const fault of parsed(faultsInput, request.body).faults)
      (parts.others?.[fault.route ?? ''] ?? parts.faults).add(fault);
    return list();
  });
  scope.delete('/faults', () => {
    for (const faults of allFaults(parts)) faults.clear();
    parts.onClear?.();
    return { faults: [] };
  });
}

/** `GET` and `DELETE requests`. */
export function registerRequestControl(scope: FastifyInstance, log: RequestLog): void {
  scope.get('/requests', () => log.read());
  scope.delete('/requests', () => {
    log.clear();
    return OK;
  });
}

/** `POST clock {advanceMs}`. */
export function registerClockControl(scope: FastifyInstance, clock: SimulatorClock): void {
  scope.post('/clock', (request) => {
    clock.advance(parsed(clockInput, request.body).advanceMs);
    return { now: clock.now() };
  });
}

function allFaults({ faults, others = {} }: FaultParts): readonly Faults[] {
  return [faults, ...Object.values(others)];
}
