import { setTimeout as delay } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { at, twins, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Answer, type Client } from './api.suite.js';
import { claimsOn, eventTypes, setRules } from './desk.suite.js';

let api: TestApi;
let practice: Practice;
let ask: Client;

beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());
beforeEach(async () => {
  practice = await api.practice();
  ask = await api.client(practice);
});

const place = (): object => ({ agenda: practice.agenda, motif: practice.motif, start: at('09:00') });
const hold = (seconds = 60): Promise<Answer> => ask('POST', '/v1/holds', { body: { ...place(), seconds } });
const renew = (held: Answer, seconds = 120): Promise<Answer> =>
  ask('POST', `/v1/holds/${held.json.id as string}/renew`, { body: { seconds } });
const secondsLeft = ({ json }: Answer): number => (Date.parse(json.holdUntil as string) - Date.now()) / 1000;

describe('renewing a hold', () => {
  test('counts down: three times, however many ask at once, and then it says so', async () => {
    const held = await hold();
    expect(held.json.renewalsLeft).toBe(3);
    const first = await renew(held);
    expect([first.status, first.json.renewalsLeft, first.json.status]).toEqual([200, 2, 'held']);
    expect(secondsLeft(first)).toBeGreaterThan(100);
    const answers = await twins(6, (n) => renew(held, 200 + 20 * n));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(2);
    for (const { status, json } of answers)
      if (status !== 200) expect(json.type).toBe('https://unisson.example/problems/renewal-limit');
    await renew(held, 800);
    const last = await renew(held, 900);
    expect([last.status, last.json.renewalsLeft]).toEqual([409, 0]);
    expect(last.json.holdUntil).toEqual(expect.stringContaining('T'));
    const types = await eventTypes(api, practice, held.json.id as string);
    expect(types.filter((type) => type === 'appointment-hold-renewed')).toHaveLength(3);
  });

  test('never keeps it beyond 30 minutes in all', async () => {
    const held = await hold(900);
    await api.sql(practice, `UPDATE appointment SET created_at = now() - interval '20 minutes' WHERE id = $1`, [
      held.json.id,
    ]);
    expect((await renew(held, 900)).status).toBe(409);
    await api.sql(practice, `UPDATE appointment SET hold_until = now() + interval '1 minute' WHERE id = $1`, [
      held.json.id,
    ]);
    const renewed = await renew(held, 900);
    expect(renewed.status).toBe(200);
    expect(secondsLeft(renewed)).toBeLessThan(601);
  });

  test('it ends all the same: nobody has to come by, and an ended one is not renewed', async () => {
    const held = await hold(10);
    await api.sql(
      practice,
      `UPDATE appointment SET hold_until = clock_timestamp() + interval '300 milliseconds' WHERE id = $1`,
      [held.json.id],
    );
    await delay(400);
    expect((await renew(held)).json.type).toBe('https://unisson.example/problems/hold-ended');
    expect(
      (
        await ask('POST', '/v1/appointments', {
          body: { ...place(), patient: { lastName: 'Petit', firstName: 'Paul' } },
        })
      ).status,
    ).toBe(201);
    expect(await claimsOn(api, practice, practice.agenda)).toEqual([{ claim: '09:00-09:30' }]);
    expect((await ask('POST', `/v1/holds/${randomUUID()}/renew`, { body: {} })).status).toBe(404);
  });
});

describe('a held slot', () => {
  test.each([
    ['without rules of its own', {}],
    ['with rules', { noticeMinutes: 5 }],
  ])('tells who holds it and until when, in an agenda %s', async (_, rules) => {
    await setRules(api, practice, rules);
    const held = await hold();
    const refused = await hold();
    expect([refused.status, refused.json.code]).toEqual([409, 'HELD']);
    expect(refused.json.reasons).toEqual([
      expect.objectContaining({ code: 'HELD', heldBy: 'Claire', bookableFrom: expect.any(String) }),
    ]);
    const [reason] = refused.json.reasons as { bookableFrom: string }[];
    expect(Math.abs(Date.parse(reason!.bookableFrom) - Date.parse(held.json.holdUntil as string))).toBeLessThan(1000);
    await ask('POST', '/v1/appointments', {
      body: { hold: held.json.id, patient: { lastName: 'Petit', firstName: 'Paul' } },
    });
    expect(JSON.stringify((await hold()).json)).not.toContain('Claire');
  });
});
