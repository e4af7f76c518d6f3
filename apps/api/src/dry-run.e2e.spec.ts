import fs from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Practice } from '../../../test/support/practice.js';
import { faultPaths, Simulator, TestApi, type Answer, type Client } from './api.suite.js';

let api: TestApi;
let simulator: Simulator;
let practice: Practice;
let ask: Client;
let guide: string;

beforeAll(async () => {
  api = await TestApi.start({ VENDOR_TIMEOUT_MS: '800' });
  simulator = await Simulator.start();
  practice = await api.practice();
  ask = await api.client(practice);
  guide = await fs.readFile(new URL('../../../docs/declarative-connector.md', import.meta.url), 'utf8');
});

afterEach(() => simulator.heal());

afterAll(async () => {
  await api.stop();
  await simulator.stop();
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- documents are taken apart and spoilt
type Document = Record<string, any>;

/** A JSON block of the guide, by the word behind its fence. */
function block(name: string): Document {
  const text = new RegExp(`^\`\`\`json ${name}\\n(.*?)^\`\`\``, 'ms').exec(guide)?.[1];
  if (text === undefined) throw new Error(`the guide has no block "${name}"`);
  return JSON.parse(text) as Document;
}

/** The request of the guide, with what stands for itself in it filled in. */
function request(change: (document: Document) => void = () => undefined): Document {
  const document = block('in-house');
  change(document);
  const settings = { baseUrl: `${simulator.url}/in-house/api`, document };
  return { ...block('dry-run'), settings, secrets: { token: Simulator.apiKey } };
}

const dryRun = (body: object): Promise<Answer> => ask('POST', '/v1/connections/dry-run', { body });
const outcomes = ({ json }: Answer): Record<string, string> =>
  Object.fromEntries(json.steps.map(({ step, outcome }: { step: string; outcome: string }) => [step, outcome]));
const failed = ({ json }: Answer): { says: { fr: string; en: string }; detail: string | null } =>
  json.steps.find(({ outcome }: { outcome: string }) => outcome === 'failed');
const standing = async (): Promise<number> =>
  (await simulator.entries()).filter(({ deleted }) => deleted !== true).length;

describe('a dry run', () => {
  test('of the guide’s example passes each step, leaves nothing in the agenda and keeps no connection', async () => {
    const answer = await dryRun(request());
    expect([answer.status, answer.json.works, answer.json.leftBehind]).toEqual([200, true, null]);
    expect(outcomes(answer)).toEqual(
      Object.fromEntries(
        ['credentials', 'agendas', 'entries', 'create', 'read-back', 'cancel'].map((step) => [step, 'passed']),
      ),
    );
    expect([await standing(), (await simulator.entries()).length]).toEqual([0, 1]);
    expect(answer.text).not.toContain(Simulator.apiKey);
    expect((await ask('GET', '/v1/connections')).json.items).toEqual([]);
  });

  test('writes only where it is asked to', async () => {
    const before = (await simulator.entries()).length;
    const { write: _write, ...reading } = request();
    const answer = await dryRun(reading);
    expect(outcomes(answer)).toMatchObject({
      entries: 'passed',
      create: 'skipped',
      'read-back': 'skipped',
      cancel: 'skipped',
    });
    expect((await simulator.entries()).length).toBe(before);
    const readOnly = await dryRun(request((document) => delete document['writing']));
    expect([readOnly.json.works, outcomes(readOnly)['create']]).toEqual([true, 'skipped']);
    expect(readOnly.json.steps[3].says.fr).toContain('se lit seulement');
  });

  test('says which part of the document the answers do not fit', async () => {
    const wrongList = await dryRun(request((document) => (document['reading'].list.items = 'rows')));
    expect([wrongList.json.works, outcomes(wrongList)['create']]).toEqual([false, 'skipped']);
    expect(failed(wrongList)).toMatchObject({ detail: expect.stringContaining('reading.list.items') });
    expect(failed(wrongList).says.fr).toContain('Lire les jours à venir');
    const wrongAccount = await dryRun(request((document) => (document['account'].path = '/nobody')));
    expect(outcomes(wrongAccount)).toMatchObject({ credentials: 'failed', agendas: 'skipped', cancel: 'skipped' });
    const noSecret = await dryRun({ ...request(), secrets: {} });
    expect(failed(noSecret).detail).toContain('"token"');
    const wrongSecret = await dryRun({ ...request(), secrets: { token: 'wrong-key-1' } });
    expect(failed(wrongSecret).says.en).toContain('credentials are refused');
    expect(failed(await dryRun({ ...request(), agenda: 'nobody' })).says.fr).toContain('n’est pas parmi');
  });

  test('says that a visit whose creation was never answered may still stand, and removes it if it can', async () => {
    const lost = { kind: 'drop-after-commit', method: 'POST', times: 1 };
    await simulator.control('faults', { faults: [lost] });
    const answer = await dryRun(request());
    expect(outcomes(answer)).toMatchObject({ create: 'failed', 'read-back': 'skipped', cancel: 'passed' });
    expect([answer.json.works, answer.json.leftBehind.agenda, await standing()]).toEqual([
      false,
      Simulator.agendaId,
      0,
    ]);
    const stuck = { kind: 'error', method: 'DELETE', status: 503 };
    await simulator.control('faults', { faults: [stuck] });
    const left = await dryRun(request());
    expect([left.json.works, left.json.leftBehind.agenda, outcomes(left)['cancel']]).toEqual([
      false,
      Simulator.agendaId,
      'failed',
    ]);
    for (const { id, deleted } of await simulator.entries())
      if (deleted !== true) await simulator.control('edit', { action: 'delete', agendaId: Simulator.agendaId, id });
  });

  test('of a hostile document is refused with the path of each fault, before anything is sent', async () => {
    await fetch(`${simulator.url}/in-house/__control/requests`, { method: 'DELETE' });
    const hostile = await dryRun(
      request((document) => {
        document['account'].path = '//evil.example/x';
        document['reading'].get.path = '/agendas/{agenda}/../{id}';
        document['reading'].list.query.from = '{secret}';
        document['writing'].create.headers = { Host: 'evil.example' };
        document['entry'].title = 'constructor.name';
        document['errors'][0] = { status: [404], means: 'not_found' };
        document['script'] = 'process.exit()';
      }),
    );
    expect(hostile.status).toBe(400);
    const base = 'body.settings.document';
    expect(faultPaths(hostile)).toEqual(
      expect.arrayContaining([
        `${base}.account.path`,
        `${base}.reading.get.path`,
        `${base}.reading.list.query.from`,
        `${base}.writing.create.headers.Host`,
        `${base}.entry.title`,
      ]),
    );
    const log = (await (await fetch(`${simulator.url}/in-house/__control/requests`)).json()) as { recent: unknown[] };
    expect(log.recent).toEqual([]);
  });

  test('needs the right to manage connections', async () => {
    const weak = await api.client(practice, ['agenda:read']);
    expect((await weak('POST', '/v1/connections/dry-run', { body: request() })).status).toBe(403);
  });
});

test('a connection that is kept is tried as well', async () => {
  const { connector, settings, secrets } = request();
  const made = await ask('POST', '/v1/connections', { body: { connector, label: 'Cabinet', settings, secrets } });
  expect(made.status).toBe(201);
  const path = `/v1/connections/${made.json.id as string}/dry-run`;
  const answer = await ask('POST', path, { body: { agenda: Simulator.agendaId, write: true } });
  expect([answer.status, answer.json.works]).toEqual([200, true]);
  const other = await api.client(await api.practice());
  expect((await other('POST', path, { body: {} })).status).toBe(404);
});
