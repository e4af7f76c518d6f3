import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Practice } from '../../../test/support/practice.js';
import { Simulator, TestApi, type Answer, type Client } from './api.suite.js';
import { linkToSimulator, soon, sync } from './desk.suite.js';

const PATIENT = { lastName: 'Durand', firstName: 'Zoé', birthDate: '1980-05-01', phone: '+33600000001' };

describe("rules that live in the practitioner's own tool", () => {
  let api: TestApi;
  let simulator: Simulator;
  let practice: Practice;
  let ask: Client;
  let link: string;

  beforeAll(async () => {
    api = await TestApi.start();
  });
  afterAll(() => api.stop());
  afterEach(() => simulator.stop());
  beforeEach(async () => {
    simulator = await Simulator.start();
    practice = await api.practice();
    ask = await api.client(practice);
    link = await linkToSimulator(api, practice, simulator);
  });

  const interval = (from: string, to: string) => ({ start: Date.parse(soon(from)), end: Date.parse(soon(to)) });
  /** He says so in his own tool, and it is read again. */
  const says = async (rules: object | null): Promise<void> => {
    await simulator.control('rules', { agendaId: Simulator.agendaId, rules });
    await api.sql(practice, `UPDATE link SET rules_read_at = '-infinity' WHERE id = $1`, [link]);
    await sync(ask, link);
  };
  const slots = async (): Promise<string[]> => {
    const query = `motif=${practice.motif}&agenda=${practice.agenda}&from=${soon('05:00')}&to=${soon('19:00')}&limit=200`;
    const { json } = await ask('GET', `/v1/slots?${query}`);
    return (json.items as { start: string }[]).map(({ start }) => new Date(start).toISOString().slice(11, 16));
  };
  const book = (start: string, patient: object = PATIENT): Promise<Answer> =>
    ask('POST', '/v1/appointments', {
      body: { agenda: practice.agenda, motif: practice.motif, start: soon(start), patient },
    });
  const closures = async (): Promise<{ id: string; source: string; label: string; version: number }[]> =>
    (await ask('GET', `/v1/agendas/${practice.agenda}/closures`)).json.items;

  test('hours that he keeps closed are offered to nobody, said as such, and come back when he opens them', async () => {
    const all = await slots();
    await says({ openings: [interval('08:00', '10:00'), interval('14:00', '15:00')] });
    expect(await slots()).toEqual(
      all.filter((time) => (time >= '08:00' && time <= '09:30') || (time >= '14:00' && time <= '14:30')),
    );
    expect((await book('09:00')).status).toBe(201);
    expect((await book('11:00')).json).toMatchObject({ code: 'CLOSED' });
    const query = `agenda=${practice.agenda}&motif=${practice.motif}&start=${soon('11:00')}`;
    const { json } = await ask('GET', `/v1/slots/explain?${query}`);
    expect((json.reasons as { code: string }[]).map(({ code }) => code)).toContain('CLOSED');
    await says({ openings: [interval('08:00', '12:00')] });
    expect((await book('11:00', { ...PATIENT, lastName: 'Petit' })).status).toBe(201);
    await says(null);
    expect(await closures()).toEqual([]);
  });

  test('both say: what either closes is closed, and his closing is not undone here', async () => {
    await says({ openings: [interval('08:00', '10:00')] });
    const [theirs] = await closures();
    expect(theirs).toMatchObject({ source: 'backend', label: 'Fermé dans l’outil du praticien' });
    const removed = await ask('DELETE', `/v1/agendas/${practice.agenda}/closures/${theirs!.id}`, {
      headers: { 'if-match': `"${theirs!.version}"` },
    });
    expect([removed.status, removed.json.type]).toEqual([409, expect.stringContaining('backend-closure')]);
    await ask('POST', `/v1/agendas/${practice.agenda}/closures`, {
      body: { label: 'Réunion', start: soon('08:00'), end: soon('09:00') },
    });
    const left = await slots();
    expect([left[0], left.at(-1)]).toEqual(['09:00', '09:30']);
  });

  test('for whom he lets be booked: the same codes as for rules typed here, in search, explanation and booking', async () => {
    await says({ newPatients: 'refused', ages: { min: 16, max: null } });
    expect((await book('09:00', { ...PATIENT, newPatient: true })).json.code).toBe('NEW_PATIENT');
    expect((await book('09:00', { ...PATIENT, birthDate: '2020-01-01', newPatient: false })).json.code).toBe('AGE');
    expect((await book('09:00', { ...PATIENT, newPatient: false })).status).toBe(201);
    await says(null);
    expect((await book('10:00', { ...PATIENT, newPatient: true, lastName: 'Petit' })).status).toBe(201);
  });

  test('with the link, they end', async () => {
    await says({ newPatients: 'refused', openings: [interval('08:00', '10:00')] });
    expect(await closures()).not.toEqual([]);
    expect((await ask('DELETE', `/v1/links/${link}?remote=keep`)).status).toBeLessThan(300);
    expect(await closures()).toEqual([]);
    const [row] = (await api.sql(practice, 'SELECT ruled, backend_rules FROM agenda WHERE id = $1', [
      practice.agenda,
    ])) as { ruled: boolean; backend_rules: unknown }[];
    expect(row).toEqual({ ruled: false, backend_rules: null });
  });
});
