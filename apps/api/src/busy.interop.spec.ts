import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Practice } from '../../../test/support/practice.js';
import { CalendarApplication } from '../../../test/support/caldav-client.js';
import { RadicaleServer } from '../../../test/support/radicale.js';
import { TestApi, type Answer, type Client } from './api.suite.js';

const HOUR = 3_600_000;
const WEEK = 7 * 24 * HOUR;
const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 10 * HOUR;
const PASSWORD = 'mot de passe';
const utc = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.000/g, '');
const iso = (at: number): string => new Date(at).toISOString();

let api: TestApi;
let radicale: RadicaleServer;
let application: CalendarApplication;
let practice: Practice;
let ask: Client;
let link: string;

beforeAll(async () => {
  radicale = await RadicaleServer.start({ martin: PASSWORD });
  const calendar = await radicale.makeCalendar('martin', 'agenda');
  application = new CalendarApplication(radicale, 'martin', calendar);
  api = await TestApi.start();
  practice = await api.practice();
  ask = await api.client(practice);
  const settings = { url: new URL(radicale.home('martin'), radicale.url).href };
  const secrets = { auth: { type: 'basic', username: 'martin', password: PASSWORD } };
  const connection = await ask('POST', '/v1/connections', {
    body: { connector: 'caldav', label: 'Cabinet', settings, secrets },
  });
  const remote = { connection: connection.json.id as string, remoteAgenda: calendar };
  const linked = await ask('POST', '/v1/links', {
    body: { agenda: practice.agenda, ...remote, disclosure: 'busy', approve: true },
  });
  expect([connection.status, linked.status]).toEqual([201, 201]);
  link = linked.json.id as string;
  const times = ['UID:garde', 'DTSTAMP:20260101T000000Z', `DTSTART:${utc(TEN)}`, `DTEND:${utc(TEN + HOUR)}`];
  const event = ['BEGIN:VEVENT', ...times, 'RRULE:FREQ=WEEKLY;COUNT=4', 'SUMMARY:Zyxwvutsrq', 'END:VEVENT'];
  const body = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Ailleurs//FR', ...event, 'END:VCALENDAR', ''].join('\r\n');
  const headers = { 'Content-Type': 'text/calendar; charset=utf-8' };
  expect((await radicale.request('martin', 'PUT', `${calendar}garde.ics`, { body, headers })).ok).toBe(true);
  await read();
}, 60_000);

afterAll(async () => {
  await api?.stop();
  await radicale?.stop();
});

const read = (): Promise<Answer> => ask('POST', `/v1/links/${link}/sync`, { headers: { prefer: 'wait=10' }, body: {} });

const base = (): string => `/v1/agendas/${practice.agenda}`;

async function busy(more = ''): Promise<Answer> {
  return ask('GET', `${base()}/busy?from=${iso(TEN - HOUR)}&to=${iso(TEN + 5 * WEEK)}${more}`);
}

interface Listed {
  readonly object: string;
  readonly start: string;
  readonly end: string;
  readonly etag: string;
}
const items = async (): Promise<Listed[]> => (await busy()).json.items as Listed[];
const starts = async (): Promise<number[]> => (await items()).map(({ start }) => (Date.parse(start) - TEN) / HOUR);

function change(one: Listed, rest: object, headers: Record<string, string | undefined> = {}): Promise<Answer> {
  const { object, start, end } = one;
  return ask('POST', `${base()}/busy-changes`, {
    headers: {
      'if-match': one.etag,
      'idempotency-key': `${start} ${JSON.stringify(rest)}`.replace(/[^!-~]/g, ''),
      prefer: 'wait=10',
      ...headers,
    },
    body: { object, start, end, ...rest },
  });
}

test('lists what his own agenda takes, page by page, and never what for', async () => {
  expect(await starts()).toEqual([0, 168, 336, 504]);
  const page = await busy('&limit=3');
  expect(page.json.items).toHaveLength(3);
  const next = await busy(`&limit=3&cursor=${page.json.nextCursor as string}`);
  expect(next.json).toMatchObject({ items: [{ start: expect.any(String) }], nextCursor: null });
  expect(page.text + next.text).not.toContain('Zyx');
});

test('moves an instance and cancels one, once however often it is asked', async () => {
  const [first, second] = await items();
  const to = { start: iso(TEN + HOUR), end: iso(TEN + 2 * HOUR) };
  const moved = await change(first!, { to });
  expect([moved.status, moved.json]).toMatchObject([201, { state: 'done', scope: 'this', reason: null }]);
  const again = await change(first!, { to });
  expect([again.status, again.json.id]).toEqual([201, moved.json.id]);
  const self = await ask('GET', (moved.json.links as { self: string }).self);
  expect([self.status, self.json]).toEqual([200, moved.json]);
  expect(await starts()).toEqual([1, 168, 336, 504]);
  // The object has changed since it was listed.
  expect([await change(second!, { to: null })]).toMatchObject([{ status: 412 }]);
  const [, fresh] = await items();
  expect((await change(fresh!, { to: null }, { 'idempotency-key': 'cancel-2' })).status).toBe(201);
  expect(await starts()).toEqual([1, 336, 504]);
});

test('ends a series, and says what it cannot do', async () => {
  const [first, second] = await items();
  const following = { scope: 'following', to: null };
  const impossible = await change(first!, following);
  expect([impossible.status, impossible.json.type]).toEqual([422, expect.stringContaining('busy-unchangeable')]);
  expect((await change(second!, following)).status).toBe(201);
  expect(await starts()).toEqual([1]);
  const [last] = await items();
  for (const [header, status] of [
    ['if-match', 428],
    ['idempotency-key', 400],
  ] as const)
    expect((await change(last!, { to: null }, { [header]: undefined })).status).toBe(status);
  expect((await change({ ...last!, object: practice.agenda }, { to: null })).status).toBe(404);
  const paused = await ask('POST', `/v1/links/${link}/pause`, { body: {} });
  expect(paused.status).toBeLessThan(300);
  const refused = await change(last!, { to: null });
  expect([refused.status, refused.json.type]).toEqual([409, expect.stringContaining('busy-read-only')]);
  expect(await application.entries()).toHaveLength(1);
});
