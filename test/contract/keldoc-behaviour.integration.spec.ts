import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import keldoc from '../../libs/connectors/src/keldoc/connector.js';
import { openReceiver, pushRequestOf } from '#connector-testkit';
import { ConnectorError, type PullItem, type PullRequest, type Session } from '#connector-sdk';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { DavProxy } from '../support/dav-proxy.js';
import { AGENDA, MOTIVE, SECRETS, SEED } from './keldoc-target.js';
import { controlOf, type Control, type Dumped } from './simulator-target.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MORNING = Date.parse('2027-06-07T07:00:00Z');
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const agendaId = String(AGENDA);
const BOOKING = {
  agendaId,
  reference: 'unisson-1',
  content: { start: MORNING, end: MORNING + HOUR_MS, timeZone: 'Europe/Paris', summary: 'Visite' },
};

describe('the connector of an API that signs dates and pushes unsigned', () => {
  let app: ReturnType<typeof createMockVendors>;
  let proxy: DavProxy;
  let control: Control;
  const sessions: Session[] = [];

  beforeAll(async () => {
    app = createMockVendors();
    const origin = await app.listen({ host: '127.0.0.1', port: 0 });
    proxy = await DavProxy.start(origin);
    control = controlOf(origin, 'keldoc');
  });
  beforeEach(async () => {
    for (const session of sessions.splice(0)) session.close();
    proxy.interfere = () => undefined;
    proxy.take();
    await control('POST', 'reset');
    await control('POST', 'seed', SEED);
  });
  afterAll(async () => {
    for (const session of sessions) session.close();
    await proxy.stop();
    await app.close();
  });

  function open(motif = 'Consultation', secrets = SECRETS): Session {
    const context = { timeoutMs: 3_000, allowPrivateNetworks: true, now: Date.now };
    const session = keldoc.open({ settings: { baseUrl: `${proxy.url}keldoc/partners`, motif }, secrets }, context);
    sessions.push(session);
    return session;
  }

  const call = () => ({ signal: AbortSignal.timeout(10_000) });
  const edit = async (body: object): Promise<string> =>
    ((await control('POST', 'edit', { agendaId, ...body }))['entry'] as { id: string } | null)?.id ?? '';
  const put = (start: number): Promise<string> =>
    edit({ action: 'create', entry: { start, end: start + HOUR_MS, title: 'Privé' } });
  const entries = async () =>
    ((await control('GET', 'dump')) as unknown as { entries: (Dumped & { motiveId: number; comment: string })[] })
      .entries;

  async function pull(session: Session, known: ReadonlyMap<string, string | null> = new Map()) {
    const items: PullItem[] = [];
    const request: PullRequest = {
      agendaId,
      cursor: null,
      window: WINDOW,
      timeZone: 'Europe/Paris',
      known: async () => known,
    };
    for await (const item of session.pull(request, call())) items.push(item);
    const end = items.at(-1);
    if (end?.type !== 'end') throw new Error('no end');
    const changes = items.flatMap((item) => (item.type === 'changes' ? item.changes : []));
    const versions = changes.flatMap((one) =>
      one.kind === 'upsert' ? [[one.object.remoteId, one.object.version] as const] : [],
    );
    return { versions: new Map(versions), present: [...(end.complete?.present ?? [])] };
  }

  it('books under the motif, the patient’s name carrying what is disclosed and the comment whose it is', async () => {
    await open('consultation').create(BOOKING, call());
    expect(await entries()).toMatchObject([{ motiveId: MOTIVE, title: 'Visite', comment: 'unisson unisson-1' }]);
  });

  it('says which setting is wrong, and names the account by its agendas', async () => {
    await expect(open('Vaccin').verify(call())).rejects.toMatchObject({ kind: 'invalid' });
    expect(await open('Vaccin').listAgendas(call())).toMatchObject([{ id: agendaId, writable: false }]);
    expect(await open(String(MOTIVE)).verify(call())).toEqual({ account: 'Dr Kit' });
  });

  it('goes by the vendor’s clock where its own is minutes away from it', async () => {
    await control('POST', 'clock', { advanceMs: 20 * 60_000 });
    const session = open();
    await session.create(BOOKING, call());
    expect(proxy.passed.map(({ status }) => status)).toEqual([401, 200, 200, 200]);
    const wrong = open('Consultation', { ...SECRETS, secretAccessKey: 'quite-another-secret' });
    await expect(wrong.verify(call())).rejects.toMatchObject({ kind: 'auth' });
  });

  it('waits when the day’s quota is used up, an hour at most, and goes on after midnight in Paris', async () => {
    await control('POST', 'seed', { accounts: [{ ...SEED.accounts[0], dailyQuota: 2 }] });
    const session = open();
    await session.verify(call());
    await session.find(BOOKING, call());
    const refused = session.create(BOOKING, call());
    await expect(refused).rejects.toMatchObject({ kind: 'rate_limited', status: 402 });
    const waits = await refused.then(
      () => 0,
      (error: unknown) => (ConnectorError.is(error) ? error.retryAfterMs : 0),
    );
    expect(waits).toBeGreaterThanOrEqual(60_000);
    expect(waits).toBeLessThanOrEqual(HOUR_MS);
    expect(await entries()).toEqual([]);
    await control('POST', 'clock', { advanceMs: DAY_MS });
    // The first call is refused for its date, and counts for nothing.
    await session.create(BOOKING, call());
    expect(await entries()).toHaveLength(1);
  });

  it('knows its own appointment in what is taken, when the request arrived twice', async () => {
    let made = false;
    proxy.interfere = ({ method }) => {
      const first = method === 'POST' && !made;
      made ||= first;
      return first ? 'twice' : undefined;
    };
    const object = await open().create(BOOKING, call());
    expect(proxy.passed.filter(({ method }) => method === 'POST')).toMatchObject([{ status: 422 }]);
    expect(await entries()).toMatchObject([{ id: object.remoteId }]);
  });

  it('withdraws the twin that a lost request left at another time', async () => {
    const session = open();
    const first = await session.create(BOOKING, call());
    const later = { ...BOOKING.content, start: MORNING + DAY_MS, end: MORNING + DAY_MS + HOUR_MS };
    const again = await session.create({ ...BOOKING, content: later }, call());
    expect(again.remoteId).toBe(first.remoteId);
    expect((await entries()).filter(({ deleted }) => !deleted)).toMatchObject([{ id: first.remoteId }]);
  });

  it('does not take for deleted what moves from a part that is still to be read to one that has been', async () => {
    const early = await put(Date.parse('2027-01-11T09:00:00Z'));
    const late = await put(Date.parse('2027-12-06T09:00:00Z'));
    const gone = await put(Date.parse('2027-11-08T09:00:00Z'));
    const session = open();
    const before = await pull(session);
    expect(before.present.sort()).toEqual([early, late, gone].sort());
    await edit({ action: 'delete', id: gone });
    let parts = 0;
    proxy.interfere = () => {
      parts += 1;
      if (parts !== 3) return undefined;
      const start = Date.parse('2027-01-12T09:00:00Z');
      void edit({ action: 'move', id: late, start, end: start + HOUR_MS });
      return { heldUpMs: 200 };
    };
    const after = await pull(session, before.versions);
    expect(after.present.sort()).toEqual([early, late].sort());
    expect(after.versions.get(late)).not.toBe(before.versions.get(late));
  });

  it('asks for nothing that it knows to stand outside of the window', async () => {
    const id = await put(WINDOW.end + 10 * DAY_MS);
    const version = `${String(WINDOW.end + 10 * DAY_MS)}-${String(WINDOW.end + 11 * DAY_MS)}-0`;
    await pull(open(), new Map([[id, version]]));
    expect(proxy.passed.filter(({ target }) => target.includes(`/appointments/${id}`))).toEqual([]);
  });

  it('knows the hours in which the motif may be booked, taken or not, and takes none for closed where none is free', async () => {
    const week = { start: MORNING - 2 * DAY_MS, end: MORNING + 5 * DAY_MS };
    const ask = () => open().rules?.({ agendaId, window: week, timeZone: 'Europe/Paris' }, call());
    expect(await ask()).toEqual({ openings: null, newPatients: 'accepted', age: null });
    const openings = [
      { day: 1, from: '09:00', to: '12:00' },
      { day: 2, from: '09:00', to: '12:00', motiveIds: [4587] },
      { day: 3, from: '09:00', to: '10:00', motiveIds: [MOTIVE] },
    ];
    await control('POST', 'seed', { agendas: [{ ...SEED.agendas[0], openings }] });
    await put(MORNING + HOUR_MS);
    expect((await ask())?.openings).toEqual([
      { start: MORNING, end: MORNING + 3 * HOUR_MS },
      { start: MORNING + 2 * DAY_MS, end: MORNING + 2 * DAY_MS + HOUR_MS },
    ]);
  });

  it('takes what the practice canceled for gone', async () => {
    const session = open();
    const { remoteId } = await session.create(BOOKING, call());
    const { versions } = await pull(session);
    await control('POST', 'cancel', { id: remoteId });
    expect(await session.find(BOOKING, call())).toBeNull();
    expect((await pull(session, versions)).present).toEqual([]);
    const change = { ...BOOKING, remoteId, version: null };
    await expect(session.update(change, call())).rejects.toMatchObject({ kind: 'not_found' });
    await session.cancel(change, call());
  });

  it('leaves one URL for each place it is called at, and believes only who knows it', async () => {
    const receiver = await openReceiver();
    const session = open();
    const [first, second] = ['first-secret-of-24-bytes-or-more', 'second-secret-of-24-bytes-or-more'];
    const request = (path: string, secret: string) => ({ agendaId, callbackUrl: `${receiver.url}/${path}`, secret });
    await session.subscribe?.(request('a', first), call());
    await session.subscribe?.(request('b', first), call());
    const { id } = (await session.subscribe?.(request('a', second), call())) ?? { id: '' };
    expect(id).not.toContain(second);
    await put(MORNING);
    const pushes = await receiver.wait(2, 2_000);
    expect(pushes.map(({ query }) => query['token']).sort()).toEqual([first, second].sort());
    const push = pushRequestOf(
      pushes.find(({ query }) => query['token'] === second)!,
      second,
      keldoc.capabilities,
    );
    expect(session.parsePush?.(push)).toMatchObject({ agendaIds: [agendaId] });
    const unknowing = { ...push, query: {} };
    expect(() => session.parsePush?.(unknowing)).toThrow(expect.objectContaining({ kind: 'auth' }));
    await receiver.close();
  });
});
