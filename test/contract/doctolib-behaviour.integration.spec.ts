import { describe, expect, it } from '@jest/globals';
import { Mirror } from '#connector-testkit';
import { AGENDA, CLIENT, MINUTE, NINE, SCANNER, WINDOW, doctolibSituation } from './doctolib-situation.js';

describe('what happens at a vendor of the Doctolib style, as the connector tells it', () => {
  const { open, booking, put, dump, standing, failure, arm, control, call } = doctolibSituation();

  describe('agendas that get other numbers', () => {
    it('are followed by place and practitioner, between walks, within them, and in a booking', async () => {
      const session = open();
      const mirror = new Mirror(session, AGENDA, WINDOW);
      await put(NINE);
      await mirror.pull(call().signal);
      await control('POST', 'rotate-ids');
      // The session believes that it knows the practice, and is told otherwise.
      const { remoteId } = await session.create(booking(NINE + 60 * MINUTE), call());
      expect((await mirror.pull(call().signal)).added.map((object) => object.remoteId)).toEqual([remoteId]);
      await control('POST', 'rotate-ids');
      expect(await session.find({ agendaId: AGENDA, reference: 'visit-0' }, call())).toBeNull();
      expect((await session.listAgendas(call())).map(({ id }) => id).sort()).toEqual([AGENDA, SCANNER]);
      expect(mirror.objects.size).toBe(2);
    });

    it('are read anew before each walk, and once for bookings in a row', async () => {
      const session = open();
      for (let n = 0; n < 3; n += 1) await new Mirror(session, AGENDA, WINDOW).pull(call().signal);
      for (let n = 0; n < 3; n += 1) await session.create(booking(NINE + n * 60 * MINUTE), call());
      const { counts } = (await control('GET', 'requests')) as { counts: Record<string, number> };
      expect(counts['GET /doctolib/online_booking/api/slot_selection_funnel/v1/info.json']).toBe(3);
    });

    it('are followed from number to number where nothing else names them', async () => {
      const twin = { key: 'roux-2', id: 54, name: 'Dr Roux bis', practice_id: 20, practitioner_id: 40, motives: [30] };
      await control('POST', 'seed', { agendas: [twin] });
      const ids = (await open().listAgendas(call())).map(({ id }) => id);
      expect(ids).toEqual(['agenda-51', SCANNER, 'agenda-54']);
      for (let time = 0; time < 2; time += 1) await control('POST', 'rotate-ids');
      await open().create(booking(NINE, 'agenda-54'), call());
      expect(await standing()).toMatchObject([{ agendaId: 'roux-2' }]);
    });

    it('are gone without a successor, and then never read as empty', async () => {
      const session = open();
      const mirror = new Mirror(session, AGENDA, WINDOW);
      await put(NINE);
      await mirror.pull(call().signal);
      await control('POST', 'remove-agenda', { agendaId: 'roux' });
      expect((await failure(mirror.pull(call().signal))).kind).toBe('not_found');
      expect((await failure(session.create(booking(), call()))).kind).toBe('invalid');
    });
  });

  describe('what stands before the API', () => {
    it.each([
      ['ban', {}, 15 * 60_000],
      ['waiting-room', { seconds: 42 }, 42_000],
    ])('%s: nothing is read, nothing is written, nothing is taken away', async (action, body, retryAfterMs) => {
      const session = open();
      const mirror = new Mirror(session, AGENDA, WINDOW);
      await put(NINE);
      await mirror.pull(call().signal);
      await control('POST', action, body);
      for (const attempt of [mirror.pull(call().signal), session.create(booking(), call()), open().verify(call())])
        expect(await failure(attempt)).toMatchObject({ kind: 'unavailable', retryAfterMs });
      expect(mirror.objects.size).toBe(1);
      expect((await dump()).holds).toEqual([]);
    });

    it('too many requests: asks to slow down, then blocks who does not', async () => {
      await control('POST', 'seed', { quota: 3 });
      const session = open();
      await session.verify(call());
      expect(await failure(session.verify(call()))).toMatchObject({ kind: 'rate_limited', retryAfterMs: 30_000 });
      for (let n = 0; n < 12; n += 1) await failure(session.verify(call()));
      expect(await failure(session.verify(call()))).toMatchObject({ kind: 'unavailable', status: 403 });
    });

    it('a token that ended is replaced, once', async () => {
      const session = open();
      await session.verify(call());
      await control('POST', 'expire-tokens');
      await session.create(booking(), call());
      await control('POST', 'clock', { advanceMs: 16 * MINUTE });
      await session.verify(call());
    });
  });

  describe('testing the connection', () => {
    const client = (more: object): Promise<unknown> =>
      control('POST', 'seed', { clients: [{ id: CLIENT.clientId, secret: CLIENT.clientSecret, ...more }] });

    it('names the account', async () => {
      expect(await open().verify(call())).toEqual({ account: 'Cabinet' });
    });

    it('says which right is missing', async () => {
      await client({ scopes: ['appointments:read'] });
      expect(await failure(open().verify(call()))).toMatchObject({
        kind: 'forbidden',
        message: expect.stringContaining('appointments:write'),
      });
      await client({ consents: [] });
      expect((await failure(open().verify(call()))).message).toContain('no practitioner of this profile has agreed');
      await client({ consents: ['faure'] });
      expect((await open().listAgendas(call())).map(({ id }) => id)).toEqual([SCANNER]);
      expect((await failure(open().create(booking(), call()))).kind).toBe('forbidden');
    });

    it.each([
      [{ profile: 'cabinet-d-en-face' }, 'profile'],
      [{ motif: 'Suivie' }, 'motif'],
    ])('says which setting is wrong: %j', async (settings, name) => {
      expect(await failure(open(settings).verify(call()))).toMatchObject({
        kind: 'invalid',
        message: expect.stringContaining(`"${name}"`),
      });
    });

    it('says why the motif cannot be booked on any agenda', async () => {
      expect(await failure(open({ motif: 'Ailleurs' }).verify(call()))).toMatchObject({
        kind: 'forbidden',
        message: expect.stringContaining('MOTIF'),
      });
    });
  });

  it('what moved from a later window into one that was read is not taken for deleted', async () => {
    const mirror = new Mirror(open(), AGENDA, WINDOW);
    const moved = await put(NINE + 40 * 1440 * MINUTE);
    await put(NINE);
    await mirror.pull(call().signal);
    // The second window is slow, and meanwhile the appointment moves into the first one.
    await arm({ kind: 'latency', ms: 300, route: '/appointments', nth: 3 });
    const walk = mirror.pull(call().signal);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const to = { start: NINE + 60 * MINUTE, end: NINE + 90 * MINUTE };
    await control('POST', 'edit', { action: 'move', agendaId: 'roux', id: moved.id, ...to });
    const report = await walk;
    expect(report.removed).toEqual([]);
    expect(mirror.objects.get(moved.id)?.when).toEqual(to);
  });
});
