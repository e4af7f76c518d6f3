import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import maiia from '../../libs/connectors/src/maiia/connector.js';
import type { PullItem, Session, SharedTokens } from '#connector-sdk';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { DavProxy } from '../support/dav-proxy.js';
import { AGENDA, API_KEY, REASON, SEED } from './maiia-target.js';
import { controlOf, type Control, type Dumped } from './simulator-target.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MORNING = Date.parse('2027-06-07T07:00:00Z');
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const ONE_OFF = { action: 'create', agendaId: AGENDA };
const BOOKING = {
  agendaId: AGENDA,
  reference: 'unisson-1',
  content: { start: MORNING, end: MORNING + HOUR_MS, timeZone: 'Europe/Paris', summary: 'Visite' },
};

describe('the connector of an agenda that is polled, and whose motifs go by name', () => {
  let app: ReturnType<typeof createMockVendors>;
  let proxy: DavProxy;
  let control: Control;
  let direct: string;
  const sessions: Session[] = [];

  beforeAll(async () => {
    app = createMockVendors();
    const origin = await app.listen({ host: '127.0.0.1', port: 0 });
    proxy = await DavProxy.start(origin);
    control = controlOf(origin, 'maiia');
    direct = `${origin}/maiia`;
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

  function open(parts: { motif?: string; tokens?: SharedTokens; apiKey?: string; now?: () => number } = {}): Session {
    const { motif = 'Consultation de suivi', tokens, apiKey = API_KEY, now = Date.now } = parts;
    const settings = { baseUrl: `${proxy.url}maiia/api/partner`, authUrl: `${direct}/api/partner/auth`, motif };
    const context = { timeoutMs: 3_000, allowPrivateNetworks: true, now, ...(tokens ? { tokens } : {}) };
    const session = maiia.open({ settings, secrets: { apiKey } }, context);
    sessions.push(session);
    return session;
  }

  const call = () => ({ signal: AbortSignal.timeout(10_000) });
  const put = async (start: number, title = 'Privé'): Promise<string> => {
    const made = await control('POST', 'edit', { ...ONE_OFF, entry: { start, end: start + HOUR_MS / 2, title } });
    return (made['entry'] as { id: string }).id;
  };
  const dumped = async () =>
    ((await control('GET', 'dump')) as unknown as { entries: (Dumped & { consultationReasonId: string })[] }).entries;
  const asked = async (): Promise<Record<string, number>> =>
    (await control('GET', 'requests'))['counts'] as Record<string, number>;
  const logins = async () => (await asked())['POST /maiia/api/partner/auth/token'] ?? 0;

  /** A pull of a hub that knows nothing but its cursor, unless told. */
  async function pull(session: Session, cursor: string | null, known = new Map<string, string | null>()) {
    const items: PullItem[] = [];
    const request = { agendaId: AGENDA, cursor, window: WINDOW, timeZone: 'Europe/Paris', known: async () => known };
    for await (const item of session.pull(request, call())) items.push(item);
    const end = items.at(-1);
    if (end?.type !== 'end') throw new Error('no end');
    const changes = items.flatMap((item) => (item.type === 'changes' ? item.changes : []));
    return { changes, cursor: end.cursor, present: end.complete?.present };
  }

  it('books under the name that the motif has now, and says that it was renamed', async () => {
    const tokens = memory();
    const session = open({ tokens });
    await session.create(BOOKING, call());
    await control('POST', 'rename-reason', { id: REASON, name: 'Suivi' });
    const second = { ...BOOKING, reference: 'unisson-2' };
    const content = { ...BOOKING.content, start: MORNING + DAY_MS, end: MORNING + DAY_MS + HOUR_MS };
    await session.create({ ...second, content }, call());
    expect((await dumped()).map((one) => one.consultationReasonId)).toEqual([REASON, REASON]);
    expect((await open({ tokens }).verify(call())).account).toBe(
      'Cabinet Kit (motif « Consultation de suivi » renommé « Suivi »)',
    );
  });

  it('says which setting is wrong and which right is missing', async () => {
    await expect(open({ motif: 'Vaccin' }).verify(call())).rejects.toMatchObject({ kind: 'invalid' });
    expect(await open({ motif: 'Vaccin' }).listAgendas(call())).toMatchObject([{ id: AGENDA, writable: false }]);
    expect(await open().listAgendas(call())).toMatchObject([{ id: AGENDA, writable: true, timeZone: 'Europe/Paris' }]);
    const apiKey = 'kit-maiia-reading-key';
    const reading = { apiKey, account: 'Cabinet Kit', agendaIds: [AGENDA], scopes: ['appointments:read'] };
    await control('POST', 'seed', { keys: [reading] });
    await expect(open({ apiKey }).verify(call())).rejects.toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('appointments:write'),
    });
  });

  it('does not book under a motif that is gone', async () => {
    const session = open();
    await session.verify(call());
    await control('POST', 'remove-reason', { id: REASON });
    await expect(session.create(BOOKING, call())).rejects.toMatchObject({ kind: 'invalid' });
    expect(await dumped()).toEqual([]);
  });

  it('finds a slot again that got another id between the look and the booking', async () => {
    let made = 0;
    proxy.interfere = ({ method }) => {
      if (method !== 'POST' || made > 0) return undefined;
      made += 1;
      void control('POST', 'regenerate-slots');
      return { heldUpMs: 200 };
    };
    await open().create(BOOKING, call());
    const written = proxy.passed.filter(({ method }) => method === 'POST').map(({ status }) => status);
    expect(written).toEqual([409, 201]);
  });

  it('sees a change that became visible late, and tells it once', async () => {
    const session = open();
    await put(MORNING);
    const first = await pull(session, null);
    const late = await put(MORNING + DAY_MS);
    await control('POST', 'backdate', { id: late, ms: 90_000 });
    const known = new Map(
      first.changes.flatMap((one) => (one.kind === 'upsert' ? [[one.object.remoteId, one.object.version]] : [])) as [
        string,
        string,
      ][],
    );
    const second = await pull(session, first.cursor, known);
    expect(second.changes).toMatchObject([{ kind: 'upsert', object: { remoteId: late } }]);
    known.set(late, (second.changes[0] as { object: { version: string } }).object.version);
    expect((await pull(session, second.cursor, known)).changes).toEqual([]);
  });

  it('loses nothing when one leaves the window and another enters it between two pages', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 130; n += 1) ids.push(await put(MORNING + n * HOUR_MS));
    const outside = await put(MORNING + 400 * DAY_MS);
    let pages = 0;
    proxy.interfere = ({ target }) => {
      if (!target.includes('&from=') && !target.includes('?from=')) return undefined;
      pages += 1;
      if (pages !== 2) return undefined;
      const to = { action: 'move', agendaId: AGENDA };
      void control('POST', 'edit', { ...to, id: ids[0], start: MORNING + 500 * DAY_MS, end: MORNING + 501 * DAY_MS });
      void control('POST', 'edit', { ...to, id: outside, start: MORNING + 60 * DAY_MS, end: MORNING + 61 * DAY_MS });
      return { heldUpMs: 200 };
    };
    const { present } = await pull(open(), null);
    expect([...(present ?? [])].sort()).toEqual([...ids.slice(1), outside].sort());
    expect(pages).toBe(4);
  });

  describe('told of what the practitioner’s own tool lets be booked', () => {
    const week = { start: MORNING - 2 * DAY_MS, end: MORNING + 7 * DAY_MS };
    const now = () => MORNING - DAY_MS;
    const ask = (session: Session) =>
      session.rules?.({ agendaId: AGENDA, window: week, timeZone: 'Europe/Paris' }, call());
    const agenda = { ...SEED.agendas[0], openings: [{ day: 1, from: '09:00', to: '12:00' }] };

    it('knows the hours, taken or not, and the age that the motif is for', async () => {
      const reasons = [{ ...SEED.reasons[0], minimumAge: 16 }];
      await control('POST', 'seed', { agendas: [agenda], reasons });
      await put(MORNING + HOUR_MS);
      expect(await ask(open({ now }))).toEqual({
        openings: [
          { start: MORNING, end: MORNING + 1.5 * HOUR_MS },
          { start: MORNING + 2 * HOUR_MS, end: MORNING + 3 * HOUR_MS },
        ],
        newPatients: 'accepted',
        age: { minYears: 16, maxYears: null },
      });
    });

    it('takes no hours for closed beyond the days that are shown, nor where nothing is offered', async () => {
      await control('POST', 'clock', { advanceMs: now() - Date.now() });
      await control('POST', 'seed', { agendas: [{ ...agenda, onlineAvailabilityVisibilityLimit: 2 }] });
      expect((await ask(open({ now })))?.openings).toEqual([
        { start: MORNING, end: MORNING + 3 * HOUR_MS },
        { start: MORNING + DAY_MS, end: week.end },
      ]);
      await control('POST', 'seed', { agendas: [{ ...agenda, isOnlineAppointment: false }] });
      expect((await ask(open({ now })))?.openings).toBeNull();
      await control('POST', 'seed', { agendas: [{ ...agenda, openings: [] }] });
      expect((await ask(open({ now })))?.openings).toBeNull();
    });

    it('is not misled by a motif that is renamed while its slots are read', async () => {
      await control('POST', 'seed', { agendas: [agenda] });
      let renamed = false;
      proxy.interfere = ({ target }) => {
        if (renamed || !target.includes('/availabilities')) return undefined;
        renamed = true;
        void control('POST', 'rename-reason', { id: REASON, name: 'Suivi' });
        return { heldUpMs: 200 };
      };
      expect((await ask(open({ now })))?.openings).toEqual([{ start: MORNING, end: MORNING + 3 * HOUR_MS }]);
    });
  });

  it('shares its tokens: one login for all sessions, a refresh for what was refused, a login when even that is spent', async () => {
    const tokens = memory();
    const [one, two] = [open({ tokens }), open({ tokens })];
    await one.verify(call());
    await two.verify(call());
    expect(await logins()).toBe(1);
    await control('POST', 'expire-access-tokens');
    await one.verify(call());
    await two.verify(call());
    expect([await logins(), (await asked())['POST /maiia/api/partner/auth/refresh']]).toEqual([1, 1]);
    await control('POST', 'expire-access-tokens');
    await control('POST', 'expire-refresh-tokens');
    await two.verify(call());
    expect(await logins()).toBe(2);
  });

  it('renews a token before it ends', async () => {
    let ahead = 0;
    const session = open({ now: () => Date.now() + ahead });
    await session.verify(call());
    ahead = 280_000;
    await control('POST', 'clock', { advanceMs: ahead });
    await session.verify(call());
    const { recent } = (await control('GET', 'requests')) as unknown as { recent: { status: number }[] };
    expect(recent.filter(({ status }) => status === 401)).toEqual([]);
    expect((await asked())['POST /maiia/api/partner/auth/refresh']).toBe(1);
  });

  it('keeps the cursor of an agenda in which nothing happens', async () => {
    await put(MORNING);
    const session = open();
    let { cursor } = await pull(session, null);
    for (let time = 0; time < 3; time += 1) {
      await control('POST', 'clock', { advanceMs: 60 * DAY_MS });
      ({ cursor } = await pull(session, cursor));
    }
    expect((await pull(session, cursor)).changes).toEqual([]);
  });

  it('slows down when it is told to, for as long as it is told', async () => {
    await control('POST', 'seed', { requestsPerMinute: 3 });
    const session = open();
    const attempt = async (): Promise<void> => {
      for (let time = 0; time < 10; time += 1) await session.find({ agendaId: AGENDA, reference: 'none' }, call());
    };
    await expect(attempt()).rejects.toMatchObject({ kind: 'rate_limited', retryAfterMs: expect.any(Number) });
  });
});

function memory(): SharedTokens {
  let stored: string | null = null;
  return {
    read: async () => stored,
    async replace(expected, next) {
      if (stored !== expected) return false;
      stored = next;
      return true;
    },
  };
}
