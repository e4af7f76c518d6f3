import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectorError, type CreateRequest, type Session } from '#connector-sdk';
import { Mirror } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import clicRdv from '../../libs/connectors/src/clic-rdv/connector.js';
import { DavProxy } from '../support/dav-proxy.js';
import { ACCESS, GROUP, SETTINGS } from './clic-rdv-target.js';
import { controlOf, type Control, type Dumped } from './simulator-target.js';

const { agendaId: AGENDA, apiKey, password, email } = ACCESS;
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const NINE = Date.parse('2027-06-07T07:00:00Z');
const HOUR = 3_600_000;

describe('what ClicRDV does, and the connector survives', () => {
  const app = createMockVendors();
  let proxy: DavProxy;
  let origin = '';
  let control: Control;
  let session: Session;
  let mirror: Mirror;

  const call = () => ({ signal: AbortSignal.timeout(10_000) });
  const open = (given: object = {}): Session =>
    clicRdv.open(
      {
        settings: clicRdv.config.settings.parse({ ...SETTINGS, baseUrl: `${proxy.url}clic-rdv/api/v1`, ...given }),
        secrets: { apiKey, password },
      },
      { timeoutMs: 2_000, allowPrivateNetworks: true, now: Date.now },
    );
  const booking = (start: number, reference: string): CreateRequest => ({
    ...{ agendaId: AGENDA, reference },
    content: { start, end: start + HOUR / 2, timeZone: 'Europe/Paris', summary: 'DURAND Zoé' },
  });
  const edit = async (body: object): Promise<Dumped> =>
    (await control('POST', 'edit', { agendaId: AGENDA, ...body }))['entry'] as Dumped;
  const put = (start: number, more: object = {}): Promise<Dumped> =>
    edit({ action: 'create', entry: { start, end: start + HOUR / 2, title: 'Privé', ...more } });
  const standing = async (): Promise<Dumped[]> =>
    ((await control('GET', 'dump')) as unknown as { entries: Dumped[] }).entries.filter(({ deleted }) => !deleted);
  const pull = () => mirror.pull(call().signal);
  const kindOf = (attempt: Promise<unknown>): Promise<unknown> =>
    attempt.then(
      () => 'done',
      (error: unknown) => (ConnectorError.is(error) ? error.kind : error),
    );
  const seed = async (group: object = {}): Promise<void> => {
    await control('POST', 'reset');
    await control('POST', 'seed', { groups: [{ ...GROUP, ...group }] });
  };

  beforeAll(async () => {
    origin = await app.listen({ host: '127.0.0.1', port: 0 });
    proxy = await DavProxy.start(origin);
    control = controlOf(origin, 'clic-rdv');
  });
  afterAll(async () => {
    await proxy.stop();
    await app.close();
  });
  beforeEach(async () => {
    proxy.interfere = () => undefined;
    await seed();
    session = open();
    mirror = new Mirror(session, AGENDA, WINDOW);
  });

  it('is sent the login with every request, unasked, and the key in the query alone', async () => {
    const seen: { readonly authorization: string | undefined; readonly target: string; readonly body: string }[] = [];
    proxy.interfere = ({ headers, target, body }) =>
      void seen.push({ authorization: headers.authorization, target, body });
    const { remoteId } = await session.create(booking(NINE, 'r-1'), call());
    await session.cancel({ ...booking(NINE, 'r-1'), remoteId, version: null }, call());
    const login = `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`;
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(seen.filter(({ authorization }) => authorization !== login)).toEqual([]);
    expect(seen.filter(({ target }) => !target.includes(`apikey=${apiKey}`))).toEqual([]);
    expect(seen.filter(({ body }) => body.includes(apiKey))).toEqual([]);
  });

  it('asks nobody who he is, takes the key from the query alone, and lists 25 unless told otherwise', async () => {
    for (let n = 0; n < 30; n += 1) await put(NINE + n * HOUR);
    const authorization = `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`;
    const ask = async (query: string, more: RequestInit = {}) => {
      const url = `${origin}/clic-rdv/api/v1/groups/4/vevents.json?${query}`;
      return fetch(url, { redirect: 'manual', headers: { authorization }, ...more });
    };
    const anybody = await ask(`apikey=${apiKey}`, { headers: {} });
    expect([anybody.status, anybody.headers.get('www-authenticate')]).toEqual([302, null]);
    const body = JSON.stringify({
      apikey: apiKey,
      vevent: { start: '2027-07-01 09:00:00', end: '2027-07-01 10:00:00' },
    });
    const headers = { authorization, 'content-type': 'application/json' };
    expect((await ask('', { method: 'POST', headers, body })).status).toBe(401);
    const listed = async (query: string) => {
      const { records, totalRecords } = (await (await ask(`apikey=${apiKey}&${query}`)).json()) as {
        records: { id: number }[];
        totalRecords: number;
      };
      return [records.length, records[0]?.id, totalRecords];
    };
    expect(await listed('')).toEqual([25, 1, 30]);
    expect(await listed('results=all')).toEqual([30, 1, 30]);
    expect(await listed('results=2&startIndex=3&sort=id&dir=desc')).toEqual([2, 27, 30]);
    const both = 'conditions[0][field]=id&conditions[0][op]=>&conditions[0][value]=4';
    expect(await listed(`${both}&conditions[1][field]=id&conditions[1][op]=<&conditions[1][value]=7`)).toEqual([
      2, 5, 2,
    ]);
  });

  it('answers a login that it has forgotten with nothing: no agenda is empty for that, and no write is gone', async () => {
    const { remoteId } = await session.create(booking(NINE, 'r-1'), call());
    await put(NINE + HOUR);
    await pull();
    await control('POST', 'forget-login', { email });
    const ours = { ...booking(NINE, 'r-1'), remoteId, version: null };
    const { cursor } = mirror;
    mirror.cursor = null;
    expect(await kindOf(pull())).toBe('auth');
    mirror.cursor = cursor;
    expect(await kindOf(pull())).toBe('auth');
    expect(await kindOf(session.find(ours, call()))).toBe('auth');
    expect(await kindOf(session.cancel(ours, call()))).toBe('auth');
    expect(await kindOf(session.update(ours, call()))).toBe('auth');
    expect(await kindOf(session.verify(call()))).toBe('auth');
    expect(await kindOf(session.listAgendas(call()))).toBe('auth');
    expect([mirror.objects.size, (await standing()).length]).toEqual([2, 2]);
  });

  it('shows its login page to whoever it does not know: that is no answer', async () => {
    await put(NINE);
    await pull();
    proxy.interfere = () => ({ status: 302, headers: { location: '/login' }, body: '<html>' });
    mirror.cursor = null;
    expect([await kindOf(pull()), mirror.objects.size]).toEqual(['unavailable', 1]);
    expect(await kindOf(session.create(booking(NINE, 'r-1'), call()))).toBe('unknown');
  });

  it('says which setting is missing', async () => {
    const message = (attempt: Promise<unknown>) => attempt.catch((error: unknown) => (error as Error).message);
    expect(await session.verify(call())).toEqual({ account: `${email} (4)` });
    expect(await message(open({ interventionId: 99 }).verify(call()))).toContain('intervention_id 99');
    expect(await message(open({ ficheId: 99 }).verify(call()))).toContain('fiche_id 99');
    await seed({ pro: { email, password, writes: false } });
    expect(await kindOf(session.create(booking(NINE, 'r-1'), call()))).toBe('forbidden');
  });

  it('has four meanings for a vevent: appointments and plages take time, openings and notes do not', async () => {
    const midnight = Date.parse('2027-06-06T22:00:00Z');
    const plage = await put(NINE);
    await put(NINE - HOUR, { end: NINE + 8 * HOUR, kind: 'freebusy' });
    await put(midnight, { end: midnight, title: 'Livraison', kind: 'note' });
    const ours = await session.create(booking(NINE + HOUR, 'r-1'), call());
    const { added, complete } = await pull();
    expect(added.map(({ remoteId, reference }) => [remoteId, reference])).toEqual([
      [plage.id, null],
      [ours.remoteId, 'r-1'],
    ]);
    expect(complete?.present).toEqual(new Set([plage.id, ours.remoteId]));
    const rows = ((await control('GET', 'dump')) as unknown as { entries: object[] }).entries;
    expect(rows.at(-1)).toMatchObject({ taker: 'UNISSON', interventionId: 21, ficheId: 7, title: 'DURAND Zoé' });
  });

  it('only marks as deleted: it is told as removed, and again when somebody restores it', async () => {
    const { remoteId } = await session.create(booking(NINE, 'r-1'), call());
    await pull();
    await edit({ action: 'delete', id: remoteId });
    expect([(await pull()).removed, await session.find(booking(NINE, 'r-1'), call())]).toEqual([[remoteId], null]);
    await control('POST', 'restore', { agendaId: AGENDA, id: remoteId });
    expect((await pull()).added).toMatchObject([{ remoteId, reference: 'r-1' }]);
    await session.cancel({ ...booking(NINE, 'r-1'), remoteId, version: null }, call());
    mirror.cursor = null;
    expect([(await pull()).removed, await standing()]).toEqual([[remoteId], []]);
  });

  it('dates changes by a clock that goes back an hour in autumn: none of them is missed', async () => {
    const before = Date.parse('2027-10-31T00:59:30Z');
    await control('POST', 'clock', { advanceMs: before - Date.now() });
    const first = await put(NINE);
    expect((await pull()).added).toMatchObject([{ remoteId: first.id }]);
    await control('POST', 'clock', { advanceMs: 120_000 });
    const second = await put(NINE + HOUR);
    expect((await pull()).added).toMatchObject([{ remoteId: second.id }]);
    await edit({ action: 'move', id: first.id, start: NINE + 3 * HOUR, end: NINE + 4 * HOUR });
    expect((await pull()).changed).toMatchObject([{ remoteId: first.id, when: { start: NINE + 3 * HOUR } }]);
    expect((await pull()).changeCount).toBe(0);
  });

  it('may be written in while it is listed: what moves into the window meanwhile is there, what leaves it is gone', async () => {
    const [inside, outside] = [await put(NINE), await put(WINDOW.end + 30 * 24 * HOUR)];
    let armed = true;
    proxy.interfere = ({ target }) => {
      if (!armed || !decodeURIComponent(target).includes('[field]=id')) return undefined;
      armed = false;
      const at = NINE + 5 * HOUR;
      void edit({ action: 'move', id: outside.id, start: at, end: at + HOUR }).then(() =>
        edit({ action: 'delete', id: inside.id }),
      );
      return { heldUpMs: 200 };
    };
    const { complete } = await pull();
    expect([armed, complete?.present]).toEqual([false, new Set([outside.id])]);
  });

  it('refuses what overlaps, or lets it in: taken, or ours beside it', async () => {
    await put(NINE);
    expect(await kindOf(session.create(booking(NINE, 'r-1'), call()))).toBe('taken');
    await seed({ overlaps: 'allow' });
    await put(NINE);
    expect((await session.create(booking(NINE, 'r-1'), call())).when?.start).toBe(NINE);
    expect(await standing()).toHaveLength(2);
  });

  it('takes one create twice where overlaps are let in: of twins one is left, and it is told', async () => {
    await seed({ overlaps: 'allow' });
    let armed = true;
    proxy.interfere = ({ method }) => {
      if (method !== 'POST' || !armed) return undefined;
      armed = false;
      return 'twice';
    };
    const { remoteId } = await session.create(booking(NINE, 'r-1'), call());
    expect((await standing()).map(({ id }) => id)).toEqual([remoteId]);
  });

  it('lets people add to the comments, and copy them: ours is what our taker signed', async () => {
    const url = `${origin}/clic-rdv/api/v1/groups/4/vevents.json?apikey=${apiKey}`;
    const authorization = `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`;
    const send = (method: string, to: string, vevent: object) =>
      fetch(to, {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ vevent }),
      });
    const ours = await session.create(booking(NINE, 'r-1'), call());
    await send('PUT', url.replace('.json', `/${ours.remoteId}.json`), { comments: 'Vient avec sa mère [r-1] 10 min' });
    const times = { start: '2027-06-08 10:00:00', end: '2027-06-08 10:30:00', calendar_id: Number(AGENDA) };
    await send('POST', url, { ...times, comments: '[r-1]', taker: 'clicRDV' });
    expect(await session.find(booking(NINE, 'r-1'), call())).toMatchObject({
      remoteId: ours.remoteId,
      reference: 'r-1',
    });
    expect((await pull()).added.map(({ reference }) => reference)).toEqual(['r-1', null]);
  });

  it('repeats plages, in a way that nobody published: they are put aside for a person, never taken for one', async () => {
    const { id } = await put(NINE);
    proxy.interfere = ({ target }) => {
      if (!target.includes('/vevents')) return undefined;
      const times = { start: '2027-06-07 12:00:00', end: '2027-06-07 13:00:00', updated_at: '2027-01-01 10:00:00' };
      const record = { id: Number(id), calendar_id: Number(AGENDA), ...times, rrule: 'FREQ=WEEKLY' };
      return { status: 200, body: JSON.stringify({ totalRecords: 1, records: [record] }) };
    };
    const { unreadable, complete } = await pull();
    expect([unreadable, complete?.present]).toEqual([[id], new Set([id])]);
  });

  it('writes no hour that comes twice but the first, and reads one that lasts into the other', async () => {
    const first = Date.parse('2027-10-31T00:30:00Z');
    const brief = (start: number, reference: string): CreateRequest => {
      const { content, ...rest } = booking(start, reference);
      return { ...rest, content: { ...content, end: start + HOUR / 6 } };
    };
    expect((await session.create(brief(first, 'r-1'), call())).when?.start).toBe(first);
    expect(await kindOf(session.create(brief(first + HOUR, 'r-2'), call()))).toBe('invalid');
    expect(await kindOf(session.create(booking(first, 'r-3'), call()))).toBe('invalid');
    const across = { start: first + HOUR / 2 - 600_000, end: first + HOUR / 2 + 600_000 };
    await put(first + HOUR / 2, across);
    expect((await pull()).added.map(({ when }) => when)).toContainEqual(across);
  });
});
