import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { faultPaths, TestApi } from './api.suite.js';
import { date, paris, patient, RuledPractice } from './rules.suite.js';

let api: TestApi;

beforeAll(async () => {
  api = await TestApi.start();
});

afterAll(() => api.stop());

/** Another agenda of the practice, such as a room, and another motif. */
async function agendaBeside({ practice }: RuledPractice): Promise<string> {
  const id = randomUUID();
  await api.sql(
    practice,
    `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name) SELECT organization_id, $1, practitioner_id, location_id, 'Salle' FROM agenda WHERE id = $2`,
    [id, practice.agenda],
  );
  return id;
}

async function motifBeside({ practice }: RuledPractice): Promise<string> {
  const id = randomUUID();
  await api.sql(
    practice,
    `INSERT INTO motif (organization_id, id, label_fr, label_en, duration_minutes) VALUES ($1, $2, 'Suivi', 'Follow-up', 20)`,
    [practice.organization, id],
  );
  return id;
}

const everything = (next: string, room: string): object => ({
  durationMinutes: 40,
  newPatientDurationMinutes: 60,
  bufferBeforeMinutes: 5,
  bufferAfterMinutes: 10,
  granularityMinutes: 20,
  noticeMinutes: 60,
  horizonDays: 365,
  priority: 'soon',
  audiences: ['SNP', 'SECRETARIAT'],
  newPatients: 'refused',
  age: { minYears: 16, maxYears: null },
  gapDays: 2,
  quotas: [{ per: 'day', max: 4 }],
  equipment: [room],
  questions: [{ id: 'ordonnance', fr: 'A-t-il une ordonnance ?', en: 'Is there a prescription?', required: true }],
  modality: 'teleconsultation',
  link: 'https://visio.example.fr/cabinet',
  instruction: { fr: 'Demander la date des derniers examens.', en: 'Ask for the date of the last tests.' },
  documents: [{ fr: 'Carte Vitale', en: 'Health card' }],
  colour: '#3366cc',
  next: { motif: next, afterDays: 7, withinDays: 3 },
});

describe('offering a motif', () => {
  test('keeps every rule, and shows what whoever books has to know', async () => {
    const at = await RuledPractice.create(api);
    const [next, room] = [await motifBeside(at), await agendaBeside(at)];
    const path = `/motifs/${at.practice.motif}`;
    const body = everything(next, room);
    const put = await at.at('PUT', path, { body, version: 1 });
    expect([put.status, put.headers['etag']]).toEqual([200, '"2"']);
    const seen = await at.at('GET', path);
    expect(seen.json).toEqual({
      motif: at.practice.motif,
      agenda: at.practice.agenda,
      version: 2,
      label: { fr: 'Consultation', en: 'Visit' },
      effective: {
        durationMinutes: 40,
        newPatientDurationMinutes: 60,
        bufferBeforeMinutes: 5,
        bufferAfterMinutes: 10,
        granularityMinutes: 20,
      },
      rules: body,
    });
    expect((await at.at('GET', '/motifs')).json.items).toEqual([seen.json]);
  });

  test('makes it bookable here, and no longer offering it leaves what is booked', async () => {
    const at = await RuledPractice.create(api);
    const motif = await motifBeside(at);
    await at.open();
    expect(await at.slots(0, motif)).toEqual([]);
    expect((await at.at('PUT', `/motifs/${motif}`, { body: { granularityMinutes: 60 } })).status).toBe(201);
    expect(await at.slots(0, motif)).toEqual(['09:00', '10:00']);
    const body = { agenda: at.practice.agenda, motif, start: paris('09:00'), patient };
    expect((await at.ask('POST', '/v1/appointments', { body })).status).toBe(201);
    expect(await at.status('DELETE', `/motifs/${motif}`, { version: 1 })).toBe(204);
    expect(await at.slots(0, motif)).toEqual([]);
    expect((await at.ask('GET', '/v1/appointments')).json.items).toMatchObject([{ motif, status: 'confirmed' }]);
    expect((await at.at('GET', '/outside-rules')).json.items).toMatchObject([
      { motif, reasons: [{ code: 'MOTIF_NOT_ALLOWED' }] },
    ]);
  });

  test('tells every fault with its path', async () => {
    const at = await RuledPractice.create(api);
    const path = `/motifs/${at.practice.motif}`;
    const cases: [object, string[]][] = [
      [
        { durationMinutes: 4, colour: 'red', link: 'javascript:1', x: 1 },
        ['body.colour', 'body.durationMinutes', 'body.link', 'body.x'],
      ],
      [{ age: { minYears: 20, maxYears: 10 } }, ['body.age.maxYears']],
      [
        {
          quotas: [
            { per: 'day', max: 1 },
            { per: 'day', max: 2 },
          ],
        },
        ['body.quotas'],
      ],
      [{ questions: [{ id: 'A b', fr: 'x', en: 'x' }] }, ['body.questions.0.id', 'body.questions.0.required']],
      [{ equipment: [randomUUID(), at.practice.agenda] }, ['body.equipment.0', 'body.equipment.1']],
      [{ next: { motif: randomUUID(), afterDays: 1, withinDays: 1 } }, ['body.next.motif']],
      [
        { audiences: [], horizonDays: 367, noticeMinutes: -1 },
        ['body.audiences', 'body.horizonDays', 'body.noticeMinutes'],
      ],
    ];
    for (const [body, faults] of cases) {
      const answer = await at.at('PUT', path, { body, version: 1 });
      expect([body, answer.status, faultPaths(answer)]).toEqual([body, 400, faults]);
    }
    expect(await at.status('PUT', path, { body: {} })).toBe(428);
    expect(await at.status('PUT', `/motifs/${randomUUID()}`, { body: {} })).toBe(404);
  });

  test('equipment has none of its own, whichever is said first', async () => {
    const at = await RuledPractice.create(api);
    const [room, device] = [await agendaBeside(at), await agendaBeside(at)];
    const offer = (agenda: string, equipment: string[], version?: string) =>
      at.ask('PUT', `/v1/agendas/${agenda}/motifs/${at.practice.motif}`, {
        body: { equipment },
        headers: { 'if-match': version },
      });
    expect((await offer(at.practice.agenda, [room], '"1"')).status).toBe(200);
    expect(faultPaths(await offer(room, [device]))).toEqual(['body.equipment']);
    expect((await offer(device, [room])).status).toBe(201);
    expect(faultPaths(await offer(at.practice.agenda, [device], '"2"'))).toEqual(['body.equipment.0']);
  });

  test('opens the agenda a year ahead for a motif that may be booked so far, and changes are seen there at once', async () => {
    const at = await RuledPractice.create(api);
    await at.open();
    const far = 7 * 47;
    expect(await at.slots(far)).toEqual([]);
    const rules = { horizonDays: 366, granularityMinutes: 60 };
    expect(await at.status('PUT', `/motifs/${at.practice.motif}`, { body: rules, version: 1 })).toBe(200);
    expect(await at.slots(far)).toEqual(['09:00', '10:00']);
    await at.make('/closures', { label: 'Congés', from: date(far) });
    expect([await at.slots(far), await at.slots(far - 7)]).toEqual([[], ['09:00', '10:00']]);
  });
});

test('the agenda itself: seats, and whether it is booked at all', async () => {
  const at = await RuledPractice.create(api);
  await at.open();
  await at.at('PUT', `/motifs/${at.practice.motif}`, { body: { granularityMinutes: 60 }, version: 1 });
  expect((await at.book('09:00')).status).toBe(201);
  expect(await at.slots()).toEqual(['10:00']);
  expect((await at.at('PATCH', '', { body: { capacity: 2 }, version: 1 })).json).toMatchObject({
    capacity: 2,
    version: 2,
  });
  expect(await at.slots()).toEqual(['09:00', '10:00']);
  expect((await at.book('09:00')).status).toBe(201);
  const cut = await at.at('PATCH', '', { body: { capacity: 1 }, version: 2 });
  expect([cut.status, cut.json.type]).toEqual([409, expect.stringContaining('capacity-in-use')]);
  expect((await at.at('PATCH', '', { body: { active: false }, version: 2 })).status).toBe(200);
  expect(await at.slots()).toEqual([]);
  const faults = await at.at('PATCH', '', {
    body: { holidayCalendar: 'mars', capacity: 0, workedHolidays: ['x'] },
    version: 3,
  });
  expect(faultPaths(faults)).toEqual(['body.capacity', 'body.holidayCalendar', 'body.workedHolidays.0']);
});

test('slots and appointments say who consults', async () => {
  const at = await RuledPractice.create(api);
  await at.open();
  const substitution = { displayName: 'Dr Roux', rpps: '99900000034', start: paris('00:00'), end: paris('10:00') };
  const { id } = await at.make('/substitutions', substitution);
  const { agenda, motif } = at.practice;
  const window = `from=${encodeURIComponent(paris('00:00'))}&to=${encodeURIComponent(paris('23:00'))}`;
  const shown = async (): Promise<unknown[]> => {
    const { json } = await at.ask('GET', `/v1/slots?agenda=${agenda}&motif=${motif}&${window}`);
    return (json.items as { start: string; practitioner: unknown }[])
      .filter(({ start }) => /T(09:00|10:00)/.test(start))
      .map(({ practitioner }) => practitioner);
  };
  const roux = { displayName: 'Dr Roux', rpps: '99900000034', substitute: true };
  const martin = { displayName: 'Dr Martin', rpps: null, substitute: false };
  expect(await shown()).toEqual([roux, martin]);
  expect((await at.book('09:00')).json.practitioner).toEqual(roux);
  expect((await at.ask('GET', '/v1/appointments')).json.items).toMatchObject([{ practitioner: roux }]);
  expect(await at.status('DELETE', `/substitutions/${id}`, { version: 1 })).toBe(204);
  expect((await at.ask('GET', '/v1/appointments')).json.items).toMatchObject([{ practitioner: martin }]);
});
