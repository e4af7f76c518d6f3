import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { at, during, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Answer, type Client } from './api.suite.js';

let api: TestApi;

beforeAll(async () => {
  api = await TestApi.start();
});

afterAll(() => api.stop());

const patient = { lastName: 'Lefèvre', firstName: 'Anne', birthDate: '1980-05-31' };

const query = (parts: Record<string, string | readonly string[]>): string =>
  Object.entries(parts)
    .flatMap(([name, value]) => [value].flat().map((one) => `${name}=${encodeURIComponent(one)}`))
    .join('&');

const day = (days = 0): { from: string; to: string } => ({ from: at('00:00', days), to: at('00:00', days + 1) });

const starts = ({ json }: Answer): string[] => (json.items as { start: string }[]).map(({ start }) => start);

/** A second agenda of the practice, with a practitioner and a place of its own, open on the same days. */
async function beside(practice: Practice, given: { name: string; speciality: string; place: string; zone: string }) {
  const [agenda, practitioner, location, opening] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const insert = (table: string, columns: string, values: unknown[]): Promise<unknown[]> => {
    const places = values.map((_, index) => `$${String(index + 2)}`).join(', ');
    const sql = `INSERT INTO ${table} (organization_id, ${columns}) VALUES ($1, ${places})`;
    return api.sql(practice, sql, [practice.organization, ...values]);
  };
  await insert('practitioner', 'id, display_name, speciality', [practitioner, given.name, given.speciality]);
  await insert('location', 'id, name, time_zone', [location, given.place, given.zone]);
  const values = [agenda, practitioner, location, 'Cabinet', at('00:00', 30)];
  await insert('agenda', 'id, practitioner_id, location_id, name, opened_until', values);
  await insert('agenda_motif', 'agenda_id, motif_id', [agenda, practice.motif]);
  const recurs = [opening, agenda, 'FREQ=DAILY', '2025-01-01T00:00', 1440, given.zone];
  await insert('opening', 'id, agenda_id, rrule, starts_local, duration_minutes, time_zone', recurs);
  const span = `[${at('00:00', -30)},${at('00:00', 30)})`;
  await insert('opening_occurrence', 'opening_id, agenda_id, during', [opening, agenda, span]);
  return { agenda, practitioner, location };
}

const ruled = (practice: Practice, rules: object): Promise<unknown[]> =>
  api.sql(practice, 'UPDATE agenda_motif SET rules = $1 WHERE agenda_id = $2', [
    JSON.stringify(rules),
    practice.agenda,
  ]);

describe('why not?', () => {
  let practice: Practice;
  let ask: Client;
  const explain = (start: string, more: Record<string, string> = {}): Promise<Answer> =>
    ask('GET', `/v1/slots/explain?${query({ agenda: practice.agenda, motif: practice.motif, start, ...more })}`);

  beforeAll(async () => {
    practice = await api.practice();
    ask = await api.client(practice);
  });

  test('nothing speaks against a free slot', async () => {
    expect((await explain(at('09:00'))).json).toMatchObject({
      bookable: true,
      reasons: [],
      start: '2031-01-06T10:00:00+01:00',
      end: '2031-01-06T10:30:00+01:00',
      certainty: 'live',
    });
  });

  test('a colleague is named who holds it, to the secretariat alone', async () => {
    const { agenda, motif } = practice;
    await ask('POST', '/v1/holds', { body: { agenda, motif, start: at('09:00', 1) } });
    const held = await explain(at('09:00', 1));
    expect(held.json).toMatchObject({ bookable: false, reasons: [{ code: 'HELD', heldBy: 'Claire' }] });
    expect(held.json.reasons[0].remedy.fr).toContain('Retenu par Claire');
    const { text, id } = await api.key(practice, ['agenda:read']);
    await api.sql(practice, `UPDATE api_key SET audience = 'PUBLIC' WHERE id = $1`, [id]);
    const path = `/v1/slots/explain?${query({ agenda, motif, start: at('09:00', 1) })}`;
    const toPublic = await api.ask('GET', path, { headers: { authorization: `Bearer ${text}` } });
    expect(toPublic.json.reasons).toMatchObject([{ code: 'HELD', heldBy: null }]);
    expect(toPublic.text).not.toContain('Claire');
  });

  test('a refused booking gives the same reasons, and an appointment does not stand in the way of its own move', async () => {
    const own = await api.practice();
    const asOwn = await api.client(own);
    await ruled(own, { noticeMinutes: 30, age: { minYears: null, maxYears: 17 } });
    const reserve = randomUUID();
    await api.sql(
      own,
      `INSERT INTO reserve (organization_id, id, agenda_id, label, rrule, starts_local, duration_minutes, time_zone, kept_for, release)
       VALUES ($1, $2, $3, 'Urgences', 'FREQ=DAILY', '2025-01-01T10:00', 60, 'Europe/Paris', '{"priorities":["urgent"],"audiences":[],"motifIds":[]}', '[{"kind":"before","minutes":120}]')`,
      [own.organization, reserve, own.agenda],
    );
    await api.sql(
      own,
      'INSERT INTO reserve_occurrence (organization_id, reserve_id, agenda_id, during) VALUES ($1, $2, $3, $4)',
      [...[own.organization, reserve, own.agenda, during('09:00', '10:00')]],
    );
    const place = { agenda: own.agenda, motif: own.motif, start: at('09:30') };
    const said = await asOwn('GET', `/v1/slots/explain?${query({ ...place, age: '50' })}`);
    const refused = await asOwn('POST', '/v1/appointments', { body: { ...place, patient } });
    expect([refused.status, refused.json.code]).toEqual([422, 'AGE']);
    expect(refused.json.reasons).toEqual(said.json.reasons);
    expect(said.json.reasons).toMatchObject([
      { code: 'AGE', bookableFrom: null },
      {
        code: 'RESERVED_UNTIL',
        bookableFrom: '2031-01-06T08:00:00+01:00',
        remedy: { fr: 'Libéré le lundi 6 janvier 2031 à 8 h.' },
      },
    ]);
    const child = { ...patient, birthDate: '2020-01-01' };
    const booked = await asOwn('POST', '/v1/appointments', { body: { ...place, start: at('12:00'), patient: child } });
    const there = { ...place, start: at('12:00') };
    const codes = async (more: Record<string, string>): Promise<string[]> =>
      (
        (await asOwn('GET', `/v1/slots/explain?${query({ ...there, ...more })}`)).json.reasons as { code: string }[]
      ).map(({ code }) => code);
    expect(await codes({})).toEqual(['BUSY']);
    expect(await codes({ moving: booked.json.id as string })).toEqual([]);
  });

  test('what is not known is named', async () => {
    const path = async (more: Record<string, string>): Promise<unknown> =>
      (await explain(at('09:00'), more)).json.errors?.[0].path;
    expect(await path({ agenda: randomUUID() })).toBe('query.agenda');
    expect(await path({ motif: randomUUID() })).toBe('query.motif');
    expect(await path({ patientOf: randomUUID() })).toBe('query.patientOf');
  });
});

describe('which slots?', () => {
  let practice: Practice;
  let ask: Client;
  let other: { agenda: string; practitioner: string; location: string };

  beforeAll(async () => {
    practice = await api.practice();
    other = await beside(practice, {
      ...{ name: 'Dr Inès Gómez', speciality: 'Médecine générale', place: 'Les Tilleuls' },
      zone: 'Indian/Reunion',
    });
    ask = await api.client(practice);
  });

  const find = (more: Record<string, string | readonly string[]>): Promise<Answer> =>
    ask('GET', `/v1/slots?${query({ motif: practice.motif, ...day(), ...more })}`);
  const found = async (more: Record<string, string>): Promise<unknown[]> =>
    ((await find({ ...more, limit: '1' })).json.agendas as { agenda: string }[]).map(({ agenda }) => agenda);

  test('agendas are chosen by practitioner, place, speciality or a few words', async () => {
    expect(await found({})).toHaveLength(2);
    expect(await found({ practitioner: other.practitioner })).toEqual([other.agenda]);
    expect(await found({ location: other.location, speciality: 'medecine generale' })).toEqual([other.agenda]);
    expect(await found({ q: 'généraliste tilleuls' })).toEqual([other.agenda]);
    expect(await found({ q: 'generaliste Lyon' })).toEqual([]);
    expect(await found({ agenda: practice.agenda, q: 'gomez' })).toEqual([]);
  });

  test('complaint 20: slots, filters and sentences are told in the local time of the place', async () => {
    const evening = await find({ agenda: other.agenda, partOfDay: 'evening', limit: '1' });
    expect(starts(evening)).toEqual(['2031-01-06T18:00:00+04:00']);
    expect(evening.json.items[0]).toMatchObject({ timeZone: 'Indian/Reunion' });
    const start = starts(evening)[0]!;
    const body = { agenda: other.agenda, motif: practice.motif, start, patient };
    const booked = await ask('POST', '/v1/appointments', { body });
    expect([booked.status, booked.json.start]).toEqual([201, start]);
  });

  test('the limit counts what is left of the days and parts of the day asked for', async () => {
    const week = { to: at('00:00', 7) };
    const slots = await find({
      ...week,
      agenda: practice.agenda,
      weekday: ['WE', 'TH'],
      partOfDay: 'morning',
      limit: '150',
    });
    expect(starts(slots)).toHaveLength(150);
    expect(starts(slots)[0]).toBe('2031-01-08T00:00:00+01:00');
    expect(starts(slots)[149]).toBe('2031-01-09T00:25:00+01:00');
    const next = await ask(
      'GET',
      `/v1/slots/next?${query({ motif: practice.motif, agenda: practice.agenda, from: at('00:00'), weekday: 'SA', limit: '1' })}`,
    );
    expect(starts(next)).toEqual(['2031-01-11T00:00:00+01:00']);
  });

  test('a modality that a motif does not have is not offered', async () => {
    const video = { agenda: practice.agenda, modality: 'teleconsultation', limit: '1' };
    expect((await find(video)).json).toMatchObject({ items: [], agendas: [], notOffered: [practice.agenda] });
    const own = await api.practice();
    await ruled(own, { modality: 'teleconsultation' });
    const asOwn = await api.client(own);
    const there = await asOwn(
      'GET',
      `/v1/slots?${query({ ...day(), ...video, motif: own.motif, agenda: own.agenda })}`,
    );
    expect(starts(there)).toHaveLength(1);
  });

  test('a patient is named by one of his appointments: the gap between his visits, his usual practitioner and time', async () => {
    const own = await api.practice();
    const asOwn = await api.client(own);
    const strange = await beside(own, {
      name: 'Dr Paul Leroy',
      speciality: 'SM54',
      place: 'Lyon',
      zone: 'Europe/Paris',
    });
    await ruled(own, { gapDays: 3 });
    const body = { agenda: own.agenda, motif: own.motif, start: at('09:00', 2), patient };
    const { json } = await asOwn('POST', '/v1/appointments', { body });
    const week = { motif: own.motif, from: at('00:00'), to: at('00:00', 7), patientOf: json.id as string };
    const slots = await asOwn('GET', `/v1/slots?${query({ ...week, agenda: own.agenda, partOfDay: 'evening' })}`);
    expect([...new Set(starts(slots).map((start) => start.slice(0, 10)))]).toEqual(['2031-01-11', '2031-01-12']);
    const anyone = await asOwn('GET', `/v1/slots?${query({ ...week, agenda: own.agenda, patientOf: [], limit: '1' })}`);
    expect(starts(anyone)[0]).toBe('2031-01-06T01:00:00+01:00');
    const best = await asOwn('GET', `/v1/slots/suggestions?${query({ ...week, partOfDay: 'morning', weekday: 'SU' })}`);
    const codes = (best.json.items as { reasons: { code: string; messages: { fr: string } }[] }[])[0]!.reasons;
    expect(codes.map(({ code }) => code)).toEqual(expect.arrayContaining(['USUAL_PRACTITIONER', 'USUAL_TIME']));
    expect(codes[0]!.messages.fr).toMatch(/\.$/);
    expect(best.json.items).toHaveLength(5);
    expect(best.json.items[0].agenda).toBe(own.agenda);
    expect((best.json.agendas as { agenda: string }[]).map(({ agenda }) => agenda).sort()).toEqual(
      [own.agenda, strange.agenda].sort(),
    );
  });

  test('complaints 3 and 4: of two agendas only the free one is found, and what is offered instead suits who asked', async () => {
    const own = await api.practice();
    const asOwn = await api.client(own);
    const free = await beside(own, { name: 'Dr Paul Leroy', speciality: 'SM54', place: 'Lyon', zone: 'Europe/Paris' });
    await ruled(own, { gapDays: 2 });
    const place = { agenda: own.agenda, motif: own.motif, start: at('09:00') };
    const search = `/v1/slots?${query({ motif: own.motif, from: at('09:00'), to: at('09:01') })}`;
    const agendas = async (): Promise<string[]> =>
      ((await asOwn('GET', search)).json.items as { agenda: string }[]).map(({ agenda }) => agenda).sort();
    expect(await agendas()).toEqual([own.agenda, free.agenda].sort());
    expect((await asOwn('POST', '/v1/appointments', { body: { ...place, patient } })).status).toBe(201);
    expect(await agendas()).toEqual([free.agenda]);
    const offered = async (body: object): Promise<string[]> => {
      const refused = await asOwn('POST', '/v1/appointments', { body: { ...place, acknowledgeDouble: true, ...body } });
      expect(refused.status).toBeGreaterThanOrEqual(409);
      return (refused.json.alternatives as { start: string }[]).map(({ start }) => start);
    };
    expect((await offered({ patient: { ...patient, firstName: 'Zoé' } }))[0]).toBe('2031-01-06T10:30:00+01:00');
    const again = { ...place, start: at('10:00') };
    expect((await offered({ ...again, patient }))[0]).toBe('2031-01-08T00:00:00+01:00');
    const { text, id } = await api.key(own);
    await api.sql(own, `UPDATE api_key SET audience = 'PUBLIC' WHERE id = $1`, [id]);
    await api.sql(own, `UPDATE opening SET audiences = '{SECRETARIAT}' WHERE agenda_id = $1`, [own.agenda]);
    const toPublic = await api.ask('POST', '/v1/appointments', {
      headers: {
        ...{ authorization: `Bearer ${text}`, 'unisson-collaborator': own.collaborator },
        'idempotency-key': randomUUID(),
      },
      body: { ...again, patient: { ...patient, firstName: 'Zoé' } },
    });
    expect([toPublic.status, toPublic.json.code, toPublic.json.alternatives]).toEqual([422, 'AUDIENCE', []]);
  });

  test('complaint 19: slots and bookings agree on 09:00 in Paris across the change of the clocks', async () => {
    const own = await api.practice();
    const asOwn = await api.client(own);
    await api.sql(own, `UPDATE agenda SET opened_until = '2031-04-02'`);
    for (const date of ['2031-03-28', '2031-03-31'])
      await api.sql(
        own,
        `INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during)
         SELECT organization_id, id, agenda_id, tstzrange(($1 || ' 09:00')::timestamp AT TIME ZONE 'Europe/Paris', ($1 || ' 10:00')::timestamp AT TIME ZONE 'Europe/Paris') FROM opening`,
        [date],
      );
    const range = { motif: own.motif, from: '2031-03-28T00:00:00Z', to: '2031-04-01T00:00:00Z' };
    const slots = starts(await asOwn('GET', `/v1/slots?${query(range)}`));
    expect(slots.filter((start) => start.includes('T09:00'))).toEqual([
      '2031-03-28T09:00:00+01:00',
      '2031-03-31T09:00:00+02:00',
    ]);
    for (const [index, start] of slots.filter((one) => /:[03]0:00/.test(one)).entries()) {
      const person = { lastName: 'Petit', firstName: `Luc ${String(index)}` };
      const body = { agenda: own.agenda, motif: own.motif, start, patient: person };
      const booked = await asOwn('POST', '/v1/appointments', { body });
      expect([booked.status, booked.json.start]).toEqual([201, start]);
    }
    expect(starts(await asOwn('GET', `/v1/slots?${query(range)}`))).toEqual([]);
  });

  test('complaint 21: with a dead credential an agenda is unreachable beside the results, neither free nor full, and others go on', async () => {
    const own = await api.practice({ master: 'remote' });
    const asOwn = await api.client(own);
    const well = await beside(own, { name: 'Dr Paul Leroy', speciality: 'SM54', place: 'Lyon', zone: 'Europe/Paris' });
    await api.sql(own, `UPDATE link SET status = 'auth-failed', as_of = now() - interval '14 minutes 20 seconds'`);
    const slots = await asOwn('GET', `/v1/slots?${query({ motif: own.motif, ...day(), limit: '2' })}`);
    expect((slots.json.items as { agenda: string }[]).map(({ agenda }) => agenda)).toEqual([well.agenda, well.agenda]);
    expect(slots.json.agendas).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ agenda: own.agenda, certainty: 'unreachable' }),
        expect.objectContaining({ agenda: well.agenda, certainty: 'live' }),
      ]),
    );
    const place = { agenda: own.agenda, motif: own.motif, start: at('09:00') };
    const said = await asOwn('GET', `/v1/slots/explain?${query(place)}`);
    expect(said.json).toMatchObject({
      bookable: false,
      reasons: [{ code: 'AGENDA_UNREACHABLE', remedy: { fr: 'Agenda injoignable depuis 14 min.' } }],
    });
    const refused = await asOwn('POST', '/v1/appointments', { body: { ...place, patient } });
    expect([refused.status, refused.json.code]).toEqual([503, 'AGENDA_UNREACHABLE']);
    await api.sql(own, `UPDATE agenda SET when_unreachable = 'queue' WHERE id = $1`, [own.agenda]);
    expect((await asOwn('GET', `/v1/slots/explain?${query(place)}`)).json).toMatchObject({
      bookable: true,
      certainty: 'unreachable',
    });
  });
});
