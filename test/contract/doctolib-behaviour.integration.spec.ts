import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectorError, type CreateRequest, type Session } from '#connector-sdk';
import { Mirror } from '#connector-testkit';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import doctolib from '../../libs/connectors/src/doctolib/connector.js';
import { controlOf, type Control, type Dumped } from './simulator-target.js';

const CLIENT = { clientId: 'behaviour-client', clientSecret: 'behaviour-secret' };
const AGENDA = 'practice-20/practitioner-40';
const SCANNER = 'practice-20/practitioner-41';
const WINDOW = { start: Date.parse('2027-05-01T00:00:00Z'), end: Date.parse('2027-09-01T00:00:00Z') };
const NINE = Date.parse('2027-06-07T07:00:00Z');
const MINUTE = 60_000;
const ALL_WEEK = [0, 1, 2, 3, 4, 5, 6].map((day) => ({ day, ranges: [['08:00', '18:00']] }));

const SEED = {
  profile: { id: 10, slug: 'cabinet', name: 'Cabinet' },
  clients: [{ id: CLIENT.clientId, secret: CLIENT.clientSecret }],
  practices: [{ id: 20, name: 'Cabinet', opening_hours: ALL_WEEK }],
  motives: [
    { id: 30, name: 'Suivi' },
    { id: 31, name: 'Première fois', closed_to_new: ['roux'] },
    { id: 32, name: 'Scanner' },
    { id: 33, name: 'Entre confrères' },
    { id: 34, name: 'Questions', custom_fields: [{ id: 'q1', label: 'Depuis quand ?', required: true }] },
    { id: 35, name: 'Enfant', ages: [{ agendas: ['roux'], operator: 'gt', age: 16 }] },
    { id: 36, name: 'Ailleurs' },
  ],
  agendas: [
    { key: 'salle', id: 50, name: 'Salle 1', practice_id: 20, practitioner_id: null, motives: [32] },
    {
      key: 'roux',
      id: 51,
      name: 'Dr Roux',
      practice_id: 20,
      practitioner_id: 40,
      motives: [30, 31, 33, 34, 35],
      only_for_doctors: [33],
    },
    {
      key: 'faure',
      id: 52,
      name: 'Dr Faure',
      practice_id: 20,
      practitioner_id: 41,
      motives: [30, 32],
      equipment_agendas_required: true,
    },
    { key: 'salle-2', id: 53, name: 'Salle 2', practice_id: 20, practitioner_id: null, motives: [32] },
  ],
};

describe('what happens at a vendor of the Doctolib style, as the connector tells it', () => {
  const vendors = createMockVendors();
  const sessions: Session[] = [];
  let origin = '';
  let control: Control;

  const call = () => ({ signal: AbortSignal.timeout(10_000) });
  const open = (settings: object = {}, now: () => number = Date.now): Session => {
    const all = { baseUrl: `${origin}/doctolib`, profile: 'cabinet', motif: '30', ...settings };
    const account = {
      settings: doctolib.config.settings.parse(all),
      secrets: doctolib.config.secrets.parse(CLIENT),
    };
    const session = doctolib.open(account, { timeoutMs: 1_000, allowPrivateNetworks: true, now });
    sessions.push(session);
    return session;
  };
  let references = 0;
  const booking = (start = NINE, agendaId = AGENDA): CreateRequest => {
    const content = { start, end: start + 30 * MINUTE, timeZone: 'Europe/Paris', summary: 'Suivi' };
    return { agendaId, reference: `visit-${String((references += 1))}`, content };
  };
  const put = async (start: number, more: object = {}): Promise<Dumped> => {
    const entry = { start, end: start + 30 * MINUTE, title: 'Privé', ...more };
    return (await control('POST', 'edit', { action: 'create', agendaId: 'roux', entry }))['entry'] as Dumped;
  };
  const dump = async (): Promise<{ entries: Dumped[]; holds: { agendaId: string }[] }> =>
    (await control('GET', 'dump')) as never;
  const standing = async (): Promise<Dumped[]> => (await dump()).entries.filter(({ deleted }) => !deleted);
  const failure = async (attempt: Promise<unknown>): Promise<ConnectorError> => {
    const outcome: unknown = await attempt.then(
      () => null,
      (error: unknown) => error,
    );
    if (!ConnectorError.is(outcome)) throw new Error('a failure was expected', { cause: outcome });
    return outcome;
  };
  const arm = (...faults: object[]): Promise<unknown> => control('POST', 'faults', { faults });

  beforeAll(async () => {
    origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
    control = controlOf(origin, 'doctolib');
  });
  afterAll(async () => {
    for (const session of sessions) session.close();
    await vendors.close();
  });
  beforeEach(async () => {
    await control('POST', 'reset');
    await control('POST', 'seed', SEED);
  });

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

  describe('hold, fill, confirm', () => {
    it('a hold whose answer was lost is found and confirmed', async () => {
      await arm({ kind: 'drop-after-commit', method: 'POST', route: '/appointments', times: 1 });
      const { reference, ...rest } = booking();
      expect(await open().create({ reference, ...rest }, call())).toMatchObject({ reference, version: '1' });
      expect(await dump()).toMatchObject({ entries: [{ start: NINE }], holds: [] });
    });

    it('what an earlier attempt left behind is taken over, or let go when it stands elsewhere', async () => {
      const first = booking();
      await arm({ kind: 'error', status: 503, method: 'PUT', route: '/appointments', times: 1 });
      expect((await failure(open().create(first, call()))).kind).toBe('unknown');
      expect((await dump()).holds).toHaveLength(1);
      await open().create({ ...first, content: booking(NINE + 60 * MINUTE).content }, call());
      expect(await dump()).toMatchObject({ entries: [{ start: NINE + 60 * MINUTE }], holds: [] });
    });

    it('an appointment that was moved by the practitioner is not made a second time', async () => {
      const visit = booking();
      const { remoteId } = await open().create(visit, call());
      const to = { start: NINE + 120 * MINUTE, end: NINE + 150 * MINUTE };
      await control('POST', 'edit', { action: 'move', agendaId: 'roux', id: remoteId, ...to });
      expect(await open().create(visit, call())).toMatchObject({ remoteId, when: to });
      expect(await dump()).toMatchObject({ entries: [{ start: to.start }], holds: [] });
    });

    it('one that the practitioner cancelled is not made anew', async () => {
      const visit = booking();
      const { remoteId } = await open().create(visit, call());
      await control('POST', 'edit', { action: 'delete', agendaId: 'roux', id: remoteId });
      expect((await failure(open().create(visit, call()))).kind).toBe('stale');
      expect(await standing()).toEqual([]);
      expect((await dump()).holds).toEqual([]);
    });

    it('a place that an online patient took is taken, though the answer says 200', async () => {
      await control('POST', 'edit', {
        ...{ action: 'create', agendaId: 'roux', by: 'patient' },
        entry: { start: NINE, end: NINE + 30 * MINUTE, title: 'Mme Durand', patient: 'durand', motive: 30 },
      });
      expect((await failure(open().create(booking(NINE + 15 * MINUTE), call()))).kind).toBe('taken');
    });

    it('a cancel by reference ends a hold whose confirmation may still arrive', async () => {
      const visit = booking();
      await arm({ kind: 'error', status: 503, method: 'PUT', route: '/appointments', times: 1 });
      await failure(open().create(visit, call()));
      await open().cancel({ ...visit, remoteId: null, version: null }, call());
      expect(await dump()).toMatchObject({ entries: [], holds: [] });
    });

    it('a hold that cannot be confirmed is released', async () => {
      expect(await failure(open({ motif: '34' }).create(booking(), call()))).toMatchObject({
        kind: 'forbidden',
        message: expect.stringContaining('QUESTION'),
      });
      expect(await dump()).toMatchObject({ entries: [], holds: [] });
    });
  });

  describe('rules of the vendor', () => {
    it.each([
      ['33', 'AUDIENCE'],
      ['32', 'MOTIF'],
    ])('motif %s is refused as forbidden, with %s', async (motif, reason) => {
      const error = await failure(open({ motif }).create(booking(), call()));
      expect([error.kind, error.message]).toEqual(['forbidden', expect.stringContaining(reason)]);
      expect((await dump()).holds).toEqual([]);
    });

    const MONTH = { start: Date.parse('2027-06-01T00:00:00Z'), end: Date.parse('2027-07-01T00:00:00Z') };
    const rulesOf = (session: Session, agendaId = AGENDA) =>
      session.rules!({ agendaId, window: MONTH, timeZone: 'Europe/Paris' }, call());

    it.each([
      ['30', { newPatients: 'accepted', age: null }],
      ['31', { newPatients: 'refused', age: null }],
      ['35', { newPatients: 'accepted', age: { minYears: null, maxYears: 16 } }],
    ])('for whom motif %s is, is told to the hub, and booked for those whom it lets through', async (motif, whom) => {
      const session = open({ motif });
      expect(await rulesOf(session)).toMatchObject(whom);
      await session.create(booking(), call());
      expect(await standing()).toHaveLength(1);
    });

    it.each(['text', 'object', 'pair'])('when it may be booked is told from slots written as %s', async (slots) => {
      await control('POST', 'seed', { slots });
      await put(NINE);
      const { openings } = await rulesOf(open());
      // Every day from eight to six, the hour that is taken as well.
      expect(openings).toHaveLength(30);
      expect(openings?.[6]).toEqual({ start: NINE - 60 * MINUTE, end: NINE + 9 * 60 * MINUTE });
    });

    it('where it may not be booked at all, nothing is open; behind a wall, nothing is known', async () => {
      expect((await rulesOf(open({ motif: '33' }))).openings).toEqual([]);
      const session = open();
      await control('POST', 'change-agenda', { agendaId: 'roux', booking_disabled: true });
      expect((await rulesOf(session)).openings).toEqual([]);
      await control('POST', 'ban');
      expect((await failure(rulesOf(session))).kind).toBe('unavailable');
    });

    it('outside of its hours the vendor refuses', async () => {
      expect((await failure(open().create(booking(NINE - 90 * MINUTE), call()))).kind).toBe('taken');
      const openings = [0, 4].map((n) => ({ start: NINE + n * 60 * MINUTE, end: NINE + (n + 1) * 60 * MINUTE }));
      await control('POST', 'open-only', { agendaId: 'roux', openings });
      await open().create(booking(NINE), call());
      expect((await failure(open().create(booking(NINE + 60 * MINUTE), call()))).kind).toBe('taken');
      expect((await rulesOf(open())).openings).toEqual(openings);
    });

    it('equipment narrows what may be booked, in the order of the moment', async () => {
      const session = open({ motif: 'Scanner' });
      for (const agendaId of ['salle', 'salle-2'])
        await control('POST', 'edit', {
          ...{ action: 'create', agendaId },
          entry: { start: NINE, end: NINE + 60 * MINUTE, title: 'Entretien' },
        });
      await control('POST', 'rotate-ids');
      const { openings } = await rulesOf(session, SCANNER);
      expect(openings).toHaveLength(31);
      expect(openings?.slice(6, 8)).toEqual([
        { start: NINE - 60 * MINUTE, end: NINE },
        { start: NINE + 60 * MINUTE, end: NINE + 9 * 60 * MINUTE },
      ]);
    });

    it('an agenda that was switched off meanwhile is refused by the vendor itself', async () => {
      const session = open();
      await session.verify(call());
      await control('POST', 'change-agenda', { agendaId: 'roux', booking_temporary_disabled: true });
      const error = await failure(session.create(booking(), call()));
      expect([error.kind, error.message]).toEqual(['forbidden', expect.stringContaining('TEMP_DISABLED')]);
    });

    it.each(['text', 'object', 'pair'])('equipment is found in slots written as %s', async (slots) => {
      await control('POST', 'seed', { slots });
      const session = open({ motif: 'Scanner' });
      await session.create(booking(NINE, SCANNER), call());
      // The same room twice would be an overlap; the second one is another.
      const busy = { start: NINE + 60 * MINUTE, end: NINE + 90 * MINUTE, title: 'Entretien' };
      await control('POST', 'edit', { action: 'create', agendaId: 'salle', entry: busy });
      await session.create(booking(NINE + 60 * MINUTE, SCANNER), call());
      await control('POST', 'edit', {
        action: 'create',
        agendaId: 'salle',
        entry: { ...busy, start: busy.end, end: busy.end + 30 * MINUTE },
      });
      await control('POST', 'edit', {
        action: 'create',
        agendaId: 'salle-2',
        entry: { ...busy, start: busy.end, end: busy.end + 30 * MINUTE },
      });
      expect((await failure(session.create(booking(NINE + 90 * MINUTE, SCANNER), call()))).kind).toBe('taken');
      expect((await standing()).filter(({ agendaId }) => agendaId === 'faure')).toHaveLength(2);
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
