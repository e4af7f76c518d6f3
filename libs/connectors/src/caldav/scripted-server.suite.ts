import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import type { ConnectorContext, PullItem, Session } from '#connector-sdk';
import type { RemoteChange } from '#domain';
import connector from './connector.js';

export const CALENDAR = '/cal/anne/agenda/';
export const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
export const call = { signal: new AbortController().signal };

/** A request as the scripted server saw it. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds until it comes. */
  readonly afterMs?: number;
}

/** What the server answers to a request; `reset` cuts the connection. */
export type Script = (request: Seen) => Answer | 'reset' | 'silence';

const servers: http.Server[] = [];
const sessions: Session[] = [];
let seen: Seen[] = [];
let script: Script = () => ({ status: 404 });

async function serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const asked = {
    method: request.method ?? '',
    target: request.url ?? '',
    host: request.headers.host ?? '',
    headers,
    body: Buffer.concat(chunks).toString(),
  };
  seen.push(asked);
  const answer = script(asked);
  if (answer === 'reset') request.socket.destroy();
  else if (answer !== 'silence') {
    await sleep(answer.afterMs ?? 0);
    response.writeHead(answer.status, answer.headers).end(answer.body ?? '');
  }
}

function address(index: number): string {
  const bound = servers[index]?.address();
  return `http://127.0.0.1:${String(typeof bound === 'object' && bound !== null ? bound.port : 0)}`;
}

/** The server that the sessions of a test are opened on. */
export const origin = (): string => address(0);
/** Another host, answering by the same script. */
export const elsewhere = (): string => address(1);

/** Two loopback servers for the tests of a file. */
export function useServers(): void {
  beforeAll(async () => {
    for (let count = 0; count < 2; count++) {
      const server = http.createServer((request, response) => void serve(request, response));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.push(server);
    }
  });
  afterEach(() => {
    for (const session of sessions.splice(0)) session.close();
  });
  afterAll(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
}

/** Answers every request to either server by a script from now on, and keeps what was asked. */
export function scriptServer(next: Script): Seen[] {
  script = next;
  seen = [];
  return seen;
}

export function open(
  settings: object = {},
  auth: object = { type: 'basic', username: 'anne', password: 'secret' },
  context: Partial<ConnectorContext> = {},
): Session {
  const session = connector.open(
    {
      settings: connector.config.settings.parse({ url: `${origin()}/`, ...settings }),
      secrets: connector.config.secrets.parse({ auth }),
    },
    { timeoutMs: 5000, allowPrivateNetworks: true, now: () => Date.parse('2027-01-01T00:00:00Z'), ...context },
  );
  sessions.push(session);
  return session;
}

export function multistatus(...parts: readonly string[]): Answer {
  const body = `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/">${parts.join('')}</d:multistatus>`;
  return { status: 207, headers: { 'Content-Type': 'application/xml' }, body };
}

export function found(href: string, properties: string): string {
  return `<d:response><d:href>${href}</d:href><d:propstat><d:prop>${properties}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`;
}

export function failed(href: string, status: number, condition = ''): string {
  const error = condition === '' ? '' : `<d:error><${condition}/></d:error>`;
  return `<d:response><d:href>${href}</d:href><d:status>HTTP/1.1 ${String(status)} x</d:status>${error}</d:response>`;
}

export function token(text: string): string {
  return `<d:sync-token>${text}</d:sync-token>`;
}

/** A member as sync-collection lists it. */
export function member(name: string, tag = '1'): string {
  return found(`${CALENDAR}${name}.ics`, `<d:getetag>"${tag}"</d:getetag>`);
}

/** A member with its data. */
export function withData(name: string, body: string, tag = '1'): string {
  return found(
    `${CALENDAR}${name}.ics`,
    `<d:getetag>"${tag}"</d:getetag><c:calendar-data><![CDATA[${body}]]></c:calendar-data>`,
  );
}

export function event(
  uid: string,
  lines: readonly string[] = ['DTSTART:20270607T100000Z', 'DTEND:20270607T103000Z'],
): string {
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    'DTSTAMP:20270101T000000Z',
    ...lines,
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}

/** Names (last segment without `.ics`) that a multiget asks for. */
export function wanted({ body }: Seen): string[] {
  return [...body.matchAll(/<href>([^<]*)<\/href>/g)].map(([, href = '']) =>
    href.slice(href.lastIndexOf('/') + 1).replace(/\.ics$/, ''),
  );
}

export interface Pulled {
  readonly changes: RemoteChange[];
  readonly end: Extract<PullItem, { type: 'end' }>;
}

export async function pull(
  session: Session,
  cursor: string | null,
  known: Readonly<Record<string, string | null>> = {},
): Promise<Pulled> {
  const changes: RemoteChange[] = [];
  const ends: Extract<PullItem, { type: 'end' }>[] = [];
  const request = {
    agendaId: CALENDAR,
    cursor,
    window: WINDOW,
    timeZone: 'Europe/Paris',
    known: () => Promise.resolve(new Map(Object.entries(known))),
  };
  for await (const item of session.pull(request, call)) {
    if (item.type === 'changes') changes.push(...item.changes);
    else ends.push(item);
  }
  const [end, ...more] = ends;
  if (!end || more.length > 0) throw new Error('a pull has exactly one end');
  return { changes, end };
}

/** Kind and name of each change. */
export function outline(changes: readonly RemoteChange[]): string[] {
  return changes.map((change) => {
    const id = change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
    return `${change.kind} ${id.slice(id.lastIndexOf('/') + 1).replace(/\.ics$/, '')}`;
  });
}
