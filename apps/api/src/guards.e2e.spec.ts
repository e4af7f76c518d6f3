import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Database } from '#persistence';
import { SCOPES } from '#platform';
import type { Practice } from '../../../test/support/practice.js';
import { testVault } from '../../../test/support/test-vault.js';
import { Simulator, TestApi, type Answer, type Client } from './api.suite.js';

let api: TestApi;
let simulator: Simulator;
let practice: Practice;
let ask: Client;
let link: string;
const ids: string[] = [];

beforeAll(async () => {
  api = await TestApi.start();
  simulator = await Simulator.start();
  practice = await api.practice();
  ask = await api.client(practice);
  const tomorrow = Math.ceil(Date.now() / 86_400_000) * 86_400_000;
  for (let n = 0; n < 15; n += 1) {
    const start = tomorrow + n * 3_600_000;
    await simulator.control('edit', {
      action: 'create',
      agendaId: Simulator.agendaId,
      entry: { start, end: start + 1_800_000, title: 'Secret' },
    });
  }
  ids.push(...(await simulator.entries()).map(({ id }) => id).sort());
  const connection = await ask('POST', '/v1/connections', { body: { ...simulator.account, label: 'Cabinet' } });
  const wanted = {
    agenda: practice.agenda,
    connection: connection.json.id as string,
    remoteAgenda: Simulator.agendaId,
    approve: true,
  };
  link = (await ask('POST', '/v1/links', { body: wanted })).json.id as string;
  expect((await sync()).status).toBe(200);
});

afterAll(async () => {
  await api.stop();
  await simulator.stop();
});

const sync = (): Promise<Answer> =>
  ask('POST', `/v1/links/${link}/sync`, { headers: { prefer: 'wait=8' }, body: { full: true } });

describe('the brake on deletions', () => {
  const brake = (query = ''): Promise<Answer> => ask('GET', `/v1/links/${link}/brake${query}`);
  const release = (headers: Record<string, string> = {}): Promise<Answer> =>
    ask('POST', `/v1/links/${link}/brake/release`, { headers: { prefer: 'wait=8', ...headers } });

  test('is off as long as nothing is held', async () => {
    const answer = await brake();
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ link, agenda: practice.agenda, engaged: false, since: null, items: [] });
    expect((await release({ 'if-match': answer.headers['etag'] ?? '' })).status).toBe(412);
    expect((await ask('GET', `/v1/links/${randomUUID()}/brake`)).status).toBe(404);
  });

  test('complaint 11: shows what would be deleted, a page at a time; a person who saw it releases it', async () => {
    for (const id of ids.slice(0, 13))
      await simulator.control('edit', { action: 'delete', agendaId: Simulator.agendaId, id });
    expect((await sync()).json.brake).toEqual({ deletions: 13, known: 15 });
    const first = await brake('?limit=10');
    expect(first.json).toMatchObject({ engaged: true, deletions: 13, known: 15, appointments: 0, released: false });
    expect(first.json.since).toMatch(/\+0[12]:00$/);
    const second = await brake(`?limit=10&cursor=${String(first.json.nextCursor)}`);
    const shown = [...first.json.items, ...second.json.items] as { remoteId: string; start: string }[];
    expect([shown.map(({ remoteId }) => remoteId), second.json.nextCursor]).toEqual([ids.slice(0, 13), null]);
    expect([shown[0]?.start, first.text.includes('Secret')]).toEqual([expect.stringContaining('T'), false]);
    expect((await release()).status).toBe(428);
    expect((await release({ 'if-match': '"999"' })).status).toBe(412);
    const released = await release({ 'if-match': first.headers['etag'] ?? '' });
    expect([released.status, released.json.engaged]).toEqual([200, false]);
    expect((await ask('GET', `/v1/links/${link}/health`)).json.brake).toBeNull();
    const left = await api.sql(practice, 'SELECT 1 FROM mirror WHERE link_id = $1 AND gone_at IS NULL', [link]);
    expect(left).toHaveLength(2);
  });
});

describe('the quarantine', () => {
  const path = (): string => `/v1/links/${link}/quarantine`;
  const seal = async (remoteId: string): Promise<Buffer> => {
    const database = await Database.open({ url: api.databaseUrl, poolSize: 1, applicationName: 'unisson-test' });
    const place = { column: 'quarantine.raw_sealed', row: `${link}|${remoteId}` };
    const sealed = await testVault(database).seal(practice.organization, place, Buffer.from('SUMMARY:Durand'));
    await database.close();
    return sealed;
  };
  const poison = async (remoteId: string): Promise<unknown[]> =>
    api.sql(
      practice,
      'INSERT INTO quarantine (organization_id, link_id, remote_id, version, reason, raw_sealed) VALUES ($1, $2, $3, $4, $5, $6)',
      [practice.organization, link, remoteId, '1', 'no start', await seal(remoteId)],
    );

  test('complaint 17: is listed without content; the payload needs a right of its own', async () => {
    const [kept] = ids.slice(13);
    for (const id of [kept ?? '', 'b', 'c']) await poison(id);
    const first = await ask('GET', `${path()}?limit=2`);
    const second = await ask('GET', `${path()}?limit=2&cursor=${String(first.json.nextCursor)}`);
    const items = [...first.json.items, ...second.json.items] as { id: string; remoteId: string }[];
    expect(items.map(({ remoteId }) => remoteId).sort()).toEqual([kept, 'b', 'c'].sort());
    expect([first.text.includes('Durand'), second.json.nextCursor]).toEqual([false, null]);
    const item = `${path()}/${items.find(({ remoteId }) => remoteId === 'b')?.id ?? ''}`;
    const administrator = await api.client(
      practice,
      SCOPES.filter((scope) => scope !== 'quarantine:read'),
    );
    expect((await administrator('GET', item)).status).toBe(403);
    expect((await ask('GET', item, { headers: { 'unisson-collaborator': undefined } })).status).toBe(400);
    expect((await ask('GET', item)).json).toMatchObject({ remoteId: 'b', raw: 'SUMMARY:Durand', reason: 'no start' });
    expect(api.logged()).not.toContain('Durand');
    expect((await ask('POST', `${item}/dismiss`)).status).toBe(204);
    expect((await ask('GET', path())).json.items).toHaveLength(2);
    expect((await ask('GET', `/v1/links/${link}/health`)).json.quarantined).toBe(2);
  });

  test('reads anew on request; what it can read leaves', async () => {
    const { items } = (await ask('GET', path())).json as { items: { id: string; remoteId: string }[] };
    const retry = (remoteId: string | undefined): Promise<Answer> =>
      ask('POST', `${path()}/${items.find((item) => item.remoteId === remoteId)?.id ?? ''}/retry`, {
        headers: { prefer: 'wait=8' },
      });
    const readable = await retry(ids[13]);
    expect([readable.status, readable.json]).toEqual([200, { readable: true }]);
    expect((await retry('c')).json).toEqual({ readable: false });
    const unknown = `${path()}/${randomUUID()}`;
    expect([(await ask('POST', `${unknown}/retry`)).status, (await ask('POST', `${unknown}/dismiss`)).status]).toEqual([
      404, 404,
    ]);
    expect((await ask('GET', unknown)).status).toBe(404);
    expect((await ask('GET', `/v1/links/${randomUUID()}/quarantine`)).status).toBe(404);
  });
});
