import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { ConnectorError, type PullItem, type Session } from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import monDocteur from '../../libs/connectors/src/mon-docteur/connector.js';
import { controlOf, type Control, type Dumped } from './simulator-target.js';

const AGENDA = '41';
const MONDAY = Date.parse('2027-06-07T07:00:00Z');
const HOUR = 3_600_000;
const WINDOW = { start: MONDAY - 24 * HOUR, end: MONDAY + 40 * 24 * HOUR };
const ACCOUNT = { login: 'hub', password: 'mot-de-passe-de-test' };
const SEED = {
  accounts: [ACCOUNT],
  agendas: [{ id: Number(AGENDA), name: 'Dr Garnier', waiting: [{ title: 'Attente', minutes: 30 }] }],
};

let app: FastifyInstance;
let origin: string;
let control: Control;
const sessions: Session[] = [];

beforeAll(async () => {
  app = createMockVendors();
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
  control = controlOf(origin, 'mon-docteur');
});
afterAll(async () => {
  for (const session of sessions) session.close();
  await app.close();
});
beforeEach(async () => {
  await control('POST', 'reset');
  await control('POST', 'seed', SEED);
});

function open(settings: object = {}): Session {
  const session = monDocteur.open(
    {
      settings: monDocteur.config.settings.parse({ baseUrl: `${origin}/mon-docteur/ws`, ...settings }),
      secrets: ACCOUNT,
    },
    { timeoutMs: 2_000, allowPrivateNetworks: true, now: Date.now },
  );
  sessions.push(session);
  return session;
}

const call = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(10_000) });

async function pulled(session: Session): Promise<RemoteObject[]> {
  const request = { agendaId: AGENDA, cursor: null, window: WINDOW, timeZone: 'Indian/Reunion' };
  const items: PullItem[] = [];
  for await (const item of session.pull({ ...request, known: () => Promise.resolve(new Map()) }, call()))
    items.push(item);
  return items.flatMap((item) =>
    item.type === 'changes' ? item.changes.flatMap((change) => (change.kind === 'upsert' ? [change.object] : [])) : [],
  );
}

async function failure(attempt: Promise<unknown>): Promise<ConnectorError> {
  const error: unknown = await attempt.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!ConnectorError.is(error)) throw error;
  return error;
}

function booking(reference: string, start: number): Parameters<Session['create']>[0] {
  const content = { start, end: start + HOUR, timeZone: 'Europe/Paris', summary: 'Z. E.' };
  return { agendaId: AGENDA, reference, content };
}

async function put(start: number, length = HOUR): Promise<Dumped> {
  const entry = { start, end: start + length, title: 'Privé' };
  return (await control('POST', 'edit', { action: 'create', agendaId: AGENDA, entry }))['entry'] as Dumped;
}

async function living(): Promise<(Dumped & { note: string })[]> {
  const { entries } = (await control('GET', 'dump')) as { entries: (Dumped & { note: string })[] };
  return entries.filter(({ deleted }) => !deleted);
}

describe('an agenda that moves', () => {
  it('is only read at first: what was to be written waits, and nothing is refused', async () => {
    const session = open();
    await put(MONDAY);
    await control('POST', 'freeze', { agendaId: Number(AGENDA) });
    expect(await pulled(session)).toHaveLength(1);
    const refused = await failure(session.create(booking('r-1', MONDAY + 2 * HOUR), call()));
    expect(refused).toMatchObject({ kind: 'unavailable' });
    expect(await living()).toHaveLength(1);
  });

  it('then tells where it has gone, whatever is asked of it, and no appointment is called deleted', async () => {
    const session = open();
    const { remoteId, version } = await session.create(booking('r-1', MONDAY), call());
    const successor = { system: 'Autre-Editeur', agenda: '4711' };
    await control('POST', 'migrate', { agendaId: Number(AGENDA), successor });
    const named = { agendaId: AGENDA, reference: 'r-1' };
    const attempts = [
      pulled(session),
      session.find(named, call()),
      session.create(booking('r-2', MONDAY + 2 * HOUR), call()),
      session.update({ ...booking('r-1', MONDAY + 4 * HOUR), remoteId, version }, call()),
      session.cancel({ ...named, remoteId, version }, call()),
    ];
    for (const attempt of attempts)
      expect(await failure(attempt)).toMatchObject({
        kind: 'moved',
        movedTo: { connectorId: 'autre-editeur', agendaId: '4711' },
      });
    expect(await session.listAgendas(call())).toEqual([]);
    expect(await failure(pulled(open({ successor: 'in-house' })))).toMatchObject({
      kind: 'moved',
      movedTo: { connectorId: 'in-house', agendaId: '4711' },
    });
  });

  it('has not moved because something answers 410 in other words', async () => {
    await control('POST', 'faults', { faults: [{ kind: 'error', status: 410 }] });
    expect(await failure(pulled(open()))).toMatchObject({ kind: 'unavailable' });
  });
});

describe('the night', () => {
  it('is told, for writes too, and with when to come back: nothing was done', async () => {
    const session = open();
    await session.verify(call());
    const { now } = (await control('POST', 'clock', { advanceMs: 0 })) as { now: number };
    const three = 3 * HOUR - ((now + 2 * HOUR) % (24 * HOUR));
    await control('POST', 'nights', { on: true });
    await control('POST', 'clock', { advanceMs: three });
    for (const attempt of [pulled(session), session.create(booking('r-1', MONDAY), call())]) {
      const closed = await failure(attempt);
      expect(closed).toMatchObject({ kind: 'unavailable', status: 503 });
      expect(closed.retryAfterMs).toBeGreaterThan(0);
    }
    expect(await living()).toEqual([]);
  });
});

describe('dumps', () => {
  it('that hold less than they say are no dumps', async () => {
    await put(MONDAY);
    await put(MONDAY + 2 * HOUR);
    await control('POST', 'faults', { faults: [{ kind: 'partial-page' }] });
    expect((await failure(pulled(open()))).kind).toBe('unavailable');
  });

  it('tell an appointment that lasts past midnight once', async () => {
    await put(Date.parse('2027-06-07T20:00:00Z'), 6 * HOUR);
    expect(await pulled(open())).toHaveLength(1);
  });

  it('of another zone than the settings say are refused, not read an hour off', async () => {
    const refused = await failure(pulled(open({ timeZone: 'Indian/Reunion' })));
    expect(refused.kind).toBe('invalid');
    expect(refused.message).toContain('time zone');
  });
});

describe('writing', () => {
  it('into the later of two hours that look alike is refused, and nothing is written', async () => {
    const late = booking('r-late', Date.parse('2027-10-31T01:15:00Z'));
    expect((await failure(open().create(late, call()))).kind).toBe('invalid');
    expect(await living()).toEqual([]);
  });

  it('again what stands there already is no second appointment', async () => {
    const session = open();
    const first = await session.create(booking('r-1', MONDAY), call());
    expect(await session.create(booking('r-1', MONDAY), call())).toEqual(first);
    expect(await living()).toHaveLength(1);
  });

  it('frees a place for whoever waits for one at the vendor, and a cancelled visit is cancelled all the same', async () => {
    const session = open();
    const { remoteId, version } = await session.create(booking('r-1', MONDAY), call());
    await session.cancel({ agendaId: AGENDA, reference: 'r-1', remoteId, version }, call());
    expect(await living()).toMatchObject([{ title: 'Attente', start: MONDAY, by: 'patient' }]);
    expect(await session.find({ agendaId: AGENDA, reference: 'r-1' }, call())).toBeNull();
    expect((await failure(session.create(booking('r-2', MONDAY), call()))).kind).toBe('taken');
  });
});

describe('trying the connection', () => {
  it('says that this server must be on the list of addresses', async () => {
    await control('POST', 'addresses', { addresses: ['192.0.2.1'] });
    const refused = await failure(open().verify(call()));
    expect(refused.kind).toBe('forbidden');
    expect(refused.message).toContain('IP address');
  });

  it('says that no agenda has the motif; one that lacks it is only read', async () => {
    expect((await failure(open({ motif: 'URGENCE' }).verify(call()))).message).toContain('motif');
    const other = { id: 42, name: 'Dr Autre', motifs: ['BILAN'] };
    await control('POST', 'seed', { ...SEED, agendas: [...SEED.agendas, other] });
    const session = open();
    await session.verify(call());
    expect((await session.listAgendas(call())).map(({ id, writable }) => [id, writable])).toEqual([
      [AGENDA, true],
      ['42', false],
    ]);
  });
});
