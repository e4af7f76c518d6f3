import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { SimulatorClock } from './clock.js';
import type { Diary, DiaryEntry, Dump } from './diary.js';
import { Faults } from './faults.js';
import { Refusal } from './refusal.js';
import { RequestLog } from './request-log.js';
import { registerSimulator } from './simulator.js';

const NINE = Date.parse('2027-06-07T07:00:00Z');
const HALF_HOUR = 1_800_000;

/** The least that a vendor keeps; it counts no versions. */
class SmallDiary implements Diary {
  #entries: DiaryEntry[] = [];
  #next = 1;
  agendas = () => [{ id: 'a', name: 'Dr <Petit>', zone: 'Europe/Paris' }];
  entries = (): DiaryEntry[] => this.#entries;
  put: Diary['put'] = (by, agendaId, { start, end, title, force }) => {
    if (!force && this.#entries.some((other) => other.start < end && start < other.end))
      throw new Refusal(409, 'overlap');
    const entry = { id: String((this.#next += 1)), agendaId, start, end, title, by };
    this.#entries.push(entry);
    return entry;
  };
  move: Diary['move'] = (_by, _agendaId, id, { force: _force, ...to }) => {
    const moved = { ...this.#entries.find((entry) => entry.id === id)!, ...to };
    this.#entries = this.#entries.map((entry) => (entry.id === id ? moved : entry));
    return moved;
  };
  remove: Diary['remove'] = (_by, _agendaId, id) => {
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
  };
  reset = (): void => {
    this.#entries = [];
  };
  seed = (): void => undefined;
  dump = (): Dump => ({ entries: this.#entries.map((entry) => ({ ...entry, deleted: false })) });
}

describe('what every simulator has', () => {
  let app: FastifyInstance;
  let diary: SmallDiary;

  beforeEach(async () => {
    app = fastify();
    app.setErrorHandler((error, _request, reply) =>
      error instanceof Refusal ? reply.code(error.status).send({ error: { code: error.code } }) : reply.send(error),
    );
    diary = new SmallDiary();
    const clock = new SimulatorClock(() => NINE);
    const tokenFaults = new Faults();
    app.register(
      (scope, _options, done) => {
        registerSimulator(scope, {
          ...{ diary, clock, title: 'Logiciel & co' },
          faults: new Faults(),
          others: { '/token': tokenFaults },
          log: new RequestLog(),
          actions: { shout: (body) => ({ heard: body }), quiet: () => undefined },
          apis: [
            { register: (api) => void api.get('/now', () => ({ now: clock.now() })) },
            { faults: tokenFaults, register: (api) => void api.get('/token', () => ({ token: 't' })) },
          ],
        });
        done();
      },
      { prefix: '/small' },
    );
    await app.ready();
  });
  afterEach(() => app.close());

  const ask = async (method: 'GET' | 'POST' | 'DELETE', path: string, payload?: object) => {
    const answer = await app.inject({ method, url: `/small${path}`, ...(payload ? { payload } : {}) });
    const isJson = String(answer.headers['content-type']).includes('json');
    return { status: answer.statusCode, text: answer.body, body: isJson ? answer.json() : null };
  };
  const edit = (more: object) => ask('POST', '/__control/edit', { agendaId: 'a', ...more });
  const entry = { start: NINE, end: NINE + HALF_HOUR, title: 'Privé' };

  it('edits as the practitioner, who insists, or as a patient, who cannot', async () => {
    const { body } = await edit({ action: 'create', entry });
    expect(body.entry).toMatchObject({ ...entry, by: 'practitioner' });
    expect((await edit({ action: 'create', entry })).status).toBe(200);
    expect((await edit({ action: 'create', by: 'patient', entry })).body.error.code).toBe('overlap');
    const { id } = body.entry as { id: string };
    await edit({ action: 'move', id, start: NINE + HALF_HOUR, end: NINE + 2 * HALF_HOUR });
    await edit({ action: 'retitle', id, title: 'Pause' });
    expect((await ask('GET', '/__control/dump')).body.entries).toContainEqual(
      expect.objectContaining({ id, start: NINE + HALF_HOUR, title: 'Pause', deleted: false }),
    );
    expect((await edit({ action: 'delete', id })).body).toEqual({ entry: null });
    await ask('POST', '/__control/reset');
    expect((await ask('GET', '/__control/dump')).body.entries).toEqual([]);
  });

  it('moves the clock, runs actions, and counts requests', async () => {
    await ask('POST', '/__control/clock', { advanceMs: 5 });
    expect((await ask('GET', '/now')).body).toEqual({ now: NINE + 5 });
    expect((await ask('POST', '/__control/shout', { a: 1 })).body).toEqual({ heard: { a: 1 } });
    expect((await ask('POST', '/__control/quiet')).body).toEqual({ ok: true });
    expect((await ask('GET', '/__control/requests')).body.counts).toEqual({ 'GET /small/now': 1 });
    await ask('POST', '/__control/reset');
    expect((await ask('GET', '/now')).body).toEqual({ now: NINE });
  });

  it('keeps faults of a route apart that has its own', async () => {
    const arm = (fault: object) =>
      ask('POST', '/__control/faults', { faults: [{ kind: 'error', status: 503, ...fault }] });
    await arm({});
    expect([(await ask('GET', '/now')).status, (await ask('GET', '/token')).status]).toEqual([503, 200]);
    await ask('DELETE', '/__control/faults');
    await arm({ route: '/token' });
    expect([(await ask('GET', '/now')).status, (await ask('GET', '/token')).status]).toEqual([200, 503]);
  });

  it('shows the week, and takes changes from it though nothing counts versions', async () => {
    const place = { agendaId: 'a', date: '2027-06-07', minutes: 30, title: 'Pause' };
    const made = await ask('POST', '/page/edit', { action: 'create', ...place, time: '09:00' });
    await edit({ action: 'create', by: 'patient', entry: { ...entry, start: entry.end, end: entry.end + HALF_HOUR } });
    const page = await ask('GET', '/?date=2027-06-10');
    for (const shown of ['Logiciel &#38; co', 'Dr &#60;Petit&#62;', 'lundi 7 juin 2027', 'src="/small/page.js"'])
      expect(page.text).toContain(shown);
    expect(page.text).toContain('class="entry patient"');
    expect(page.text).not.toContain('data-version');
    const { id } = made.body as { id: string };
    expect((await ask('POST', '/page/edit', { action: 'change', id, ...place, time: '11:00' })).status).toBe(200);
    expect(diary.entries().find((one) => one.id === id)?.start).toBe(NINE + 4 * HALF_HOUR);
    expect((await ask('POST', '/page/edit', { action: 'delete', id: 'x', agendaId: 'a' })).body.error.code).toBe(
      'entry_unknown',
    );
    expect((await ask('GET', '/page.js')).text).toContain('/page/edit');
  });
});
