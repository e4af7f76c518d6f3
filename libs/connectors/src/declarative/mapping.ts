import { createHash } from 'node:crypto';
import type { Interval, RemoteChange, RemoteObject } from '#domain';
import type { AgendaDocument } from './parts.js';
import { at } from './paths.js';
import { timesOf, type Times } from './times.js';

const MAX_RAW = 64 * 1024;
const REFERENCE = /^[a-z0-9-]{1,64}$/;
const MINUTE_MS = 60_000;

/** An entry as the backend tells it. */
export interface Entry extends Interval {
  readonly id: string;
  /** The backend's own version; `null` where it gives none. */
  readonly version: string | null;
  readonly title: string | null;
  readonly reference: string | null;
  readonly changedAt: number | null;
  readonly free: boolean;
}

/** What an item of an answer turned out to be. */
export type Item =
  | { readonly kind: 'entry'; readonly id: string; readonly entry: Entry }
  | { readonly kind: 'gone'; readonly id: string }
  | { readonly kind: 'unreadable'; readonly id: string; readonly reason: string; readonly raw: string }
  /** It does not even say which entry it is: passing over it would make it look deleted. */
  | { readonly kind: 'nameless' };

/** An item that says which entry it is. */
export type Named = Exclude<Item, { kind: 'nameless' }>;

/** Reads entries as a document says. */
export class Mapping {
  readonly #fields: AgendaDocument['entry'];
  readonly times: Times;

  constructor({ entry, times }: Pick<AgendaDocument, 'entry' | 'times'>) {
    this.#fields = entry;
    this.times = timesOf(times);
  }

  /** `known`: the id that the answer tells beside the item. */
  item(value: unknown, known: string | null = null): Item {
    const id = idOf(at(value, this.#fields.id)) ?? known;
    if (id === null) return { kind: 'nameless' };
    const status = this.#status(value);
    if (status === 'gone') return { kind: 'gone', id };
    const when = this.#when(value);
    if ('lacking' in when) {
      const raw = (JSON.stringify(value) ?? '').slice(0, MAX_RAW);
      return { kind: 'unreadable', id, reason: `unreadable: ${when.lacking}`, raw };
    }
    return { kind: 'entry', id, entry: { id, ...when, ...this.#rest(value), free: status === 'free' } };
  }

  #status(value: unknown): 'gone' | 'free' | 'busy' {
    const { status } = this.#fields;
    if (!status) return 'busy';
    const said = at(value, status.path);
    if (status.gone?.some((one) => one === said)) return 'gone';
    return status.free?.some((one) => one === said) ? 'free' : 'busy';
  }

  #when(value: unknown): Interval | { readonly lacking: string } {
    const fields = this.#fields;
    const start = this.times.read(at(value, fields.start));
    if (start === null) return { lacking: `entry.start (${fields.start})` };
    const minutes = fields.minutes === undefined ? null : numberOf(at(value, fields.minutes));
    const end = fields.end === undefined ? null : this.times.read(at(value, fields.end));
    const last = end ?? (minutes === null ? null : start + minutes * MINUTE_MS);
    if (last === null || last <= start) return { lacking: `entry.end (${fields.end ?? fields.minutes ?? ''})` };
    return { start, end: last };
  }

  #rest(value: unknown): Pick<Entry, 'version' | 'title' | 'reference' | 'changedAt'> {
    const { version, title, reference, changedAt } = this.#fields;
    const written = reference === undefined ? undefined : at(value, reference);
    return {
      version: version === undefined ? null : textOf(at(value, version)),
      title: title === undefined ? null : textOf(at(value, title)),
      reference: typeof written === 'string' && REFERENCE.test(written) ? written : null,
      changedAt: changedAt === undefined ? null : this.times.read(at(value, changedAt)),
    };
  }
}

/** An entry as the hub sees it; busy only inside `window`, `null` = wherever it is. */
export function toRemoteObject(entry: Entry, window: Interval | null): RemoteObject {
  const { start, end } = entry;
  const inside = !entry.free && (window === null || (start < window.end && window.start < end));
  return {
    remoteId: entry.id,
    version: versionOf(entry),
    contentHash: hashOf(entry),
    reference: entry.reference,
    when: { start, end },
    recurring: false,
    busy: inside ? [{ start: Math.max(start, window?.start ?? start), end: Math.min(end, window?.end ?? end) }] : [],
    summary: entry.title,
    modifiedAt: entry.changedAt,
  };
}

/**
 * What the hub calls its version: the backend's own, or the content's hash, and the times. By the times it is known, of an
 * entry that a listing no longer shows, whether it should have been there.
 */
export function versionOf(entry: Entry): string {
  return `${entry.version ?? hashOf(entry).slice(0, 22)} ${entry.start.toString(36)}/${entry.end.toString(36)}`;
}

/** Where an object of this version stood; `null` for a version that does not tell. */
export function placeOf(version: string | null): Interval | null {
  const [, start = '', end = ''] = / ([0-9a-z]+)\/([0-9a-z]+)$/.exec(version ?? '') ?? [];
  return start === '' ? null : { start: Number.parseInt(start, 36), end: Number.parseInt(end, 36) };
}

/** A readable or unreadable item as a change; `null` for the others. */
export function toChange(item: Item, window: Interval): RemoteChange | null {
  if (item.kind === 'entry') return { kind: 'upsert', object: toRemoteObject(item.entry, window) };
  if (item.kind === 'gone') return { kind: 'removed', remoteId: item.id };
  if (item.kind === 'nameless') return null;
  return { kind: 'unreadable', remoteId: item.id, version: null, reason: item.reason, raw: item.raw };
}

function hashOf({ start, end, title, free }: Entry): string {
  return createHash('sha256')
    .update(JSON.stringify([start, end, title, free]))
    .digest('base64url');
}

/** An id that can stand in a request. */
export function idOf(value: unknown): string | null {
  const text = textOf(value);
  return text !== null && /^[^\u0000-\u001F\u007F]{1,500}$/.test(text) && text !== '.' && text !== '..' ? text : null;
}

export function textOf(value: unknown): string | null {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : null;
}
