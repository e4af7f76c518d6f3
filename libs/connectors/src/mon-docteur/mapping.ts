import { createHash } from 'node:crypto';
import { overlaps, type Interval, type RemoteChange, type RemoteObject } from '#domain';
import { instantOf } from './times.js';
import { fieldsOf, type Element } from './xml.js';

const NOTE = /^unisson ([a-z0-9-]{1,64})$/;
const MAX_RAW = 64 * 1024;

/** The note that carries our reference. */
export function noteOf(reference: string): string {
  return `unisson ${reference}`;
}

/** An appointment as the hub sees it; busy only inside `window`, `null` = wherever it is. `null`: it cannot be read. */
export function toRemoteObject(element: Element, timeZone: string, window: Interval | null): RemoteObject | null {
  const { id, debut, fin } = element.attributes;
  const [start, end] = [instantOf(debut, timeZone), instantOf(fin, timeZone)];
  if (id === undefined || start === null || end === null || start >= end) return null;
  const { Libelle: title = null, Note: note = '' } = fieldsOf(element);
  const version = createHash('sha256')
    .update(JSON.stringify([start, end, title, note]))
    .digest('base64url');
  const within = window ?? { start, end };
  const busy = overlaps({ start, end }, within)
    ? [{ start: Math.max(start, within.start), end: Math.min(end, within.end) }]
    : [];
  return {
    ...{ remoteId: id, version, contentHash: version, reference: NOTE.exec(note)?.[1] ?? null },
    ...{ when: { start, end }, recurring: false, busy, summary: title, modifiedAt: null },
  };
}

/** An appointment of a dump as a change; `null` when it does not even say which one it is. */
export function toChange(element: Element, timeZone: string, window: Interval): RemoteChange | null {
  const object = toRemoteObject(element, timeZone, window);
  if (object !== null) return { kind: 'upsert', object };
  const { id } = element.attributes;
  if (id === undefined || id === '') return null;
  const raw = JSON.stringify(element).slice(0, MAX_RAW);
  const version = createHash('sha256').update(raw).digest('base64url');
  return { kind: 'unreadable', remoteId: id, version, reason: 'unreadable: debut, fin', raw };
}
