import { childOf, parseXml, XmlError, type XmlElement } from './xml.js';

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

/** Reads a 207 body. Throws {@link XmlError}, also for a document that is something else. */
export async function readMultistatus(body: string): Promise<Multistatus> {
  const responses: DavResponse[] = [];
  const syncToken = await readResponses(body, (response) => responses.push(response));
  return { responses, syncToken };
}

/** Hands out each response as soon as it is read, and returns the sync token. Throws {@link XmlError} at any point. */
export async function readResponses(body: string, onResponse: (response: DavResponse) => void): Promise<string | null> {
  let syncToken: string | null = null;
  const root = await parseXml(body, (child) => {
    if (child.name === dav('response')) response(child).forEach(onResponse);
    else if (child.name === dav('sync-token')) syncToken = child.text.trim() || null;
  });
  if (root !== dav('multistatus')) throw new XmlError('the answer is not a multistatus');
  return syncToken;
}

/** Names of the preconditions in an error body (RFC 4918 16); empty when the body is no such thing. */
export async function readConditions(body: string): Promise<readonly string[]> {
  if (!body.includes('<') || body.length > 64 * 1024) return [];
  const found: string[] = [];
  try {
    const root = await parseXml(body, ({ name }) => found.push(name));
    return root === dav('error') ? found : [];
  } catch {
    return [];
  }
}
