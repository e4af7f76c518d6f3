import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { publicHolidays } from '#domain';
import { faultPaths, TestApi } from './api.suite.js';
import { Secretary } from './grants.suite.js';
import { date, paris, patient, RuledPractice } from './rules.suite.js';

let api: TestApi;

beforeAll(async () => {
  api = await TestApi.start();
});

afterAll(() => api.stop());

const halfHours = ['09:00', '09:30', '10:00', '10:30'];

test('an opening is searched and booked at once, with its exceptions, motifs and seats', async () => {
  const at = await RuledPractice.create(api);
  await at.at('PUT', `/motifs/${at.practice.motif}`, { body: { granularityMinutes: 30 }, version: 1 });
  expect(await at.slots()).toEqual([]);
  const opening = await at.open({ except: [date(7)] });
  expect(opening).toMatchObject({ timeZone: 'Europe/Paris', motifs: null, audiences: null, capacity: null });
  expect([await at.slots(), await at.slots(7), await at.slots(14)]).toEqual([halfHours, [], halfHours]);
  expect((await at.book('09:00')).status).toBe(201);
  const shorter = { rrule: 'FREQ=WEEKLY', start: `${date()}T10:00`, durationMinutes: 60 };
  const replaced = await at.at('PUT', `/openings/${opening.id}`, { body: shorter, version: 1 });
  expect([replaced.status, replaced.headers['etag'], replaced.json.version]).toEqual([200, '"2"', 2]);
  expect(await at.slots()).toEqual(['10:00', '10:30']);
  const [stands] = (await at.ask('GET', '/v1/appointments')).json.items as { status: string }[];
  expect(stands?.status).toBe('confirmed');
  expect(await at.status('DELETE', `/openings/${opening.id}`, { version: 2 })).toBe(204);
  expect([await at.slots(), await at.status('GET', `/openings/${opening.id}`)]).toEqual([[], 404]);
});

test('what changes a rule names the version it is based on', async () => {
  const at = await RuledPractice.create(api);
  const { id } = await at.open();
  const body = { rrule: 'FREQ=WEEKLY', start: `${date()}T09:00`, durationMinutes: 60 };
  const made = {
    openings: [id, body],
    closures: [(await at.make('/closures', { label: 'Congés', from: date(3) })).id, { label: 'Congés', from: date(3) }],
    reserves: [(await at.make('/reserves', { ...body, label: 'Urgences' })).id, { ...body, label: 'Urgences' }],
    substitutions: [
      (
        await at.make('/substitutions', {
          displayName: 'Dr Roux',
          start: `${date()}T00:00:00Z`,
          end: `${date(7)}T00:00:00Z`,
        })
      ).id,
      { displayName: 'Dr Roux', start: `${date()}T00:00:00Z`, end: `${date(8)}T00:00:00Z` },
    ],
    motifs: [at.practice.motif, { colour: '#aabbcc' }],
  } as const;
  for (const [name, [item, change]] of Object.entries(made)) {
    const path = `/${name}/${item}`;
    const seen = await at.at('GET', path);
    expect([name, seen.status, seen.headers['etag']]).toEqual([name, 200, '"1"']);
    const unchanged = await at.ask('GET', at.base + path, { headers: { 'if-none-match': '"1"' } });
    expect([name, unchanged.status]).toEqual([name, 304]);
    for (const method of ['PUT', 'DELETE'] as const) {
      const more = method === 'PUT' ? { body: change } : {};
      expect([name, method, await at.status(method, path, more)]).toEqual([name, method, 428]);
      expect([name, method, await at.status(method, path, { ...more, version: 7 })]).toEqual([name, method, 412]);
    }
    expect([name, await at.status('PUT', path, { body: change, version: 1 })]).toEqual([name, 200]);
    expect([name, await at.status('DELETE', path, { version: 1 })]).toEqual([name, 412]);
    expect([name, await at.status('DELETE', path, { version: 2 })]).toEqual([name, 204]);
    expect([name, await at.status('GET', path)]).toEqual([name, 404]);
  }
  expect(await at.status('PATCH', '', { body: {} })).toBe(428);
  expect(await at.status('PATCH', '', { body: {}, version: 9 })).toBe(412);
});

test('bad rules are refused with the path of every fault', async () => {
  const at = await RuledPractice.create(api);
  const nowhere = randomUUID();
  const recurring = { rrule: 'FREQ=WEEKLY', start: `${date()}T09:00`, durationMinutes: 60 };
  const cases: [string, object, string[]][] = [
    ['/openings', {}, ['body.durationMinutes', 'body.rrule', 'body.start']],
    ['/openings', { ...recurring, rrule: 'FREQ=MONTHLY' }, ['body.rrule']],
    ['/openings', { ...recurring, start: '2027-02-30T09:00' }, ['body.start']],
    ['/openings', { ...recurring, timeZone: 'Paris', capacity: 51 }, ['body.capacity', 'body.timeZone']],
    ['/openings', { ...recurring, motifs: [at.practice.motif, nowhere] }, ['body.motifs.1']],
    ['/openings', { ...recurring, audiences: ['SNP', 'SNP'], x: 1 }, ['body.audiences', 'body.x']],
    ['/closures', { label: 'x' }, ['body.start']],
    ['/closures', { label: 'x', from: date(3), to: date(), start: `${date()}T00:00:00Z` }, ['body.start', 'body.to']],
    ['/closures', { label: 'x', from: date(), to: date(1), half: 'morning' }, ['body.half']],
    [
      '/reserves',
      { ...recurring, label: 'x', release: [{ kind: 'at-time', daysBefore: 0, time: '25:00' }] },
      ['body.release.0.time'],
    ],
    ['/reserves', { ...recurring, label: 'x', keptFor: { motifs: [nowhere] } }, ['body.keptFor.motifs.0']],
    ['/reserves', { ...recurring, label: 'x', release: [{ kind: 'when-i-like' }] }, ['body.release.0.kind']],
    ['/substitutions', { displayName: 'x', start: `${date(1)}T00:00:00Z`, end: `${date()}T00:00:00Z` }, ['body.end']],
    ['/substitutions', { displayName: 'x', rpps: '1', start: `${date()}T00:00:00Z` }, ['body.end', 'body.rpps']],
  ];
  for (const [path, body, faults] of cases) {
    const answer = await at.at('POST', path, { body });
    expect([path, body, answer.status, faultPaths(answer)]).toEqual([path, body, 400, faults]);
  }
  await at.make('/substitutions', { displayName: 'x', start: `${date()}T00:00:00Z`, end: `${date(2)}T00:00:00Z` });
  const beside = { displayName: 'y', start: `${date(1)}T00:00:00Z`, end: `${date(3)}T00:00:00Z` };
  expect(faultPaths(await at.at('POST', '/substitutions', { body: beside }))).toEqual(['body.start']);
});

test('closures close: whole days, half days, hours; what is booked stays', async () => {
  const at = await RuledPractice.create(api);
  await at.at('PUT', `/motifs/${at.practice.motif}`, { body: { granularityMinutes: 30 }, version: 1 });
  await at.open({ durationMinutes: 360, start: `${date()}T09:00` });
  expect((await at.book('09:00')).status).toBe(201);
  const morning = await at.make('/closures', { label: 'Formation', from: date(), half: 'morning' });
  expect(await at.slots()).toEqual(['12:00', '12:30', '13:00', '13:30', '14:00', '14:30']);
  expect((await at.book('09:30')).json.reasons).toMatchObject([{ code: 'CLOSED' }]);
  expect((await at.ask('GET', '/v1/appointments')).json.items).toMatchObject([{ status: 'confirmed' }]);
  const afternoon = { label: 'Formation', from: date(), half: 'afternoon' };
  const moved = await at.at('PUT', `/closures/${morning.id}`, { body: afternoon, version: 1 });
  expect(moved.json.start.slice(0, 16)).toBe(`${date()}T12:00`);
  expect(await at.slots()).toEqual(['09:30', '10:00', '10:30', '11:00', '11:30']);
  await at.make('/closures', { label: 'Congés', from: date(7), to: date(14) });
  expect([await at.slots(7), await at.slots(14), (await at.slots(21)).length]).toEqual([[], [], 12]);
});

test('public holidays close by themselves, are listed by name, and are worked when the agenda says so', async () => {
  const at = await RuledPractice.create(api);
  await at.open({ rrule: 'FREQ=DAILY' });
  await at.make('/closures', { label: 'Congés', from: date(2) });
  const year = new Date().getUTCFullYear();
  const soon = Date.parse(date());
  const next = [...publicHolidays('alsace-moselle', year), ...publicHolidays('alsace-moselle', year + 1)].find(
    (holiday) => Date.parse(holiday.date) >= soon,
  )!;
  const days = (Date.parse(next.date) - soon) / 86_400_000;
  expect(await at.slots(days)).not.toEqual([]);
  const patched = await at.at('PATCH', '', { body: { holidayCalendar: 'alsace-moselle' }, version: 1 });
  expect([patched.status, patched.json.holidayCalendar]).toEqual([200, 'alsace-moselle']);
  expect(await at.slots(days)).toEqual([]);
  const listed = async (): Promise<{ id: string; label: string; source: string; start: string; version: number }[]> =>
    (await at.at('GET', '/closures?limit=200')).json.items;
  const closures = await listed();
  const holiday = closures.find(({ start }) => start.startsWith(next.date))!;
  expect(holiday).toMatchObject({ label: next.fr, source: 'holiday' });
  const refused = await at.at('DELETE', `/closures/${holiday.id}`, { version: holiday.version });
  expect([refused.status, refused.json.type, refused.json.title]).toEqual([
    409,
    expect.stringContaining('holiday-closure'),
    expect.stringContaining('workedHolidays'),
  ]);
  await at.make('/closures', { label: 'Pont', from: date(30) });
  const again = await listed();
  expect(again.filter(({ source }) => source === 'holiday')).toEqual(
    closures.filter(({ source }) => source === 'holiday'),
  );
  expect(again.filter(({ source }) => source === 'typed')).toHaveLength(2);
  const worked = await at.at('PATCH', '', { body: { workedHolidays: [next.date] }, version: 2 });
  expect(worked.status).toBe(200);
  expect(await at.slots(days)).not.toEqual([]);
  expect((await listed()).map(({ id }) => id)).not.toContain(holiday.id);
});

test('a reserve keeps its time for whom it is meant, until it is released or taken away', async () => {
  const at = await RuledPractice.create(api);
  await at.at('PUT', `/motifs/${at.practice.motif}`, { body: { granularityMinutes: 30 }, version: 1 });
  await at.open();
  const kept = { rrule: 'FREQ=WEEKLY', start: `${date()}T10:00`, durationMinutes: 60, label: 'Urgences' };
  const reserve = await at.make('/reserves', { ...kept, keptFor: { priorities: ['urgent'] } });
  expect(await at.slots()).toEqual(['09:00', '09:30']);
  const refused = await at.book('10:00');
  expect([refused.status, refused.json.reasons]).toMatchObject([422, [{ code: 'RESERVED_UNTIL' }]]);
  await at.at('PUT', `/motifs/${at.practice.motif}`, {
    body: { granularityMinutes: 30, priority: 'urgent' },
    version: 2,
  });
  expect(await at.slots()).toEqual(halfHours);
  await at.at('PUT', `/motifs/${at.practice.motif}`, { body: { granularityMinutes: 30 }, version: 3 });
  const released = { ...kept, release: [{ kind: 'before', minutes: 525_600 }] };
  expect(await at.status('PUT', `/reserves/${reserve.id}`, { body: released, version: 1 })).toBe(200);
  expect(await at.slots()).toEqual(halfHours);
});

test('a reserve is booked by those it is kept for only with the right to use it', async () => {
  const at = await RuledPractice.create(api);
  await at.open();
  const kept = { rrule: 'FREQ=WEEKLY', start: `${date()}T10:00`, durationMinutes: 60, label: 'Télésecrétariat' };
  await at.make('/reserves', { ...kept, keptFor: { audiences: ['SECRETARIAT'] } });
  const secretary = await Secretary.of(api, at.practice);
  await secretary.grant(['see-busy', 'create']);
  const { agenda, motif } = at.practice;
  const book = () =>
    secretary.ask('POST', '/v1/appointments', { body: { agenda, motif, start: paris('10:00'), patient } });
  const refused = await book();
  expect([refused.status, refused.json.reasons]).toMatchObject([422, [{ code: 'RESERVED_UNTIL' }]]);
  await secretary.grant(['use-reserved']);
  expect((await book()).status).toBe(201);
});

test('lists go on from page to page', async () => {
  const at = await RuledPractice.create(api);
  for (let n = 0; n < 3; n++) await at.open({ start: `${date()}T0${String(6 + n)}:00`, durationMinutes: 30 });
  const first = (await at.at('GET', '/openings?limit=2')).json;
  const second = (await at.at('GET', `/openings?limit=2&cursor=${first.nextCursor as string}`)).json;
  expect([first.items.length, second.items.length, second.nextCursor]).toEqual([2, 1, null]);
  expect((await at.at('GET', '/openings?cursor=abc')).json.errors[0].path).toBe('query.cursor');
});

test('making a rule twice by accident makes one', async () => {
  const at = await RuledPractice.create(api);
  const body = { rrule: 'FREQ=WEEKLY', start: `${date()}T09:00`, durationMinutes: 60 };
  const headers = { 'idempotency-key': randomUUID() };
  const [one, two] = [
    await at.ask('POST', `${at.base}/openings`, { body, headers }),
    await at.ask('POST', `${at.base}/openings`, { body, headers }),
  ];
  expect([one.status, two.status, two.json.id, two.headers['etag']]).toEqual([201, 201, one.json.id, '"1"']);
  expect((await at.at('GET', '/openings')).json.items).toHaveLength(1);
});

test('the rules of one organization are neither seen nor named in another', async () => {
  const [mine, theirs] = [await RuledPractice.create(api), await RuledPractice.create(api)];
  const body = { rrule: 'FREQ=WEEKLY', start: `${date()}T09:00`, durationMinutes: 60 };
  const { id } = await mine.open();
  const asked: [Parameters<RuledPractice['ask']>[0], string, object][] = [
    ...['', '/openings', '/closures', '/reserves', '/substitutions', '/motifs', '/outside-rules'].map(
      (path) => ['GET', path, {}] as ['GET', string, object],
    ),
    ['GET', `/openings/${id}`, {}],
    ['POST', '/openings', { body }],
    ['PUT', `/openings/${id}`, { body, headers: { 'if-match': '"1"' } }],
    ['DELETE', `/openings/${id}`, { headers: { 'if-match': '"1"' } }],
    ['PUT', `/motifs/${mine.practice.motif}`, { body: {}, headers: { 'if-match': '"1"' } }],
    ['PATCH', '', { body: { active: false }, headers: { 'if-match': '"1"' } }],
    ['POST', '/preview', { body: { kind: 'agenda', rule: { active: false } } }],
  ];
  for (const [method, path, more] of asked)
    expect([method, path, (await theirs.ask(method, mine.base + path, more)).status]).toEqual([method, path, 404]);
  const named = await theirs.at('POST', '/openings', { body: { ...body, motifs: [mine.practice.motif] } });
  expect(faultPaths(named)).toEqual(['body.motifs.0']);
  const equipment = { equipment: [mine.practice.agenda] };
  const claimed = await theirs.at('PUT', `/motifs/${theirs.practice.motif}`, { body: equipment, version: 1 });
  expect(faultPaths(claimed)).toEqual(['body.equipment.0']);
  expect(await mine.status('GET', `/openings/${id}`)).toBe(200);
});
