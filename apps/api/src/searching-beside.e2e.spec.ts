import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { Temporal } from 'temporal-polyfill';
import type { Practice } from '../../../test/support/practice.js';
import { createMockVendors } from '../../mock-vendors/src/server.js';
import { TestApi, type Client } from './api.suite.js';

const FEED = 'cabinet';
const ZONE = 'Europe/Paris';

let api: TestApi;
let vendors: FastifyInstance;
let origin: string;
let practice: Practice;
let ask: Client;
let link: string;

/** A Monday soon, and those after it. */
const monday = (weeks: number): Temporal.PlainDate => {
  const today = Temporal.Now.plainDateISO(ZONE);
  return today.add({ days: 8 - today.dayOfWeek }).add({ weeks });
};
const basic = (date: Temporal.PlainDate): string => date.toString().replaceAll('-', '');

beforeAll(async () => {
  api = await TestApi.start();
  vendors = createMockVendors();
  origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
  await control('seed', { feeds: [{ id: FEED, name: 'Cabinet' }] });
  practice = await api.practice();
  ask = await api.client(practice);
  await api.sql(practice, 'UPDATE motif SET granularity_minutes = 30');
  await api.sql(
    practice,
    `INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during)
     SELECT organization_id, id, agenda_id, tstzrange(date_trunc('day', now()), date_trunc('day', now()) + interval '180 days') FROM opening`,
  );
  const made = await ask('POST', '/v1/connections', {
    body: {
      connector: 'ics',
      label: 'Cabinet',
      settings: {},
      secrets: { url: `${origin}/ics-feed/feeds/${FEED}.ics` },
    },
  });
  const linked = await ask('POST', '/v1/links', {
    body: {
      ...{ agenda: practice.agenda, connection: made.json.id as string, remoteAgenda: 'feed' },
      ...{ approve: true, direction: 'read-only' },
    },
  });
  link = linked.json.id as string;
});

afterAll(async () => {
  await api.stop();
  await vendors.close();
});

async function control(action: string, body: object): Promise<void> {
  const answer = await fetch(`${origin}/ics-feed/__control/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`control ${action} answered ${String(answer.status)}`);
}

/** The practitioner's calendar is these events from now on, and has been read. */
async function publish(...events: readonly (readonly string[])[]): Promise<void> {
  const lines = events.flatMap((event) => ['BEGIN:VEVENT', 'DTSTAMP:20260101T000000Z', ...event, 'END:VEVENT']);
  const text = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Test//', ...lines, 'END:VCALENDAR', ''].join('\r\n');
  await control('file', { agendaId: FEED, text });
  const read = await ask('POST', `/v1/links/${link}/sync`, { headers: { prefer: 'wait=5' }, body: {} });
  expect(read.json).toMatchObject({ lastError: null, quarantined: 0, brake: null });
}

/** Local times of a day at which half an hour is free between 08:00 and 12:00. */
async function free(date: Temporal.PlainDate): Promise<string[]> {
  const instant = (time: string): string =>
    encodeURIComponent(date.toZonedDateTime({ timeZone: ZONE, plainTime: time }).toInstant().toString());
  const path = `/v1/slots?motif=${practice.motif}&from=${instant('08:00')}&to=${instant('12:00')}`;
  const { json } = await ask('GET', path);
  expect(json.agendas).toMatchObject([{ certainty: 'live' }]);
  return (json.items as { start: string }[]).map(({ start }) => start.slice(11, 16));
}

const MORNING = ['08:00', '08:30', '09:00', '09:30', '10:00', '10:30', '11:00', '11:30'];
const without = (...taken: string[]): string[] => MORNING.filter((time) => !taken.includes(time));

test('complaint 15: what an event is shown as decides, whole days and edits included', async () => {
  const day = monday(1);
  const hour = [`DTSTART;TZID=${ZONE}:${basic(day)}T090000`, `DTEND;TZID=${ZONE}:${basic(day)}T100000`];
  const whole = [`DTSTART;VALUE=DATE:${basic(day)}`, `DTEND;VALUE=DATE:${basic(day.add({ days: 1 }))}`];
  const cases: [string, readonly string[], string[]][] = [
    ['busy', [...hour, 'TRANSP:OPAQUE'], without('09:00', '09:30')],
    ['busy → free', [...hour, 'TRANSP:TRANSPARENT'], MORNING],
    ['free → busy', hour, without('09:00', '09:30')],
    ['tentative', [...hour, 'STATUS:TENTATIVE'], without('09:00', '09:30')],
    ['a whole day that is free', [...whole, 'TRANSP:TRANSPARENT'], MORNING],
    ['a whole day', [...whole, 'TRANSP:OPAQUE'], []],
    ['cancelled', [...hour, 'STATUS:CANCELLED'], MORNING],
  ];
  for (const [name, lines, left] of cases) {
    await publish(['UID:one', `SUMMARY:${name}`, ...lines]);
    expect([name, await free(day)]).toEqual([name, left]);
  }
});

test('complaint 18: a series that began in 2019 takes every week, but for what was taken out, moved or cancelled', async () => {
  const at = (week: number, time: string): string => `;TZID=${ZONE}:${basic(monday(week))}T${time}`;
  await publish(
    [
      ...['UID:series', 'DTSTART;TZID=Europe/Paris:20190107T090000', 'DTEND;TZID=Europe/Paris:20190107T093000'],
      ...['RRULE:FREQ=WEEKLY', `EXDATE${at(3, '090000')}`],
    ],
    ['UID:series', `RECURRENCE-ID${at(4, '090000')}`, `DTSTART${at(4, '110000')}`, `DTEND${at(4, '120000')}`],
    [
      'UID:series',
      `RECURRENCE-ID${at(5, '090000')}`,
      `DTSTART${at(5, '090000')}`,
      `DTEND${at(5, '093000')}`,
      'STATUS:CANCELLED',
    ],
  );
  for (let week = 0; week < 25; week++) {
    const left = week === 3 || week === 5 ? MORNING : week === 4 ? without('11:00', '11:30') : without('09:00');
    expect([week, await free(monday(week))]).toEqual([week, left]);
  }
});
