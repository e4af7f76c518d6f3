import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { ConnectorError, type PullItem, type Session, type SharedTokens } from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import rdvServicePublic from '../../libs/connectors/src/rdv-service-public/connector.js';
import { controlOf, type Control, type Dumped } from './simulator-target.js';

const EMAIL = 'secretariat@exemple.fr';
const PASSWORD = 'mot-de-passe-de-test';
const DOCTOR = '71';
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const MONDAY = Date.parse('2027-06-07T07:00:00Z');
const HOUR = 3_600_000;
const doctor = { email: 'dr@exemple.fr', firstName: 'Inès', lastName: 'VIDAL', organisationIds: [1, 2] };
const secretary = {
  ...{ id: 72, email: EMAIL, password: PASSWORD, firstName: 'Accueil', lastName: 'TEST' },
  ...{ organisationIds: [1, 2], secretary: true, territorialAdmin: true },
};
const SEED = {
  organisations: [
    { id: 1, name: 'Cabinet du Port' },
    { id: 2, name: 'Centre du Marché' },
    { id: 3, name: 'Ailleurs' },
  ],
  agents: [{ ...doctor, id: Number(DOCTOR) }, secretary],
};

let app: FastifyInstance;
let origin: string;
let control: Control;
const sessions: Session[] = [];

beforeAll(async () => {
  app = createMockVendors();
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
  control = controlOf(origin, 'rdv-service-public');
});
afterAll(async () => {
  for (const session of sessions) session.close();
  await app.close();
});
beforeEach(async () => {
  await control('POST', 'reset');
  await control('POST', 'seed', SEED);
});

function open(options: { tokens?: SharedTokens; organisationIds?: number[] } = {}): Session {
  const { tokens, organisationIds = [1, 2] } = options;
  const settings = rdvServicePublic.config.settings.parse({
    baseUrl: `${origin}/rdv-service-public`,
    organisationIds,
  });
  const session = rdvServicePublic.open(
    { settings, secrets: { email: EMAIL, password: PASSWORD } },
    { timeoutMs: 2_000, allowPrivateNetworks: true, now: Date.now, ...(tokens ? { tokens } : {}) },
  );
  sessions.push(session);
  return session;
}

const call = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(10_000) });

async function pulled(session: Session): Promise<{ objects: RemoteObject[]; present: ReadonlySet<string> }> {
  const request = { agendaId: DOCTOR, cursor: null, window: WINDOW, timeZone: 'Europe/Paris' };
  const items: PullItem[] = [];
  for await (const item of session.pull({ ...request, known: () => Promise.resolve(new Map()) }, call()))
    items.push(item);
  const changes = items.flatMap((item) => (item.type === 'changes' ? item.changes : []));
  const end = items.at(-1);
  return {
    objects: changes.flatMap((change) => (change.kind === 'upsert' ? [change.object] : [])),
    present: end?.type === 'end' ? (end.complete?.present ?? new Set()) : new Set(),
  };
}

async function failure(attempt: Promise<unknown>): Promise<ConnectorError> {
  const error: unknown = await attempt.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!ConnectorError.is(error)) throw error;
  return error;
}

async function put(by: 'practitioner' | 'patient', start: number, title = 'Consultation'): Promise<Dumped> {
  const entry = { start, end: start + HOUR, title };
  return (await control('POST', 'edit', { action: 'create', agendaId: DOCTOR, by, entry }))['entry'] as Dumped;
}

async function living(): Promise<Dumped[]> {
  const { entries } = (await control('GET', 'dump')) as { entries: Dumped[] };
  return entries.filter(({ deleted }) => !deleted);
}

async function requests(): Promise<Record<string, number>> {
  return (await control('GET', 'requests'))['counts'] as Record<string, number>;
}

const SIGN_IN = 'POST /rdv-service-public/api/v1/auth/sign_in';

describe('rendez-vous', () => {
  it('take time until they are excused or revoked, and say nothing of the patient', async () => {
    const statuses = ['unknown', 'waiting', 'seen', 'noshow', 'excused', 'revoked'];
    const ids: string[] = [];
    for (const [index, status] of statuses.entries()) {
      const { id } = await put('patient', MONDAY + index * 2 * HOUR);
      await control('POST', 'status', { id: Number(id.slice(4)), status });
      ids.push(id);
    }
    const { objects, present } = await pulled(open());
    expect(objects.map(({ remoteId }) => remoteId).sort()).toEqual(ids.slice(0, 4).sort());
    expect([...present].sort()).toEqual(ids.slice(0, 4).sort());
    expect(objects.every(({ busy, summary }) => busy.length === 1 && summary === 'Consultation')).toBe(true);
    expect(JSON.stringify(objects)).not.toMatch(/Camille|EXEMPLE/);
  });

  it('of another organisation are read too, and cannot be written', async () => {
    const session = open();
    const { id } = await put('patient', MONDAY);
    const content = { start: MONDAY, end: MONDAY + HOUR, timeZone: 'Europe/Paris', summary: '' };
    const request = { agendaId: DOCTOR, reference: 'r-1', remoteId: id, version: null, content };
    expect((await failure(session.update(request, call()))).kind).toBe('forbidden');
    expect((await failure(session.cancel(request, call()))).kind).toBe('forbidden');
    expect(await living()).toHaveLength(1);
  });
});

describe('absences', () => {
  it('that repeat are read from their rule, in local time', async () => {
    // The rule as the vendor writes it, with a semicolon at its end.
    const rrule = 'FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;UNTIL=20270405T235959;';
    const times = { firstDay: '2027-03-15', startTime: '09:00:00', endTime: '12:00:00' };
    await control('POST', 'series', { agentId: Number(DOCTOR), title: 'Visites', ...times, rrule });
    const { objects } = await pulled(open());
    expect(objects).toHaveLength(1);
    expect(objects[0]).toMatchObject({ recurring: true, summary: 'Visites', reference: null });
    expect(objects[0]?.busy.map(({ start }) => new Date(start).toISOString())).toEqual([
      '2027-03-15T08:00:00.000Z',
      '2027-03-22T08:00:00.000Z',
      '2027-03-29T07:00:00.000Z',
      '2027-04-05T07:00:00.000Z',
    ]);
  });

  it('are refused in the hour that comes twice when the later one is meant, and written in the earlier', async () => {
    const session = open();
    const content = (start: string, end: string): object => ({ start: Date.parse(start), end: Date.parse(end) });
    const request = (reference: string, when: object): Parameters<Session['create']>[0] =>
      ({ agendaId: DOCTOR, reference, content: { ...when, timeZone: 'Europe/Paris', summary: '' } }) as never;
    const later = request('r-later', content('2027-10-31T01:15:00Z', '2027-10-31T01:45:00Z'));
    expect((await failure(session.create(later, call()))).kind).toBe('invalid');
    expect(await living()).toEqual([]);
    const earlier = request('r-earlier', content('2027-10-31T00:15:00Z', '2027-10-31T00:45:00Z'));
    expect((await session.create(earlier, call())).when).toEqual(
      content('2027-10-31T00:15:00Z', '2027-10-31T00:45:00Z'),
    );
  });

  it('carry no text of the appointment, and a second one under a reference is withdrawn', async () => {
    const session = open();
    const content = { start: MONDAY, end: MONDAY + HOUR, timeZone: 'Europe/Paris', summary: 'Zoé Exemple' };
    const first = await session.create({ agendaId: DOCTOR, reference: 'r-twice', content }, call());
    const second = await session.create({ agendaId: DOCTOR, reference: 'r-twice', content }, call());
    expect(second.remoteId).toBe(first.remoteId);
    expect((await living()).map(({ title }) => title)).toEqual(['Réservé [unisson r-twice]']);
  });

  it('are believed only when every page tells the same: a list that shrinks meanwhile is read again', async () => {
    const session = open();
    for (let n = 0; n < 110; n += 1) await put('practitioner', MONDAY + n * 2 * HOUR, `Absence ${n}`);
    const [latest] = (await living()).sort((a, b) => b.start - a.start);
    const before = (await requests())['GET /rdv-service-public/api/v1/absences'] ?? 0;
    // The first page is answered late; meanwhile the newest goes, and the 101st slips onto it.
    await control('POST', 'faults', {
      faults: [{ kind: 'latency', ms: 150, route: '/absences', after: true, times: 1 }],
    });
    const reading = pulled(session);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await control('POST', 'edit', { action: 'delete', agendaId: DOCTOR, id: latest?.id });
    expect((await reading).present.size).toBe(109);
    expect(((await requests())['GET /rdv-service-public/api/v1/absences'] ?? 0) - before).toBe(4);
  });
});

describe('the account', () => {
  it('that was taken out of an organisation is told so, and its agendas are not read as empty', async () => {
    await put('patient', MONDAY);
    const session = open();
    expect((await pulled(session)).present.size).toBe(1);
    await control('POST', 'change-organisations', { agentId: 72, organisationIds: [3] });
    const refused = await failure(pulled(session));
    expect(refused).toMatchObject({ kind: 'forbidden' });
    expect((await failure(session.verify(call()))).message).toContain('organisation 1');
  });

  it('signs in again when its token was ended, even before a write', async () => {
    const session = open();
    await session.verify(call());
    await control('POST', 'expire-tokens');
    const content = { start: MONDAY, end: MONDAY + HOUR, timeZone: 'Europe/Paris', summary: '' };
    await session.create({ agendaId: DOCTOR, reference: 'r-after', content }, call());
    expect(await living()).toHaveLength(1);
    expect((await requests())[SIGN_IN]).toBe(2);
  });

  it('signs in before the 24 hours are over', async () => {
    let now = Date.now();
    const session = rdvServicePublic.open(
      {
        settings: rdvServicePublic.config.settings.parse({
          baseUrl: `${origin}/rdv-service-public`,
          organisationIds: [1],
        }),
        secrets: { email: EMAIL, password: PASSWORD },
      },
      { timeoutMs: 2_000, allowPrivateNetworks: true, now: () => now },
    );
    sessions.push(session);
    await session.verify(call());
    now += 24 * HOUR - 60_000;
    await session.verify(call());
    expect((await requests())[SIGN_IN]).toBe(2);
  });

  it('shares its token between processes, which would else throw one another out', async () => {
    let kept: string | null = null;
    const tokens: SharedTokens = {
      read: () => Promise.resolve(kept),
      replace: (expected, next) => {
        if (kept !== expected) return Promise.resolve(false);
        kept = next;
        return Promise.resolve(true);
      },
    };
    const [one, other] = [open({ tokens }), open({ tokens })];
    for (let turn = 0; turn < 3; turn += 1) {
      await one.verify(call());
      await other.verify(call());
    }
    expect((await requests())[SIGN_IN]).toBe(1);
    await control('POST', 'expire-tokens');
    await one.verify(call());
    await other.verify(call());
    expect((await requests())[SIGN_IN]).toBe(2);
  });
});

describe('webhooks', () => {
  const secret = 'c2VjcmV0LW9mLWEtc3Vic2NyaXB0aW9uLW9mLXRlc3Q';

  it('are registered with every organisation, once for an address, and end by hearing of nothing', async () => {
    const session = open();
    const request = { agendaId: DOCTOR, callbackUrl: 'http://127.0.0.1:9/hub', secret };
    const first = await session.subscribe?.(request, call());
    const again = await session.subscribe?.(request, call());
    expect(again).toEqual(first);
    const endpoints = async (): Promise<{ subscriptions: string[] }[]> =>
      (await control('GET', 'dump'))['endpoints'] as { subscriptions: string[] }[];
    expect((await endpoints()).map(({ subscriptions }) => subscriptions)).toEqual([
      ['rdv', 'absence'],
      ['rdv', 'absence'],
    ]);
    await session.unsubscribe?.({ subscriptionId: first?.id ?? '' }, call());
    expect((await endpoints()).map(({ subscriptions }) => subscriptions)).toEqual([[], []]);
  });

  it('need an administrator of the territory, and the refusal says so', async () => {
    await control('POST', 'reset');
    await control('POST', 'seed', { ...SEED, agents: [SEED.agents[0], { ...secretary, territorialAdmin: false }] });
    const request = { agendaId: DOCTOR, callbackUrl: 'http://127.0.0.1:9/hub', secret };
    const refused = await failure(open().subscribe?.(request, call()) ?? Promise.resolve());
    expect(refused).toMatchObject({ kind: 'forbidden' });
    expect(refused.message).toContain('administrator of the territory');
  });
});

it('speaks in the envelopes that are published: what is refused, what is gone, what is not allowed', async () => {
  const api = `${origin}/rdv-service-public/api/v1`;
  const signIn = await fetch(`${api}/auth/sign_in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: EMAIL, password: PASSWORD }),
  });
  const session = Object.fromEntries(
    ['access-token', 'client', 'uid'].map((name) => [name, signIn.headers.get(name) ?? '']),
  );
  const ask = async (method: string, path: string, body?: object, headers: Record<string, string> = session) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${api}${path}`, {
      ...{ method, headers: { ...headers, 'content-type': 'application/json' } },
      ...sent,
    });
    return [answer.status, await answer.json()];
  };
  const day = { agent_id: Number(DOCTOR), title: 'Formation', first_day: '2027-03-24', end_day: '2027-03-24' };
  expect(await ask('POST', '/absences', { ...day, start_time: '18:00', end_time: '09:00' })).toEqual([
    422,
    {
      success: false,
      errors: { ends_time: [{ error: 'doit être après le début.' }] },
      error_messages: ['ends_time doit être après le début.'],
    },
  ]);
  expect(await ask('GET', '/absences/999')).toEqual([404, { not_found: 'absence' }]);
  expect(await ask('GET', '/organisations/3')).toMatchObject([403, { errors: [{ base: 'forbidden' }] }]);
  expect((await ask('GET', '/absences', undefined, { ...session, client: 'another' }))[0]).toBe(401);
  expect((await ask('POST', '/organisations/1/rdvs', {}))[0]).toBe(404);
  await put('patient', MONDAY);
  expect(await ask('GET', '/organisations/1/rdvs?starts_after=2027-06-07&starts_before=2027-06-08')).toMatchObject([
    200,
    {
      rdvs: [{ starts_at: '2027-06-07 09:00:00 +0200', ends_at: '2027-06-07 10:00:00 +0200', status: 'unknown' }],
      meta: { current_page: 1, next_page: null, prev_page: null, total_pages: 1, total_count: 1 },
    },
  ]);
});

it('the public route alone slows its callers down, after fifty calls a minute', async () => {
  const ask = (): Promise<Response> => fetch(`${origin}/rdv-service-public/api/v1/public_links?territory=00`);
  const statuses: number[] = [];
  for (let n = 0; n < 52; n += 1) statuses.push((await ask()).status);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(1);
  expect((await ask()).headers.get('retry-after')).not.toBeNull();
});
