import { childOf, CHUNK, parseXml, XmlError, type XmlElement } from './xml.js';

/** Namespaces and names of WebDAV (RFC 4918), CalDAV (RFC 4791) and what servers add to them. */
export const DAV = 'DAV:';
export const CALDAV = 'urn:ietf:params:xml:ns:caldav';
export const CALENDAR_SERVER = 'http://calendarserver.org/ns/';

export function dav(local: string): string {
  return `{${DAV}}${local}`;
}

export function caldav(local: string): string {
  return `{${CALDAV}}${local}`;
}

/** One response of a 207 answer (RFC 4918 14.24). */
export interface DavResponse {
  /** As sent by the server. */
  readonly href: string;
  /** Status of the resource itself; `null` when only its properties have one. */
  readonly status: number | null;
  /** Properties found (status 200), by `{namespace}name`; the first of doubled ones counts. */
  readonly properties: ReadonlyMap<string, XmlElement>;
  /** Names of the preconditions that failed (RFC 4918 16). */
  readonly conditions: readonly string[];
}

export interface Multistatus {
  readonly responses: readonly DavResponse[];
  /** Token of RFC 6578; `null` when the answer has none. */
  readonly syncToken: string | null;
}

function statusOf(element: XmlElement | undefined): number | null {
  const code = /^\s*HTTP\/\d(?:\.\d)?\s+(\d{3})/i.exec(element?.text ?? '')?.[1];
  return code === undefined ? null : Number(code);
}

function conditionsOf(element: XmlElement | undefined): string[] {
  return element?.children.map(({ name }) => name) ?? [];
}

function response(element: XmlElement): DavResponse[] {
  const properties = new Map<string, XmlElement>();
  const statuses: number[] = [];
  const conditions = conditionsOf(childOf(element, dav('error')));
  for (const propstat of element.children.filter(({ name }) => name === dav('propstat'))) {
    const status = statusOf(childOf(propstat, dav('status'))) ?? 200;
    statuses.push(status);
    conditions.push(...conditionsOf(childOf(propstat, dav('error'))));
    if (status !== 200) continue;
    for (const property of childOf(propstat, dav('prop'))?.children ?? []) {
      if (!properties.has(property.name)) properties.set(property.name, property);
    }
  }
  const status = statusOf(childOf(element, dav('status')));
  return element.children
    .filter(({ name }) => name === dav('href'))
    .map(({ text }) => ({ href: text.trim(), status, properties, conditions }));
}

/** One piece of a 207 body. */
export interface MultistatusPart {
  readonly responses: readonly DavResponse[];
  /** Where the piece holds it. */
  readonly syncToken: string | null;
}

/** Reads a 207 body piece by piece. Throws {@link XmlError} at any point, also for a document that is something else. */
export function* multistatusParts(body: string | Uint8Array): Generator<MultistatusPart> {
  const elements = parseXml(body);
  for (;;) {
    const piece = elements.next();
    if (piece.done === true) {
      if (piece.value !== dav('multistatus')) throw new XmlError('the answer is not a multistatus');
      return;
    }
    const responses: DavResponse[] = [];
    let syncToken: string | null = null;
    for (const element of piece.value) {
      if (element.name === dav('response')) responses.push(...response(element));
      else if (element.name === dav('sync-token')) syncToken = element.text.trim() || null;
    }
    yield { responses, syncToken };
  }
}

/** Names of the preconditions in an error body (RFC 4918 16); empty when the body is no such thing. */
export function readConditions(body: string): readonly string[] {
  if (!body.includes('<') || body.length > CHUNK) return [];
  try {
    const elements = parseXml(body);
    const found: string[] = [];
    for (;;) {
      const piece = elements.next();
      if (piece.done === true) return piece.value === dav('error') ? found : [];
      found.push(...piece.value.map(({ name }) => name));
    }
  } catch {
    return [];
  }
}
