import { detached } from '#icalendar';

/** Characters that a path segment keeps as they are (RFC 3986 3.3, without `+`, which some servers read as a space). */
const KEPT = /[^A-Za-z0-9\-._~!$&'()*,;=:@]/g;

function percent(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function segment(text: string): string {
  if (/^[A-Za-z0-9\-._~]*$/.test(text)) return text;
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    return text;
  }
  return decoded.replace(/[\uD800-\uDBFF][\uDC00-\uDFFF]|[^]/g, (character) => character.replace(KEPT, percent));
}

/** One spelling for all percent-encodings of a path: servers use lower-case hex, `%40` for `@`, or none at all. */
export function normalPath(path: string): string {
  return path.split('/').map(segment).join('/');
}

/**
 * Path of an href that a server sent: relative or absolute path, or URL. A relative one is resolved against the
 * collection, not taken for a URL when it has a colon in it (`a:b.ics`). `null` when it is empty or names another host.
 */
export function pathOf(href: string, base: URL): string | null {
  if (href === '') return null;
  if (/^https?:\/\//i.test(href)) {
    const url = URL.canParse(href) ? new URL(href) : null;
    return url && url.hostname === base.hostname ? normalPath(url.pathname) : null;
  }
  const path = href.split(/[?#]/)[0] ?? '';
  if (path.startsWith('//')) return null;
  if (path.startsWith('/')) return normalPath(path);
  const folder = base.pathname.slice(0, base.pathname.lastIndexOf('/') + 1);
  return normalPath(folder + path);
}

export function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

/** Entity tag without the mark of weakness: proxies that compress put it there, and If-Match never matches it. */
export function normalTag(tag: string | null | undefined): string | null {
  const text = tag?.trim().replace(/^W\//, '') ?? '';
  return text === '' ? null : detached(text);
}
