import { z } from 'zod';
import { shown, tombstone, type Role, type StoredEvent } from './events.js';
import { bound, instantOf } from './moments.js';
import { ApiRefusal } from './refusal.js';
import type { Calendar, CalendarStore } from './store.js';

const MAX_PAGE = 2500;
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const text = z.string().optional();

export const listQuery = z.object({
  timeMin: text,
  timeMax: text,
  updatedMin: text,
  q: text,
  iCalUID: text,
  privateExtendedProperty: text,
  sharedExtendedProperty: text,
  orderBy: z.enum(['startTime', 'updated']).optional(),
  singleEvents: flag.default(false),
  showDeleted: flag.optional(),
  maxResults: z.coerce.number().int().min(1).default(250),
  maxAttendees: text,
  eventTypes: text,
  pageToken: text,
  syncToken: text,
});
export type ListQuery = z.output<typeof listQuery>;

/** Refused beside a sync token (discovery document, `events.list`). */
const NOT_WITH_TOKEN = [
  ...(['timeMin', 'timeMax', 'updatedMin', 'q', 'iCalUID', 'orderBy'] as const),
  ...(['privateExtendedProperty', 'sharedExtendedProperty'] as const),
];
/** With these no token is given at the end. */
const NO_TOKEN = [
  'updatedMin',
  'q',
  'iCalUID',
  'orderBy',
  'privateExtendedProperty',
  'sharedExtendedProperty',
] as const;

const token = z.object({
  kind: z.enum(['page', 'sync']),
  calendarId: z.string(),
  /** The log's state when the listing began: what changes while it is paged comes with the next delta. */
  seq: z.number(),
  /** A delta: since when. */
  since: z.number().nullable(),
  /** Last id of the page before. */
  after: z.string(),
  /** The parameters it was given for. */
  parameters: z.string(),
});
type Token = z.output<typeof token>;

export interface ListParts {
  readonly store: CalendarStore;
  /** Sync tokens of an earlier state than this are refused. */
  readonly oldest: (calendarId: string) => number;
  /** Number of items of this page, at most what was asked for. */
  readonly pageSize: (asked: number) => number;
}

/** One page of `events.list`. */
export function listEvents(
  { store, oldest, pageSize }: ListParts,
  { calendar, role }: { calendar: Calendar; role: Role },
  query: ListQuery,
): object {
  const asked = role === 'freeBusyReader' ? { ...query, singleEvents: true } : query;
  const { since, page } = started(calendar, asked, oldest);
  const seq = page?.seq ?? store.seq();
  const all = since === null ? window(store, calendar, role, asked) : delta(store, calendar, role, { asked, since });
  const left = following(all, page);
  const items = left.slice(0, pageSize(Math.min(asked.maxResults, MAX_PAGE)));
  const base = { calendarId: calendar.id, seq, parameters: parametersOf(asked) };
  const next = left.length > items.length ? { ...base, since, after: items.at(-1)?.id ?? '' } : null;
  const { summary, timeZone } = calendar;
  return {
    kind: 'calendar#events',
    etag: `"${String(seq)}"`,
    summary,
    timeZone,
    accessRole: role,
    items: items.map(({ item }) => item),
    ...(next === null ? syncToken(asked, base) : { nextPageToken: write({ ...next, kind: 'page' }) }),
  };
}

/** Where a delta begins, and where the page before ended. */
function started(
  calendar: Calendar,
  asked: ListQuery,
  oldest: ListParts['oldest'],
): { since: number | null; page: Token | null } {
  if (asked.orderBy === 'startTime' && !asked.singleEvents) throw new ApiRefusal(400, 'invalid');
  const since = asked.syncToken === undefined ? null : sinceOf(asked, calendar, oldest(calendar.id));
  const page = asked.pageToken === undefined ? null : read(asked.pageToken, 'page', calendar, asked);
  if (page !== null && page.since !== since) throw new ApiRefusal(400, 'invalid');
  return { since, page };
}

function following(all: readonly Item[], page: Token | null): Item[] {
  return all.filter(({ id }) => page === null || id > page.after).sort((a, b) => (a.id < b.id ? -1 : 1));
}

function syncToken(asked: ListQuery, base: Pick<Token, 'calendarId' | 'seq' | 'parameters'>): object {
  if (NO_TOKEN.some((name) => asked[name] !== undefined)) return {};
  return { nextSyncToken: write({ ...base, kind: 'sync', since: null, after: '' }) };
}

interface Item {
  readonly id: string;
  readonly item: object;
}

/** Everything in the range: ends after `timeMin` and starts before `timeMax`, both exclusive. */
function window(store: CalendarStore, calendar: Calendar, role: Role, asked: ListQuery): Item[] {
  const min = asked.timeMin === undefined ? -Infinity : bound(asked.timeMin);
  const max = asked.timeMax === undefined ? Infinity : bound(asked.timeMax);
  if (min >= max) throw new ApiRefusal(400, 'timeRangeEmpty');
  const zone = calendar.timeZone;
  const inside = ({ start, end }: StoredEvent): boolean => {
    const [from, to] = [instantOf(start, zone), instantOf(end, zone)];
    return from < max && (to > min || (from === to && from > min));
  };
  return store
    .stored(calendar.id)
    .filter(({ status }) => status !== 'cancelled')
    .flatMap((event) =>
      asked.singleEvents && event.recurrence !== null ? store.expanded(calendar, event, max) : [event],
    )
    .filter((event) => event.recurrence !== null || inside(event))
    .filter((event) => found(event, asked))
    .map((event) => ({ id: event.id, item: shown(event, role) }));
}

function found({ details }: StoredEvent, { privateExtendedProperty, q }: ListQuery): boolean {
  const [key = '', value] = privateExtendedProperty?.split('=') ?? [];
  if (privateExtendedProperty !== undefined && details.extendedProperties?.private?.[key] !== value) return false;
  return q === undefined || (details.summary ?? '').includes(q);
}

/** What changed, wherever it is; the first window does not bind it. */
function delta(
  store: CalendarStore,
  calendar: Calendar,
  role: Role,
  { asked, since }: { asked: ListQuery; since: number },
): Item[] {
  const items = new Map<string, object>();
  for (const { id, seq } of store.vanished(calendar.id, since)) items.set(id, tombstone(id, seq));
  for (const event of store.stored(calendar.id)) {
    if (event.seq <= since) continue;
    if (event.status === 'cancelled') items.set(event.id, tombstone(event.id, event.seq));
    else if (asked.singleEvents && event.recurrence !== null)
      for (const instance of store.expanded(calendar, event)) items.set(instance.id, shown(instance, role));
    else items.set(event.id, shown(event, role));
  }
  return [...items].map(([id, item]) => ({ id, item }));
}

function sinceOf(asked: ListQuery, calendar: Calendar, oldest: number): number {
  if (NOT_WITH_TOKEN.some((name) => asked[name] !== undefined) || asked.showDeleted === false)
    throw new ApiRefusal(400, 'badRequest');
  const { seq } = read(asked.syncToken ?? '', 'sync', calendar, asked);
  if (seq < oldest) throw new ApiRefusal(410, 'fullSyncRequired');
  return seq;
}

/** Other parameters than the first time lead to undefined behaviour there, and to a refusal here. */
function parametersOf({ singleEvents, maxResults, maxAttendees, eventTypes }: ListQuery): string {
  return JSON.stringify([singleEvents, maxResults, maxAttendees, eventTypes]);
}

function write(content: Token): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

function read(given: string, kind: Token['kind'], calendar: Calendar, asked: ListQuery): Token {
  let content: unknown = null;
  try {
    content = JSON.parse(Buffer.from(given, 'base64url').toString('utf8'));
  } catch {
    // Refused below.
  }
  const known = token.safeParse(content);
  if (!known.success || known.data.kind !== kind || known.data.calendarId !== calendar.id)
    throw new ApiRefusal(400, 'invalid');
  if (known.data.parameters !== parametersOf(asked)) throw new ApiRefusal(400, 'invalid');
  return known.data;
}
