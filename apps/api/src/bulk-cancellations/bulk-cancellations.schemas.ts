import { MOST_AFFECTED, type Affected, type BulkRecord } from '#application';
import { z } from 'zod';
import { appointmentPath, cancellationFields, saysWhy, WHY_MISSING } from '../appointments/appointments.schemas.js';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantInput, instantView } from '../shared/instants.js';
import { alternativeView, viewAlternative } from '../slots/slots.schemas.js';

const MAX_WINDOW_DAYS = 62;

export const bulkInput = z
  .strictObject({
    agendas: z.array(idInput).min(1).max(20),
    from: instantInput,
    to: instantInput,
    ...cancellationFields,
    appointments: z
      .array(idInput)
      .max(MOST_AFFECTED)
      .optional()
      .meta({ description: 'Without it: a dry run. With it: cancels these, as the dry run has listed them.' }),
  })
  .refine(saysWhy, WHY_MISSING)
  .refine(({ from, to }) => from < to && to - from <= MAX_WINDOW_DAYS * 86_400_000, {
    path: ['to'],
    message: `must be after from, at most ${String(MAX_WINDOW_DAYS)} days`,
  })
  .meta({ id: 'NewBulkCancellation', description: 'First asked without `appointments`, to see whom it concerns.' });

const item = z.object({
  appointment: idView,
  agenda: idView,
  start: instantView,
  state: z.enum(['listed', 'due', 'cancelled', 'left']).meta({ description: '`left`: not cancelled, see `problem`.' }),
  problem: z.string().nullable(),
  alternatives: z.array(alternativeView).meta({ description: 'Of a dry run: other times after the window.' }),
  links: z.object({ appointment: z.string() }),
});

export const bulkView = z
  .object({
    id: idView.nullable(),
    state: z.enum(['dry-run', 'running', 'done']),
    progress: z.object({ total: z.int(), cancelled: z.int(), left: z.int(), due: z.int() }),
    items: z.array(item),
    links: z.object({ self: z.string().nullable(), callbackTasks: z.string() }),
  })
  .meta({ id: 'BulkCancellation' });

export type BulkView = z.input<typeof bulkView>;
type ItemView = z.input<typeof item>;

export function bulkPath(id: string): string {
  return `/v1/bulk-cancellations/${id}`;
}

const callbackTasks = '/v1/callback-tasks?state=open';

function progressOf(items: readonly ItemView[]): BulkView['progress'] {
  const count = (state: ItemView['state']): number => items.filter((one) => one.state === state).length;
  return { total: items.length, cancelled: count('cancelled'), left: count('left'), due: count('due') };
}

export function viewDryRun(affected: readonly Affected[], zones: ReadonlyMap<string, string>): BulkView {
  const items = affected.map(({ record: { id, agendaId, start }, alternatives }): ItemView => ({
    appointment: id,
    agenda: agendaId,
    start: formatInstant(start, zones.get(agendaId) ?? 'UTC'),
    state: 'listed',
    problem: null,
    alternatives: alternatives.map(viewAlternative),
    links: { appointment: appointmentPath(id) },
  }));
  return { id: null, state: 'dry-run', progress: progressOf(items), items, links: { self: null, callbackTasks } };
}

export function viewBulk(bulk: BulkRecord, zones: ReadonlyMap<string, string>): BulkView {
  const items = bulk.items.map(({ appointmentId, agendaId, start, state, problem }): ItemView => ({
    appointment: appointmentId,
    agenda: agendaId,
    start: formatInstant(start, zones.get(agendaId) ?? 'UTC'),
    state,
    problem,
    alternatives: [],
    links: { appointment: appointmentPath(appointmentId) },
  }));
  const { id, state } = bulk;
  return { id, state, progress: progressOf(items), items, links: { self: bulkPath(id), callbackTasks } };
}
