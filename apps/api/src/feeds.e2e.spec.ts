import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import ICAL from 'ical.js';
import { issueFeedToken } from '#platform';
import { at, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Client } from './api.suite.js';

const PUBLIC_URL = 'https://agenda.example';
const patient = { lastName: 'Zyxwvutsrq', firstName: 'Qwertzuiop', phone: '0639981234' };

let api: TestApi;
let practice: Practice;
let ask: Client;
let appointment: string;

beforeAll(async () => {
  api = await TestApi.start({ PUBLIC_URL });
  practice = await api.practice();
  ask = await api.client(practice);
  const booked = await ask('POST', '/v1/appointments', {
    body: { agenda: practice.agenda, motif: practice.motif, start: at('09:00'), patient },
  });
  appointment = booked.json.id as string;
  await ask('POST', '/v1/holds', { body: { agenda: practice.agenda, motif: practice.motif, start: at('11:00') } });
});

afterAll(() => api.stop());

interface Made {
  readonly id: string;
  /** Path of the address. */
  readonly path: string;
}

async function publish(body: object): Promise<Made> {
  const made = await ask('POST', `/v1/agendas/${practice.agenda}/feeds`, { body: { label: 'Téléphone', ...body } });
  expect(made.status).toBe(201);
  const url = made.json.url as string;
  expect(url.startsWith(`${PUBLIC_URL}/feeds/`)).toBe(true);
  return { id: made.json.id as string, path: url.slice(PUBLIC_URL.length) };
}

/** As a calendar application asks: no key, no accept header that matters. */
async function fetched(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; text: string }> {
  const answer = await fetch(api.url + path, { headers });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

interface Read {
  readonly uid: string;
  readonly summary: string;
  readonly start: number;
  readonly end: number;
  readonly sequence: number;
  readonly status: string;
}

/** Read by a calendar library that is not ours to bend. */
function eventsOf(text: string): Read[] {
  const calendar = new ICAL.Component(ICAL.parse(text) as unknown[]);
  for (const zone of calendar.getAllSubcomponents('vtimezone')) ICAL.TimezoneService.register(new ICAL.Timezone(zone));
  return calendar.getAllSubcomponents('vevent').map((component) => {
    const event = new ICAL.Event(component);
    return {
      uid: event.uid,
      summary: event.summary,
      start: event.startDate.toUnixTime() * 1000,
      end: event.endDate.toUnixTime() * 1000,
      sequence: event.sequence,
      status: String(component.getFirstPropertyValue('status')),
    };
  });
}

describe('a feed', () => {
  test('shows the visits of its agenda as a calendar that any application reads, and no hold', async () => {
    const { path } = await publish({ disclosure: 'full' });
    const answer = await fetched(path);
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
      200,
      'text/calendar; charset=utf-8',
      expect.stringMatching(/^private/),
    ]);
    expect(eventsOf(answer.text)).toEqual([
      {
        uid: `${appointment}@feed.unisson`,
        summary: expect.stringContaining('ZYXWVUTSRQ Qwertzuiop'),
        start: Date.parse(at('09:00')),
        end: expect.any(Number),
        sequence: expect.any(Number),
        status: 'CONFIRMED',
      },
    ]);
    expect(answer.text).not.toContain(patient.phone);
  });

  test.each([
    ['initials', /^Q\.Z\. – /],
    ['busy', /^Occupé$/],
    [undefined, /^Occupé$/],
  ])('with disclosure %s tells no more than that', async (disclosure, summary) => {
    const { path } = await publish(disclosure === undefined ? {} : { disclosure });
    const { text } = await fetched(path);
    expect(eventsOf(text).map((event) => event.summary)).toEqual([expect.stringMatching(summary)]);
    expect(text).not.toMatch(/zyxwvutsrq|qwertzuiop|0639981234/i);
  });

  test('keeps the UID of a visit that moves, with a higher sequence, and drops one that is cancelled', async () => {
    const { path } = await publish({ disclosure: 'busy' });
    const body = { agenda: practice.agenda, motif: practice.motif, start: at('14:00'), patient };
    const { id, version } = (await ask('POST', '/v1/appointments', { body })).json as { id: string; version: number };
    const seen = async (): Promise<Read | undefined> =>
      eventsOf((await fetched(path)).text).find(({ uid }) => uid === `${id}@feed.unisson`);
    const before = await seen();
    expect(before).toMatchObject({ start: Date.parse(at('14:00')) });
    const moved = await ask('PATCH', `/v1/appointments/${id}`, {
      body: { start: at('15:00') },
      headers: { 'if-match': `"${String(version)}"` },
    });
    expect(moved.status).toBe(200);
    const after = await seen();
    expect(after).toMatchObject({ start: Date.parse(at('15:00')) });
    expect(after?.sequence).toBeGreaterThan(before?.sequence ?? Infinity);
    await ask('POST', `/v1/appointments/${id}/cancel`, { body: { reason: 'x' } });
    expect(await seen()).toBeUndefined();
  });

  test('that did not change is 304, by any spelling of its tag', async () => {
    const { path } = await publish({});
    const etag = (await fetched(path)).headers.get('etag') ?? '';
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
      expect([tag, (await fetched(path, { 'if-none-match': tag })).status]).toEqual([tag, 304]);
    expect((await fetched(path, { 'if-none-match': '"x"' })).status).toBe(200);
  });

  test('is shown to those who manage it with its last fetch, and never with its address', async () => {
    const { id, path } = await publish({ label: 'Tablette' });
    const list = async (): Promise<{ id: string; fetchedAt: string | null }[]> =>
      (await ask('GET', `/v1/agendas/${practice.agenda}/feeds?limit=200`)).json.items;
    expect((await list()).find((feed) => feed.id === id)).toMatchObject({ label: 'Tablette', fetchedAt: null });
    await fetched(path);
    expect((await list()).find((feed) => feed.id === id)?.fetchedAt).toEqual(expect.stringMatching(/^20/));
    const all = (await ask('GET', `/v1/agendas/${practice.agenda}/feeds?limit=200`)).text;
    expect(all).not.toContain(path.slice(-40, -4));
    const first = await ask('GET', `/v1/agendas/${practice.agenda}/feeds?limit=1`);
    expect(first.json.items).toHaveLength(1);
    expect(first.json.nextCursor).not.toBeNull();
  });

  test('is made once however often it is asked for under one key, and its address is told once', async () => {
    const request = { body: { label: 'Répétée' }, headers: { 'idempotency-key': randomUUID() } };
    const route = `/v1/agendas/${practice.agenda}/feeds`;
    const [first, again] = [await ask('POST', route, request), await ask('POST', route, request)];
    expect([again.status, again.json]).toEqual([201, { ...first.json, url: null }]);
    const kept = JSON.stringify(
      await api.sql(practice, 'SELECT response FROM idempotency WHERE organization_id = $1', [practice.organization]),
    );
    expect(kept).toContain(first.json.id);
    expect(kept).not.toContain((first.json.url as string).slice(-40, -4));
  });
});

describe('an address', () => {
  test('that is wrong, unknown or revoked is not found, all alike', async () => {
    const { id, path } = await publish({});
    expect((await fetched(path)).status).toBe(200);
    expect((await ask('DELETE', `/v1/feeds/${id}`)).status).toBe(204);
    expect((await ask('DELETE', `/v1/feeds/${id}`)).status).toBe(404);
    const living = (await publish({})).path;
    const stranger = issueFeedToken(practice.organization, randomUUID()).text;
    const elsewhere = issueFeedToken(randomUUID(), id).text;
    const otherSecret = living.slice(0, -47) + stranger.slice(-43) + '.ics';
    const paths = [
      path,
      otherSecret,
      living.replace('.ics', ''),
      `${living.slice(0, -5)}.ics`,
      `/feeds/${stranger}.ics`,
      `/feeds/${elsewhere}.ics`,
      '/feeds/x.ics',
      `/feeds/${'x'.repeat(90)}.ics`,
      '/feeds/%00.ics',
    ];
    for (const wrong of paths) {
      const answer = await fetched(wrong);
      const { requestId: _, ...body } = JSON.parse(answer.text) as Record<string, unknown>;
      expect([wrong, answer.status, body['type']]).toEqual([wrong, 404, expect.stringMatching(/not-found$/)]);
      expect([wrong, answer.headers.get('etag')]).toEqual([wrong, null]);
    }
  });

  test('opens one agenda of one organization, and nobody else can revoke or list it', async () => {
    const { id, path } = await publish({});
    const strangers = await api.practice();
    const stranger = await api.client(strangers);
    expect((await stranger('DELETE', `/v1/feeds/${id}`)).status).toBe(404);
    expect((await stranger('GET', `/v1/agendas/${practice.agenda}/feeds`)).status).toBe(404);
    expect((await stranger('POST', `/v1/agendas/${practice.agenda}/feeds`, { body: { label: 'x' } })).status).toBe(404);
    expect((await fetched(path)).status).toBe(200);
  });

  test('is in no log, no event and not in the database', async () => {
    const { path } = await publish({});
    const secret = path.slice(-47, -4);
    await fetched(path);
    await fetched(`${path}?x=1`);
    await fetch(api.url + path, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } });
    await api.eventsShown(practice);
    const events = await ask('GET', '/v1/events?limit=500');
    const rows = await api.sql(practice, `SELECT encode(token_hash, 'base64') AS hash, label FROM feed`);
    for (const text of [api.logged(), events.text, JSON.stringify(rows)]) expect(text).not.toContain(secret);
    expect(events.json.items.map(({ type }: { type: string }) => type)).toEqual(
      expect.arrayContaining(['feed-created', 'feed-revoked']),
    );
  });
});

test('who asks too often waits', async () => {
  const slow = await TestApi.start({ RATE_LIMIT_PER_MINUTE: '20' });
  try {
    const statuses: number[] = [];
    for (let n = 0; n < 25; n += 1) statuses.push((await fetch(`${slow.url}/feeds/x.ics`)).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([404, 429]);
  } finally {
    await slow.stop();
  }
});
