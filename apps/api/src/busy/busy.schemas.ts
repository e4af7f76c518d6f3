import type { BusyChangeRecord, BusyTime } from '#application';
import { versionTag } from '#platform';
import { z } from 'zod';
import { idInput, idView } from '../shared/ids.js';
import { formatInstant, instantInput, instantView } from '../shared/instants.js';
import { pageQuery, pageView } from '../shared/paging.js';

const DAY = 86_400_000;
const MAX_DAYS = 62;

const windowed = { from: instantInput, to: instantInput };

export const busyQuery = z
  .strictObject({ ...pageQuery, ...windowed })
  .refine(({ from, to }) => from < to && to - from <= MAX_DAYS * DAY, {
    path: ['to'],
    message: `must be after from, and within ${String(MAX_DAYS)} days of it`,
  });

const busyView = z
  .object({
    object: idView.meta({ description: 'What it belongs to there; of a series the same for every instance.' }),
    start: instantView,
    end: instantView,
    etag: z.string().meta({ description: 'Of the object, for `If-Match`.', examples: ['"7"'] }),
  })
  .meta({ id: 'BusyTime', description: "Time that the practitioner's own agenda takes; never what for." });

export const busyPage = pageView('BusyTimePage', busyView);

const interval = z
  .strictObject({ start: instantInput, end: instantInput })
  .refine(({ start, end }) => start < end && end - start <= DAY, {
    path: ['end'],
    message: 'must be after start, and within a day of it',
  });

export const busyChangeInput = z
  .strictObject({
    object: idInput,
    start: instantInput.meta({ description: 'Where the instance stands.' }),
    end: instantInput,
    to: interval.nullable().meta({ description: 'Where it shall stand; null cancels it.' }),
    scope: z.enum(['this', 'following']).default('this').meta({
      description: '`following`: also those after it, at the same time of their days. The series is split there.',
    }),
  })
  .refine(({ start, end }) => start < end, { path: ['end'], message: 'must be after start' })
  .meta({ id: 'BusyChangeRequest' });

/** One change on one agenda. */
export const busyChangePath = z.strictObject({ id: idInput, change: idInput });

export const busyChangeView = z
  .object({
    id: idView,
    agenda: idView,
    object: idView,
    start: instantView,
    end: instantView,
    to: z.object({ start: instantView, end: instantView }).nullable(),
    scope: z.enum(['this', 'following']),
    state: z.enum(['due', 'done', 'refused']).meta({
      description: "`due`: being carried to the practitioner's agenda. `done`: it was read there.",
    }),
    reason: z.string().nullable(),
    links: z.object({ self: z.string() }),
  })
  .meta({ id: 'BusyChange' });

export function busyChangePathOf({ agendaId, id }: Pick<BusyChangeRecord, 'agendaId' | 'id'>): string {
  return `/v1/agendas/${agendaId}/busy-changes/${id}`;
}

export function viewBusy({ objectId, version, ...when }: BusyTime, timeZone: string): z.input<typeof busyView> {
  return { object: objectId, ...viewInterval(when, timeZone), etag: versionTag(version) };
}

export function viewBusyChange(record: BusyChangeRecord, timeZone: string): z.input<typeof busyChangeView> {
  const { id, agendaId, objectId, when, to, following, state, reason } = record;
  return {
    ...{ id, agenda: agendaId, object: objectId, ...viewInterval(when, timeZone), state, reason },
    to: to === null ? null : viewInterval(to, timeZone),
    scope: following ? 'following' : 'this',
    links: { self: busyChangePathOf(record) },
  };
}

function viewInterval(
  { start, end }: { readonly start: number; readonly end: number },
  timeZone: string,
): { start: string; end: string } {
  return { start: formatInstant(start, timeZone), end: formatInstant(end, timeZone) };
}
