import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { createMockVendors } from '../server.js';

const AGENDA = '6007098df398765a70e9f001';
const CLOSED = '6007098df398765a70e9f002';
const CENTER = '6007098df398765a70e9f0c1';
const REASON = '6007098df398765a70e9f0a1';
const KEY = 'simulator-key';
const START = '2027-06-07T07:00:00.000Z';
const END = '2027-06-07T07:30:00.000Z';
const API = '/maiia/api/partner';

describe('the simulator in the style of Maiia', () => {
  let app: FastifyInstance;
  let token: string;

  const control = async (path: string, payload: object = {}) =>
    (await app.inject({ method: 'POST', url: `/maiia/__control/${path}`, payload })).json<Record<string, unknown>>();
  const api = async (method: 'GET' | 'POST' | 'PATCH', path: string, payload?: object) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await app.inject({ method, url: `${API}${path}`, headers, ...(payload ? { payload } : {}) });
    return { status: answer.statusCode, body: answer.json() };
  };
  const slots = (name: string) =>
    api(
      'GET',
      `/availabilities?centerId=${CENTER}&consultationReasonName=${encodeURIComponent(name)}&from=2027-06-07T00:00:00&to=2027-06-08T00:00:00`,
    );
  const booking = (more: object = {}) => ({
    agendaId: AGENDA,
    externalId: 'x-1',
    consultationReasonName: 'Consultation',
    outOfAvailability: true,
    startDateTime: START,
    endDateTime: END,
    title: 'Visite',
    ...more,
  });

  beforeEach(async () => {
    app = createMockVendors();
    await control('seed', {
      keys: [{ apiKey: KEY, account: 'Cabinet', agendaIds: [AGENDA, CLOSED] }],
      agendas: [
        {
          id: AGENDA,
          name: 'Dr A',
          centerId: CENTER,
          onlineAvailabilityVisibilityLimit: 3650,
          openings: [{ day: 1, from: '09:00', to: '11:00' }],
        },
        { id: CLOSED, name: 'Dr B', centerId: CENTER, isOnlineAppointment: false },
      ],
      reasons: [{ id: REASON, name: 'Consultation', agendaIds: [AGENDA], minutes: 30 }],
    });
    const login = await app.inject({ method: 'POST', url: `${API}/auth/token`, payload: { apiKey: KEY } });
    token = login.json<{ accessToken: string }>().accessToken;
  });
  afterEach(() => app.close());

  it('offers slots by the motif’s name, under ids that outlive nothing, and none under another name', async () => {
    const before = await slots('Consultation');
    expect(before.body).toMatchObject({ total: 4, items: [{ startDateTime: START, endDateTime: END }, {}, {}, {}] });
    await control('regenerate-slots');
    const after = await slots('Consultation');
    expect(after.body.items[0].id).not.toBe(before.body.items[0].id);
    const stale = booking({ availabilityId: before.body.items[0].id, outOfAvailability: false });
    expect(await api('POST', '/appointments', stale)).toEqual({ status: 409, body: { code: 'AVAILABILITY_UNKNOWN' } });
    await control('rename-reason', { id: REASON, name: 'Consultation longue' });
    expect((await slots('Consultation')).body).toEqual({ items: [], total: 0 });
  });

  it('books once under one external id, refuses overlaps, and forgets no external id', async () => {
    const made = await api('POST', '/appointments', booking());
    expect(made).toMatchObject({ status: 201, body: { status: 'CONFIRMED', externalId: 'x-1', startDateTime: START } });
    expect(await api('POST', '/appointments', booking())).toEqual({ status: 200, body: made.body });
    const other = await api('POST', '/appointments', booking({ externalId: 'x-2' }));
    expect(other).toEqual({ status: 409, body: { code: 'SLOT_TAKEN' } });
    await api('PATCH', `/appointments/${made.body.id}`, { status: 'CANCELLED' });
    expect(await api('POST', '/appointments', booking())).toMatchObject({ status: 200, body: { status: 'CANCELLED' } });
  });

  it.each([
    ['a motif of no such name', { consultationReasonName: 'consultation' }, 422, 'CONSULTATION_REASON_UNKNOWN'],
    ['a motif of another agenda', { agendaId: CLOSED }, 422, 'CONSULTATION_REASON_NOT_ALLOWED'],
    ['no slot and no word of it', { outOfAvailability: false }, 422, 'AVAILABILITY_REQUIRED'],
    ['closed hours', { endDateTime: '2027-06-07T09:30:00.000Z' }, 409, 'OUTSIDE_OPENINGS'],
    ['an end before its start', { endDateTime: START }, 400, 'INVALID_DATES'],
  ])('refuses %s', async (_what, more, status, code) => {
    expect(await api('POST', '/appointments', booking(more))).toEqual({ status, body: { code } });
  });

  it('takes no change of what was changed meanwhile', async () => {
    const { body } = await api('POST', '/appointments', booking());
    await control('edit', { action: 'retitle', agendaId: AGENDA, id: body.id, title: 'Autre' });
    const late = await api('PATCH', `/appointments/${body.id}`, { title: 'Tard', updateDate: body.updateDate });
    expect(late).toEqual({ status: 409, body: { code: 'UPDATE_DATE_STALE' } });
  });

  it('lets patients book online where that is allowed and free', async () => {
    const entry = { start: Date.parse(START), end: Date.parse(END), title: 'Patient' };
    const online = (agendaId: string) => control('edit', { action: 'create', by: 'patient', agendaId, entry });
    expect(await online(AGENDA)).toMatchObject({ entry: { by: 'patient' } });
    expect(await online(AGENDA)).toEqual({ error: { code: 'overlap' } });
    expect(await online(CLOSED)).toEqual({ error: { code: 'AGENDA_NOT_ONLINE' } });
  });

  it('spends a refresh token at its first use', async () => {
    const ask = (path: string, payload: object) => app.inject({ method: 'POST', url: `${API}/auth/${path}`, payload });
    const { refreshToken } = (await ask('token', { apiKey: KEY })).json<{ refreshToken: string }>();
    expect((await ask('refresh', { refreshToken })).statusCode).toBe(200);
    expect((await ask('refresh', { refreshToken })).json()).toEqual({ code: 'REFRESH_TOKEN_SPENT' });
  });
});
