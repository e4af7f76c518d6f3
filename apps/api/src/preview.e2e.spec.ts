import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { faultPaths, TestApi, type Answer } from './api.suite.js';
import { date, paris, RuledPractice } from './rules.suite.js';

let api: TestApi;

beforeAll(async () => {
  api = await TestApi.start();
});

afterAll(() => api.stop());

interface Changed {
  counts: { motif: string; slots: number }[];
  first: { motif: string; start: string }[];
}

/** Local starts on the test's Monday. */
const starts = ({ first }: Changed): string[] =>
  first.filter(({ start }) => start.startsWith(date())).map(({ start }) => start.slice(11, 16));
const preview = (at: RuledPractice, body: object): Promise<Answer> => at.at('POST', '/preview', { body });

async function openPractice(): Promise<{ at: RuledPractice; opening: string }> {
  const at = await RuledPractice.create(api);
  await at.at('PUT', `/motifs/${at.practice.motif}`, { body: { granularityMinutes: 30 }, version: 1 });
  const { id } = await at.open();
  return { at, opening: id };
}

test('a preview shows what every kind of change does to the slots, and does none of it', async () => {
  const { at, opening } = await openPractice();
  const { motif } = at.practice;
  const recurring = { rrule: 'FREQ=WEEKLY', start: `${date()}T10:00`, durationMinutes: 60 };
  const cases: [object, string[], string[]][] = [
    [{ kind: 'opening', rule: { ...recurring, start: `${date()}T14:00` } }, ['14:00', '14:30'], []],
    [{ kind: 'opening', id: opening, rule: { ...recurring, durationMinutes: 90 } }, ['11:00'], ['09:00', '09:30']],
    [{ kind: 'opening', id: opening, rule: null }, [], ['09:00', '09:30', '10:00', '10:30']],
    [
      { kind: 'closure', rule: { label: 'Congés', from: date(), half: 'morning' } },
      [],
      ['09:00', '09:30', '10:00', '10:30'],
    ],
    [{ kind: 'reserve', rule: { ...recurring, label: 'Urgences' } }, [], ['10:00', '10:30']],
    [{ kind: 'motif', id: motif, rule: { granularityMinutes: 15 } }, ['09:15', '09:45', '10:15'], []],
    [{ kind: 'motif', id: motif, rule: null }, [], ['09:00', '09:30', '10:00', '10:30']],
    [{ kind: 'agenda', rule: { active: false } }, [], ['09:00', '09:30', '10:00', '10:30']],
    [{ kind: 'agenda', rule: { capacity: 2 } }, [], []],
  ];
  const before = await at.slots();
  for (const [change, added, removed] of cases) {
    const answer = await preview(at, { ...change, weeks: 8 });
    expect([change, answer.status, starts(answer.json.added), starts(answer.json.removed)]).toEqual([
      change,
      200,
      added,
      removed,
    ]);
  }
  expect(await at.slots()).toEqual(before);
  expect((await at.at('GET', '/openings')).json.items).toMatchObject([{ id: opening, version: 1 }]);
});

test('what a preview takes for free is what search finds, whatever the rules are', async () => {
  const { at } = await openPractice();
  const { agenda, motif } = at.practice;
  const room = randomUUID();
  await api.sql(
    at.practice,
    `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name) SELECT organization_id, $1, practitioner_id, location_id, 'Salle' FROM agenda WHERE id = $2`,
    [room, agenda],
  );
  const ruling = {
    granularityMinutes: 15,
    durationMinutes: 25,
    bufferAfterMinutes: 5,
    quotas: [{ per: 'half-day', max: 2 }],
    equipment: [room],
  };
  const kept = { rrule: 'FREQ=DAILY', start: `${date()}T16:00`, durationMinutes: 60, label: 'Urgences' };
  await at.open({ rrule: 'FREQ=DAILY', start: `${date()}T14:00`, durationMinutes: 240 });
  expect((await at.at('PUT', `/motifs/${motif}`, { body: ruling, version: 2 })).status).toBe(200);
  await at.make('/reserves', { ...kept, release: [{ kind: 'occupancy', share: 0.2 }] });
  await at.make('/reserves', { ...kept, start: `${date()}T17:00`, keptFor: { audiences: ['SNP'] } });
  await at.make('/closures', { label: 'Réunion', start: paris('14:30', 2), end: paris('15:10', 2) });
  for (const [time, day] of [
    ['14:15', 0],
    ['15:00', 0],
    ['15:00', 1],
    ['09:15', 7],
  ] as const)
    expect([time, day, (await at.book(time, day)).status]).toEqual([time, day, 201]);
  const { json } = await preview(at, { kind: 'motif', id: motif, rule: null, weeks: 8 });
  const from = encodeURIComponent(new Date(Date.now() + 60_000).toISOString());
  const to = encodeURIComponent(new Date(Date.now() + 55 * 86_400_000).toISOString());
  const found = (await at.ask('GET', `/v1/slots?agenda=${agenda}&motif=${motif}&from=${from}&to=${to}&limit=500`)).json;
  const free = (found.items as { start: string }[]).map(({ start }) => start);
  expect(free.length).toBeGreaterThan(100);
  expect((json.removed as Changed).first.map(({ start }) => start)).toEqual(free.slice(0, 50));
  for (const day of [0, 1, 2, 7]) expect((await at.slots(day)).length).toBeGreaterThan(0);
});

test('what was previewed is what search shows once it is done', async () => {
  const { at, opening } = await openPractice();
  expect((await at.book('09:30')).status).toBe(201);
  const rule = { rrule: 'FREQ=WEEKLY', start: `${date()}T08:00`, durationMinutes: 120 };
  const before = await at.slots();
  const { json } = await preview(at, { kind: 'opening', id: opening, rule, weeks: 8 });
  expect(await at.status('PUT', `/openings/${opening}`, { body: rule, version: 1 })).toBe(200);
  const after = await at.slots();
  expect(starts(json.added)).toEqual(after.filter((time) => !before.includes(time)));
  expect(starts(json.removed)).toEqual(before.filter((time) => !after.includes(time)));
  const counted = (json.removed as Changed).counts;
  expect(counted).toEqual([{ motif: at.practice.motif, slots: expect.any(Number) }]);
});

test('appointments that a change leaves outside the rules are told before, listed after, and never touched', async () => {
  const { at, opening } = await openPractice();
  for (const time of ['09:00', '10:30']) expect((await at.book(time)).status).toBe(201);
  expect((await at.at('GET', '/outside-rules')).json.items).toEqual([]);
  const rule = { rrule: 'FREQ=WEEKLY', start: `${date()}T10:00`, durationMinutes: 60 };
  const { json } = await preview(at, { kind: 'opening', id: opening, rule });
  expect(json.outside).toMatchObject([
    { start: paris('09:00'), already: false, reasons: [{ code: 'CLOSED', messages: { fr: expect.any(String) } }] },
  ]);
  const before = (await at.ask('GET', '/v1/appointments')).json.items as object[];
  expect(await at.status('PUT', `/openings/${opening}`, { body: rule, version: 1 })).toBe(200);
  expect((await at.ask('GET', '/v1/appointments')).json.items).toEqual(before);
  expect((await at.at('GET', '/outside-rules')).json.items).toMatchObject([
    { start: paris('09:00'), status: 'confirmed', overbooked: false, reasons: [{ code: 'CLOSED' }] },
  ]);
  const again = await preview(at, { kind: 'agenda', rule: { active: false } });
  expect(again.json.outside).toMatchObject([
    { already: true, reasons: [{ code: 'AGENDA_DISABLED' }, { code: 'CLOSED' }] },
    { already: false, reasons: [{ code: 'AGENDA_DISABLED' }] },
  ]);
});

test('a preview of a rule that could not be written tells why', async () => {
  const { at } = await openPractice();
  const nowhere = randomUUID();
  const recurring = { rrule: 'FREQ=WEEKLY', start: `${date()}T10:00`, durationMinutes: 60 };
  const cases: [object, string[]][] = [
    [{ kind: 'opening', rule: { ...recurring, motifs: [nowhere] } }, ['body.rule.motifs.0']],
    [{ kind: 'opening', id: nowhere, rule: null }, ['body.id']],
    [{ kind: 'opening', rule: null }, ['body.id']],
    [{ kind: 'motif', id: nowhere, rule: {} }, ['body.id']],
    [{ kind: 'motif', id: at.practice.motif, rule: { equipment: [at.practice.agenda] } }, ['body.rule.equipment.0']],
    [
      { kind: 'reserve', rule: { ...recurring, label: 'x', rrule: 'FREQ=YEARLY' }, weeks: 9 },
      ['body.rule.rrule', 'body.weeks'],
    ],
    [{ kind: 'wish' }, ['body.kind']],
  ];
  for (const [body, faults] of cases) {
    const answer = await preview(at, body);
    expect([body, answer.status, faultPaths(answer)]).toEqual([body, 400, faults]);
  }
});
