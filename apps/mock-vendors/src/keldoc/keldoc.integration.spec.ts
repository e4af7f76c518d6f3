import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { createMockVendors } from '../server.js';

const AGENDA = 552;
const MOTIVE = 366;
const SECRET = 'simulator-secret';
const TYPE = 'application/json';
/** A Monday, nine o'clock in Paris. */
const START = '2027-06-07T09:00:00+02:00';

interface Asked {
  readonly payload?: object;
  readonly headers?: Record<string, string>;
  readonly secret?: string;
  readonly date?: string;
}

describe('the simulator in the style of Keldoc', () => {
  let app: FastifyInstance;

  const control = async (path: string, payload: object) =>
    (await app.inject({ method: 'POST', url: `/keldoc/__control/${path}`, payload })).json<Record<string, unknown>>();
  /** As the public client does: Paris time without its zone's name, the whole header stripped. */
  const now = () => new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, '+01:00');
  const api = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, asked: Asked = {}) => {
    const { payload, secret = SECRET, date = now() } = asked;
    const signature = createHmac('sha256', secret).update(`${date},${TYPE}`).digest('base64');
    const headers = {
      authorization: `Bearer KEY552:${signature}`.replace(/[^A-Za-z0-9=:\s]/g, ''),
      accept: 'application/vnd.keldoc-v1+json',
      'content-type': TYPE,
      date,
      ...asked.headers,
    };
    const answer = await app.inject({
      method,
      url: `/keldoc/partners${path}`,
      headers,
      ...(payload ? { payload } : {}),
    });
    return { status: answer.statusCode, body: answer.json() };
  };
  const booking = (more: object = {}) => ({
    payload: { start_at: START, agenda_id: AGENDA, state: 'confirmed', duration: 1800, motive_id: MOTIVE, ...more },
  });

  beforeEach(async () => {
    app = createMockVendors();
    await control('seed', {
      accounts: [{ accessKeyId: 'KEY552', secret: SECRET, agendaIds: [AGENDA], dailyQuota: 50 }],
      agendas: [
        { id: AGENDA, name: 'Dr A', openings: [{ day: 1, from: '09:00', to: '10:00' }] },
        { id: 1671, name: 'Autre cabinet' },
      ],
      motives: [{ id: MOTIVE, name: 'Consultation', specialty_id: 3, duration: 20 }],
      specialties: [{ id: 3, name: 'ORL' }],
    });
  });
  afterEach(() => app.close());

  it('believes a fresh date that is signed with the secret, in a form it accepts', async () => {
    expect((await api('GET', '/config')).body).toMatchObject({
      agendas: [{ id: AGENDA, name: 'Dr A' }],
      motives: [{ id: MOTIVE, duration: 20 }],
      specialties: [{ id: 3 }],
    });
    const old = new Date(Date.now() + 3_600_000 - 6 * 60_000).toISOString().replace(/\.\d+Z$/, '+01:00');
    const refused = [{ secret: 'another-secret' }, { date: old }, { date: new Date().toUTCString() }];
    for (const asked of refused) expect((await api('GET', '/config', asked)).status).toBe(401);
    expect((await api('GET', '/config', { headers: { accept: TYPE } })).status).toBe(406);
  });

  it('writes times of Paris without a colon, and refuses overlaps as it refuses what does not validate', async () => {
    const made = await api('POST', '/appointments', booking({ patient_attributes: { last_name: 'Exemple' } }));
    expect(made).toMatchObject({
      status: 200,
      body: {
        start_at: '2027-06-07T09:00:00.000000+0200',
        duration: 1800,
        patient_attributes: { last_name: 'Exemple' },
      },
    });
    const again = await api('POST', '/appointments', booking());
    expect(again).toEqual({ status: 422, body: { errors: { start_at: ['is already taken'] } } });
    const foreign = await api('POST', '/appointments', booking({ agenda_id: 1671 }));
    expect(foreign).toEqual({ status: 422, body: { errors: { agenda_id: ['is invalid'] } } });
    const late = await api('POST', '/appointments', booking({ start_at: '2027-06-07T09:45:00+02:00' }));
    expect(late).toEqual({ status: 422, body: { errors: { start_at: ['is not available'] } } });
    const { id } = made.body as { id: number };
    expect((await api('PUT', `/appointments/${String(id)}`, booking({ state: 'canceled' }))).body.state).toBe(
      'canceled',
    );
    expect((await api('POST', '/appointments', booking())).status).toBe(200);
    expect((await api('DELETE', `/appointments/${String(id)}`)).status).toBe(200);
    expect(await api('DELETE', `/appointments/${String(id)}`)).toEqual({ status: 404, body: { error: 'not_found' } });
  });

  it('tells availabilities for a week, free time and appointments for two months', async () => {
    const week = `start_date=2027-06-07&end_date=2027-06-14`;
    const { body } = await api('GET', `/availabilities?motive_id=366&agenda_ids[]=552&${week}`);
    expect(body.availabilities['2027-06-07']).toHaveLength(3);
    expect((await api('GET', '/available_slots?agenda_id=552&start_date=2027-06-07&end_date=2027-06-08')).body).toEqual(
      [
        {
          availabilities: [
            {
              start_time: '2027-06-07T09:00:00.000000+0200',
              end_time: '2027-06-07T10:00:00.000000+0200',
              motive_ids: [],
            },
          ],
        },
      ],
    );
    const now = (await api('GET', '/available_slots?agenda_id=552')).body as { availabilities: object[] }[];
    // Of two months from now, Mondays of an hour each.
    expect([8, 9]).toContain(now[0]?.availabilities.length);
    const tooLong = 'start_date=2027-01-01&end_date=2027-06-01';
    expect((await api('GET', `/available_slots?agenda_id=552&${tooLong}`)).status).toBe(400);
    const long = 'start_date=2027-06-07&end_date=2027-06-15';
    expect((await api('GET', `/availabilities?motive_id=366&${long}`)).status).toBe(400);
    expect((await api('GET', '/appointments?agenda_id=552&start_date=2027-01-01&end_date=2027-06-01')).status).toBe(
      400,
    );
    expect((await api('GET', '/appointments?agenda_id=1671&start_date=2027-01-01&end_date=2027-01-02')).status).toBe(
      404,
    );
  });

  it('changes an appointment or a patient only as a whole request says', async () => {
    const made = await api('POST', '/appointments', booking({ patient_attributes: { last_name: 'Exemple' } }));
    const { id, patient_id: patient } = made.body as { id: number; patient_id: number };
    const stateless = { payload: { start_at: START, agenda_id: AGENDA } };
    expect(await api('PUT', `/appointments/${String(id)}`, stateless)).toEqual({
      status: 422,
      body: { errors: { state: ["can't be blank"] } },
    });
    const renamed = await api('PUT', `/patients/${String(patient)}`, { payload: { last_name: 'Autre' } });
    expect(renamed.body).toEqual({ id: patient, last_name: 'Autre' });
    const seen = await api('GET', `/appointments/${String(id)}`);
    expect(seen.body).toMatchObject({ patient_attributes: { last_name: 'Autre' } });
    expect((await api('PUT', '/patients/1', { payload: { last_name: 'Nul' } })).status).toBe(404);
  });

  it('answers 402 once the day’s calls are used up', async () => {
    for (let call = 0; call < 50; call += 1) expect((await api('GET', '/agendas.json')).status).toBe(200);
    expect(await api('GET', '/agendas.json')).toEqual({ status: 402, body: { error: 'over_quota' } });
  });

  it('keeps webhooks by their URL, on this machine only', async () => {
    const url = 'http://127.0.0.1:9/hook?token=x';
    const hook = (method: 'POST' | 'PUT' | 'DELETE', to: string) =>
      api(method, '/config/webhooks', { payload: { url: to } });
    expect((await hook('POST', 'https://example.org/hook')).status).toBe(422);
    await hook('POST', url);
    expect((await api('GET', '/config/webhooks')).body).toEqual({ webhooks: [{ url }] });
    await hook('PUT', `${url}2`);
    expect((await api('GET', '/config/webhooks')).body).toEqual({ webhooks: [{ url: `${url}2` }] });
    expect((await hook('DELETE', url)).status).toBe(404);
    expect((await hook('DELETE', `${url}2`)).status).toBe(200);
    expect((await api('GET', '/config/webhooks')).body).toEqual({ webhooks: [] });
  });
});
