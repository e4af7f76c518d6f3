import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectorError, type CreateRequest, type PullRequest, type Session } from '#connector-sdk';
import { Mirror } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import libreRdv from '../../libs/connectors/src/libre-rdv/connector.js';
import { DavProxy } from '../support/dav-proxy.js';
import { remoteIdOf } from './libre-rdv-target.js';
import { controlOf, type Control, type Dumped } from './simulator-target.js';

const [AGENDA, OTHER] = ['3', '4'];
const API_KEY = 'behaviour-libre-key-0123';
const READER_KEY = 'behaviour-libre-key-read';
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const NINE = Date.parse('2027-06-07T07:00:00Z');
const HOUR = 3_600_000;

type Entry = Dumped & { readonly created: number; readonly status: string };

describe('what the LibreRDV-style software does, and the connector survives', () => {
  const app = createMockVendors();
  let proxy: DavProxy;
  let origin = '';
  let control: Control;
  let session: Session;

  const call = () => ({ signal: AbortSignal.timeout(10_000) });
  const open = (given: object = {}, apiKey = API_KEY): Session =>
    libreRdv.open(
      {
        settings: libreRdv.config.settings.parse({ baseUrl: `${proxy.url}libre-rdv/api`, ...given }),
        secrets: { apiKey },
      },
      { timeoutMs: 2_000, allowPrivateNetworks: true, now: Date.now },
    );
  const booking = (start: number, reference: string): CreateRequest => ({
    ...{ agendaId: AGENDA, reference },
    content: { start, end: start + HOUR / 2, timeZone: 'Europe/Paris', summary: 'DURAND Zoé' },
  });
  const put = async (start: number, title = 'Privé'): Promise<Entry> => {
    const entry = { start, end: start + HOUR / 2, title };
    return (await control('POST', 'edit', { action: 'create', agendaId: AGENDA, entry }))['entry'] as Entry;
  };
  const standing = async (): Promise<Entry[]> =>
    ((await control('GET', 'dump')) as unknown as { entries: Entry[] }).entries.filter(({ deleted }) => !deleted);
  const kindOf = (attempt: Promise<unknown>): Promise<unknown> =>
    attempt.then(
      () => 'done',
      (error: unknown) => (ConnectorError.is(error) ? [error.kind, error.message] : error),
    );

  beforeAll(async () => {
    origin = await app.listen({ host: '127.0.0.1', port: 0 });
    proxy = await DavProxy.start(origin);
    control = controlOf(origin, 'libre-rdv');
  });
  afterAll(async () => {
    await proxy.stop();
    await app.close();
  });
  beforeEach(async () => {
    proxy.interfere = () => undefined;
    await control('POST', 'reset');
    const agendas = [
      { id: Number(AGENDA), name: 'Dr Martin', zone: 'Europe/Paris', apiKey: API_KEY },
      { id: Number(OTHER), name: 'Dr Leroy', zone: 'Europe/Paris', apiKey: READER_KEY, writable: false },
    ];
    await control('POST', 'seed', { agendas });
    session = open();
  });

  it('is spoken to by GET and POST alone, and told who asks', async () => {
    await session.verify(call());
    const made = await session.create(booking(NINE, 'r-1'), call());
    await session.update({ ...booking(NINE + HOUR, 'r-1'), remoteId: made.remoteId, version: made.version }, call());
    await session.cancel({ ...booking(NINE, 'r-1'), remoteId: made.remoteId, version: null }, call());
    const { recent } = (await control('GET', 'requests')) as { recent: { method: string; url: string }[] };
    expect(new Set(recent.map(({ method }) => method))).toEqual(new Set(['GET', 'POST']));
    expect(recent.filter(({ url }) => url.includes('method=')).map(({ method }) => method)).toEqual(['POST', 'POST']);
    expect(recent.filter(({ url }) => !url.includes('pms_name=Unisson'))).toEqual([]);
  });

  it('says what is missing: the registered name, the key, the right to ask', async () => {
    proxy.interfere = ({ target }) =>
      target.includes('token-get') ? undefined : { status: 200, body: '{"status":"error","code":10}' };
    expect(await kindOf(session.verify(call()))).toEqual(['invalid', expect.stringContaining('pms_name')]);
    proxy.interfere = () => undefined;
    expect(await kindOf(open({}, 'nobody-knows-this-key').verify(call()))).toEqual(['auth', expect.anything()]);
    const reader = open({}, READER_KEY);
    expect(await kindOf(reader.verify(call()))).toEqual(['forbidden', expect.stringContaining('« demande »')]);
    expect(await reader.listAgendas(call())).toMatchObject([{ id: OTHER, writable: false }]);
    expect(await kindOf(reader.create({ ...booking(NINE, 'r-1'), agendaId: OTHER }, call()))).toEqual([
      'forbidden',
      expect.anything(),
    ]);
  });

  it.each([0, 1, 2, 3])('ends the token after %i calls, in the middle of a listing or a write', async (afterCalls) => {
    for (let n = 0; n < 120; n += 1) await put(NINE + n * HOUR);
    const mirror = new Mirror(session, AGENDA, WINDOW);
    await session.verify(call());
    await control('POST', 'expire-tokens', { afterCalls });
    expect((await mirror.pull(call().signal)).added).toHaveLength(120);
    await control('POST', 'expire-tokens', { afterCalls });
    const { remoteId } = await session.create(booking(NINE - HOUR, 'r-1'), call());
    expect((await standing()).filter(({ start }) => start === NINE - HOUR).map(remoteIdOf)).toEqual([remoteId]);
  });

  it('marks on the practitioner’s page what he has to accept; saving it there is a yes', async () => {
    const page = async () => (await fetch(`${origin}/libre-rdv/?agenda=${AGENDA}&date=2027-06-07`)).text();
    const { remoteId } = await session.create(booking(NINE, 'r-1'), call());
    expect(await page()).toContain('À accepter : DURAND Zoé');
    const [id] = remoteId.split('.');
    await control('POST', 'edit', { action: 'move', agendaId: AGENDA, id, start: NINE, end: NINE + HOUR / 2 });
    const accepted = await page();
    expect([accepted.includes('DURAND Zoé'), accepted.includes('À accepter')]).toEqual([true, false]);
    expect((await session.find(booking(NINE, 'r-1'), call()))?.acceptance).toBeUndefined();
  });

  it('gives numbers again after a purge: the new owner is neither moved nor removed for the old one', async () => {
    const mirror = new Mirror(session, AGENDA, WINDOW);
    const ours = await session.create(booking(NINE, 'r-1'), call());
    await mirror.pull(call().signal);
    await control('POST', 'edit', { action: 'delete', agendaId: AGENDA, id: '1' });
    await control('POST', 'purge');
    await control('POST', 'clock', { advanceMs: 8 * HOUR });
    const theirs = await put(NINE, 'Patient en ligne');
    expect(theirs.id).toBe('1');
    const move = { ...booking(NINE + HOUR, 'r-1'), remoteId: ours.remoteId, version: null };
    expect(await kindOf(session.update(move, call()))).toEqual(['not_found', expect.anything()]);
    await session.cancel({ ...booking(NINE, 'r-1'), remoteId: ours.remoteId, version: null }, call());
    expect(await standing()).toMatchObject([{ id: '1', title: 'Patient en ligne', start: NINE }]);
    expect(await kindOf(mirror.pull(call().signal))).toEqual(['cursor_expired', expect.anything()]);
    mirror.cursor = null;
    const report = await mirror.pull(call().signal);
    expect([report.removed, report.added.map(({ remoteId }) => remoteId)]).toEqual([
      [ours.remoteId],
      [remoteIdOf(theirs)],
    ]);
  });

  it('gives a number again between two reads: the news name the new owner, and the old one is gone', async () => {
    const theirs = await put(NINE);
    const known = new Map([[`${theirs.id}.202001011200`, null]]);
    const { cursor } = new Mirror(session, AGENDA, WINDOW);
    const request: PullRequest = {
      agendaId: AGENDA,
      cursor,
      window: WINDOW,
      timeZone: 'Europe/Paris',
      known: async () => known,
    };
    let end: string | null = null;
    for await (const item of session.pull(request, call())) if (item.type === 'end') end = item.cursor;
    await control('POST', 'edit', {
      action: 'move',
      agendaId: AGENDA,
      id: theirs.id,
      start: NINE + HOUR,
      end: NINE + 2 * HOUR,
    });
    const said: unknown[] = [];
    for await (const item of session.pull({ ...request, cursor: end }, call()))
      if (item.type === 'changes') said.push(...item.changes);
    expect(said).toMatchObject([
      { kind: 'removed', remoteId: `${theirs.id}.202001011200` },
      { kind: 'upsert', object: { remoteId: remoteIdOf(theirs), when: { start: NINE + HOUR } } },
    ]);
  });

  it('takes one request twice: of twins one is left, and it is told', async () => {
    let armed = true;
    proxy.interfere = ({ method }) => {
      if (method !== 'POST' || !armed) return undefined;
      armed = false;
      return 'twice';
    };
    const { remoteId, acceptance } = await session.create(booking(NINE, 'r-1'), call());
    expect([(await standing()).map(remoteIdOf), acceptance]).toEqual([[remoteId], 'awaited']);
  });

  it('answers errors with 200 or as text with 500, and null where nothing is: neither is taken for the other', async () => {
    const mirror = new Mirror(session, AGENDA, WINDOW);
    const { remoteId } = await put(NINE).then((entry) => ({ remoteId: remoteIdOf(entry) }));
    await mirror.pull(call().signal);
    for (const body of ['', 'null ', '{"status":"ok"}', '{"status":"error","code":99}', '<html>', '[]']) {
      proxy.interfere = ({ target }) => (target.includes('/appointments') ? { status: 200, body } : undefined);
      mirror.cursor = null;
      expect([body, await kindOf(mirror.pull(call().signal))]).toEqual([body, ['unavailable', expect.anything()]]);
      expect(await kindOf(session.find(booking(NINE, 'r-1'), call()))).toEqual(['unavailable', expect.anything()]);
    }
    proxy.interfere = ({ method }) => (method === 'POST' ? { status: 500, body: 'ERREUR 99: interne' } : undefined);
    expect(await kindOf(session.create(booking(NINE + HOUR, 'r-2'), call()))).toEqual(['unknown', expect.anything()]);
    expect([...mirror.objects.keys()]).toEqual([remoteId]);
  });

  it('draws rows over to an earlier page when one is deleted there: the listing is begun anew', async () => {
    for (let n = 0; n < 120; n += 1) await put(NINE + n * HOUR);
    const mirror = new Mirror(session, AGENDA, WINDOW);
    let deleted = false;
    proxy.interfere = ({ target }) => {
      if (!deleted && target.includes('page=2')) {
        deleted = true;
        void control('POST', 'edit', { action: 'delete', agendaId: AGENDA, id: '1' });
        return { heldUpMs: 200 };
      }
      return undefined;
    };
    expect((await mirror.pull(call().signal)).added).toHaveLength(119);
    expect(deleted).toBe(true);
  });

  it('writes no hour that comes twice but the first, and reads what stands there as the first', async () => {
    const first = Date.parse('2027-10-31T00:30:00Z');
    expect((await session.create(booking(first, 'r-1'), call())).when?.start).toBe(first);
    expect(await kindOf(session.create(booking(first + HOUR, 'r-2'), call()))).toEqual(['invalid', expect.anything()]);
    expect(await standing()).toHaveLength(1);
    await put(first + HOUR);
    const mirror = new Mirror(session, AGENDA, WINDOW);
    expect((await mirror.pull(call().signal)).added.map(({ when }) => when?.start)).toEqual([first, first]);
  });

  it('may hold a time that the clock left out: it is read an hour later', async () => {
    proxy.interfere = ({ target }) =>
      target.includes('page=1')
        ? {
            status: 200,
            body: JSON.stringify({
              ...{ status: 'ok', total: 1, pages: 1, news: '1' },
              appointments: [
                {
                  id: 7,
                  startDate: '28-03-2027 02:30',
                  duration: 15,
                  status: 'CONFIRMED',
                  creationDate: '01-03-2027 09:00',
                },
              ],
            }),
          }
        : undefined;
    const { added } = await new Mirror(session, AGENDA, WINDOW).pull(call().signal);
    expect(added.map(({ when }) => when?.start)).toEqual([Date.parse('2027-03-28T01:30:00Z')]);
  });

  it('keeps minutes: what has seconds is refused before it is sent', async () => {
    expect(await kindOf(session.create(booking(NINE + 1_000, 'r-1'), call()))).toEqual(['invalid', expect.anything()]);
    expect(await standing()).toEqual([]);
  });
});
