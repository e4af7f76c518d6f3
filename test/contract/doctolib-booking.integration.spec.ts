import { describe, expect, it } from '@jest/globals';
import type { Session } from '#connector-sdk';
import { AGENDA, MINUTE, NINE, SCANNER, WINDOW, doctolibSituation } from './doctolib-situation.js';

describe('what is booked at a vendor of the Doctolib style', () => {
  const { open, booking, put, dump, standing, failure, arm, control, call } = doctolibSituation();

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

    it('a hold that ran out is taken again by the create, and one elsewhere under its reference is let go', async () => {
      const visit = booking();
      const { agendaId, reference } = visit;
      const keep = (start: number) =>
        open().hold!(
          { agendaId, reference, when: { start, end: start + 30 * MINUTE }, timeZone: 'Europe/Paris' },
          call(),
        );
      const { until } = await keep(NINE + 60 * MINUTE);
      expect(until - Date.now()).toBeGreaterThan(4 * MINUTE);
      await keep(NINE);
      expect((await dump()).holds).toMatchObject([{ start: NINE, reference }]);
      await control('POST', 'clock', { advanceMs: 6 * MINUTE });
      await open({}, () => Date.now() + 6 * MINUTE).create(visit, call());
      expect(await dump()).toMatchObject({ entries: [{ start: NINE }], holds: [] });
      expect((await failure(keep(NINE))).kind).toBe('taken');
    });

    it('what is held for us is not told as closed', async () => {
      const before = await open().rules!({ agendaId: AGENDA, window: WINDOW, timeZone: 'Europe/Paris' }, call());
      const { agendaId, reference } = booking();
      const when = { start: NINE, end: NINE + 30 * MINUTE };
      await open().hold!({ agendaId, reference, when, timeZone: 'Europe/Paris' }, call());
      expect(await open().rules!({ agendaId: AGENDA, window: WINDOW, timeZone: 'Europe/Paris' }, call())).toEqual(
        before,
      );
    });

    it('a hold that cannot be confirmed is released', async () => {
      expect(await failure(open({ motif: '34' }).create(booking(), call()))).toMatchObject({
        kind: 'forbidden',
        message: expect.stringContaining('QUESTION'),
      });
      expect(await dump()).toMatchObject({ entries: [], holds: [] });
    });

    it('a question is answered as the settings say', async () => {
      const answers = 'Depuis quand ? = non précisé';
      const made = open({ motif: '34', answers }).create(booking(), call());
      expect(await made).toMatchObject({ when: { start: NINE } });
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

    it('agendas that are arranged in another order are asked for anew, where order decides', async () => {
      let now = Date.now();
      const session = open({ motif: 'Scanner' }, () => now);
      await session.verify(call());
      await control('POST', 'rearrange');
      now += 10_000;
      await session.create(booking(NINE, SCANNER), call());
      await arm({ kind: 'latency', ms: 200, route: '/availabilities', times: 1 });
      const looking = rulesOf(session, SCANNER);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await control('POST', 'rearrange');
      expect((await looking).openings).toHaveLength(30);
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
});
