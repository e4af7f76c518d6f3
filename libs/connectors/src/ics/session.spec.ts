import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import nock from 'nock';
import { ConnectorError, type ConnectorContext, type PullItem, type PullRequest, type Session } from '#connector-sdk';
import type { Interval, RemoteObject } from '#domain';
import connector from './connector.js';

const ORIGIN = 'https://agenda.example';
const SECRET = 'private-4f1d9a';
const PATH = `/${SECRET}/basic.ics`;
const WINDOW = { start: Date.parse('2027-06-01T00:00:00Z'), end: Date.parse('2027-12-01T00:00:00Z') };

function session(secrets: object = {}, context: Partial<ConnectorContext> = {}): Session {
  return connector.open(
    { settings: {}, secrets: connector.config.secrets.parse({ url: ORIGIN + PATH, ...secrets }) },
    { timeoutMs: 1000, allowPrivateNetworks: true, now: () => Date.parse('2027-06-07T07:00:00Z'), ...context },
  );
}

const options = { signal: AbortSignal.timeout(60_000) };

function calendar(...events: string[]): string {
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', ...events, 'END:VCALENDAR', ''].join('\r\n');
}

function event(...lines: string[]): string {
  return ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n');
}

const VISIT = event('UID:a@x', 'DTSTART:20270607T070000Z', 'DTEND:20270607T073000Z', 'SUMMARY:Visite');
const LUNCH = event('UID:b@x', 'DTSTART:20270607T100000Z', 'DTEND:20270607T110000Z', 'SUMMARY:Repas');

interface Pulled {
  readonly objects: readonly RemoteObject[];
  readonly unreadable: readonly string[];
  /** What those take all the same. */
  readonly held: readonly Interval[];
  readonly end: Extract<PullItem, { type: 'end' }>;
}

async function pull(from: Session, more: Partial<PullRequest> = {}): Promise<Pulled> {
  const items: PullItem[] = [];
  const request: PullRequest = {
    agendaId: 'feed',
    cursor: null,
    window: WINDOW,
    timeZone: 'Europe/Paris',
    known: () => Promise.resolve(new Map()),
    ...more,
  };
  for await (const item of from.pull(request, options)) items.push(item);
  const changes = items.flatMap((item) => (item.type === 'changes' ? item.changes : []));
  const end = items.at(-1);
  if (end?.type !== 'end') throw new Error('a pull without its end');
  return {
    objects: changes.flatMap((change) => (change.kind === 'upsert' ? [change.object] : [])),
    unreadable: changes.flatMap((change) => (change.kind === 'unreadable' ? [change.remoteId] : [])),
    held: changes.flatMap((change) => (change.kind === 'unreadable' ? (change.busy ?? []) : [])),
    end,
  };
}

async function pulledFrom(body: string, more: Partial<PullRequest> = {}): Promise<Pulled> {
  nock(ORIGIN).get(PATH).reply(200, body, { 'content-type': 'text/calendar' });
  return pull(session(), more);
}

async function failure(attempt: Promise<unknown>): Promise<ConnectorError> {
  const error: unknown = await attempt.then(
    () => new Error('no failure'),
    (thrown: unknown) => thrown,
  );
  if (!ConnectorError.is(error)) throw error;
  expect(JSON.stringify([error.message, error.stack])).not.toContain(SECRET);
  return error;
}

const busyOf = (pulled: Pulled): string[] =>
  pulled.objects.flatMap(({ busy }) => busy.map(({ start }) => new Date(start).toISOString().slice(0, 16))).sort();

const versions = ({ objects }: Pulled): Map<string, string | null> =>
  new Map(objects.map(({ remoteId, version }) => [remoteId, version]));

beforeAll(() => nock.disableNetConnect());
afterEach(() => {
  expect(nock.pendingMocks()).toEqual([]);
  nock.cleanAll();
});
afterAll(() => {
  nock.enableNetConnect();
  nock.restore();
});

it('waits for a feed as long as for a listing, and no longer', async () => {
  const slow = { timeoutMs: 100, listingTimeoutMs: 1000 };
  nock(ORIGIN).get(PATH).delay(300).reply(200, calendar(VISIT), { 'content-type': 'text/calendar' });
  expect((await pull(session({}, slow))).objects).toHaveLength(1);
  nock(ORIGIN).get(PATH).delay(2000).reply(200, calendar(VISIT), { 'content-type': 'text/calendar' });
  expect((await failure(pull(session({}, slow)))).kind).toBe('unavailable');
  nock(ORIGIN).get(PATH).delay(300).reply(200, calendar(VISIT), { 'content-type': 'text/calendar' });
  expect((await pull(session({}, { timeoutMs: 1000, listingTimeoutMs: 100 }))).objects).toHaveLength(1);
});

describe('a feed that did not change', () => {
  it('is asked for conditionally, and 304 ends an empty delta with the same cursor', async () => {
    const lastModified = 'Mon, 07 Jun 2027 06:00:00 GMT';
    nock(ORIGIN).get(PATH).reply(200, calendar(VISIT), { etag: 'W/"7"', 'last-modified': lastModified });
    const first = await pull(session());
    expect(first.end.complete?.present).toEqual(new Set(['a@x']));
    nock(ORIGIN, { reqheaders: { 'if-none-match': 'W/"7"', 'if-modified-since': lastModified } })
      .get(PATH)
      .reply(304);
    const second = await pull(session(), { cursor: first.end.cursor });
    expect(second).toEqual({
      objects: [],
      unreadable: [],
      held: [],
      end: { type: 'end', cursor: first.end.cursor, complete: null },
    });
  });

  it('is recognised by its text where the server knows no conditions', async () => {
    const first = await pulledFrom(calendar(VISIT));
    const second = await pulledFrom(calendar(VISIT), { cursor: first.end.cursor });
    expect([second.objects, second.end.complete]).toEqual([[], null]);
  });

  it('is told as unchanged, event by event, where each fetch stamps all anew', async () => {
    const stamped = (stamp: string): string =>
      calendar(
        VISIT.replace('DTSTART', `DTSTAMP:${stamp}\r\nDTSTART`),
        LUNCH.replace('DTSTART', `DTSTAMP:${stamp}\r\nDTSTART`),
      );
    const first = await pulledFrom(stamped('20270607T060000Z'));
    const known = (): Promise<Map<string, string | null>> => Promise.resolve(versions(first));
    const second = await pulledFrom(stamped('20270607T061000Z'), { cursor: first.end.cursor, known });
    expect(second.objects).toEqual([]);
    expect(second.end.complete?.present).toEqual(new Set(['a@x', 'b@x']));
  });

  it('is read anew, unconditionally, for another window, another zone or a cursor that makes no sense', async () => {
    nock(ORIGIN).get(PATH).reply(200, calendar(VISIT), { etag: '"7"' });
    const { end } = await pull(session());
    const later = { start: WINDOW.start + 86_400_000, end: WINDOW.end + 86_400_000 };
    for (const more of [{ window: later }, { timeZone: 'Indian/Reunion' }, { cursor: 'nonsense' }]) {
      nock(ORIGIN, { badheaders: ['if-none-match', 'if-modified-since'] })
        .get(PATH)
        .reply(200, calendar(VISIT), { etag: '"7"' });
      const again = await pull(session(), { cursor: end.cursor, ...more });
      expect([again.objects.length, again.end.complete?.present.size]).toEqual([1, 1]);
    }
  });
});

describe('what is no whole calendar', () => {
  it.each([
    ['a file without its last line', calendar(VISIT, LUNCH).replace('END:VCALENDAR\r\n', '')],
    ['a file cut in an event', calendar(VISIT, LUNCH).slice(0, -60)],
    ['a second calendar inside the first', calendar(VISIT, 'BEGIN:VCALENDAR', LUNCH)],
    ['a web page', '<!doctype html><title>Connexion</title>'],
    ['nothing', ''],
    ['blank lines', '\r\n\r\n'],
    ['another text', 'Service indisponible'],
    ['an event without a calendar', VISIT],
    ['data of another kind', '{"error":"maintenance"}'],
  ])('%s is unavailable, never an empty agenda', async (_, body) => {
    nock(ORIGIN).get(PATH).reply(200, body);
    expect((await failure(pull(session()))).kind).toBe('unavailable');
  });

  it('a web page that says it is a calendar, and a calendar that says it is a web page, are unavailable', async () => {
    nock(ORIGIN).get(PATH).reply(200, '\n <html></html>', { 'content-type': 'text/calendar' });
    expect((await failure(pull(session()))).kind).toBe('unavailable');
    nock(ORIGIN).get(PATH).reply(200, calendar(VISIT), { 'content-type': 'text/html; charset=utf-8' });
    expect((await failure(pull(session()))).kind).toBe('unavailable');
  });

  it.each([
    [204, 'unavailable'],
    [304, 'unavailable'],
    [401, 'auth'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [410, 'not_found'],
    [500, 'unavailable'],
  ])('the answer %i to an unconditional question is %s', async (status, kind) => {
    nock(ORIGIN).get(PATH).reply(status);
    expect((await failure(pull(session()))).kind).toBe(kind);
  });

  it('a calendar without events is an empty agenda', async () => {
    const { objects, end } = await pulledFrom(calendar('X-WR-CALNAME:Vide'));
    expect([objects, end.complete?.present.size]).toEqual([[], 0]);
  });

  it('more than is read is invalid', async () => {
    const fat = event('UID:f@x', 'DTSTART:20270607T070000Z', `DESCRIPTION:${'x'.repeat(17 * 1024 * 1024)}`);
    nock(ORIGIN).get(PATH).reply(200, calendar(fat));
    expect((await failure(pull(session()))).kind).toBe('invalid');
  });
});

describe('events', () => {
  it('floating times and whole days are meant in the zone of the pull', async () => {
    const body = calendar(
      event('UID:float@x', 'DTSTART:20270607T090000', 'DTEND:20270607T093000'),
      event('UID:day@x', 'DTSTART;VALUE=DATE:20270608'),
    );
    expect(busyOf(await pulledFrom(body))).toEqual(['2027-06-07T07:00', '2027-06-07T22:00']);
    expect(busyOf(await pulledFrom(body, { timeZone: 'Indian/Reunion' }))).toEqual([
      '2027-06-07T05:00',
      '2027-06-07T20:00',
    ]);
  });

  it('a series and its overrides are one object, wherever they stand in the file', async () => {
    const master = event(
      'UID:s@x',
      'DTSTART;TZID=Romance Standard Time:20270607T090000',
      'DURATION:PT30M',
      'RRULE:FREQ=WEEKLY;COUNT=3',
    );
    const override = event(
      'UID:s@x',
      'RECURRENCE-ID;TZID=Europe/Paris:20270614T090000',
      'DTSTART;TZID=Europe/Paris:20270615T100000',
      'DURATION:PT30M',
    );
    const pulled = await pulledFrom(calendar(override, VISIT, master));
    expect(pulled.objects.map(({ remoteId, recurring }) => [remoteId, recurring])).toEqual([
      ['s@x', true],
      ['a@x', false],
    ]);
    expect(busyOf(pulled)).toEqual(['2027-06-07T07:00', '2027-06-07T07:00', '2027-06-15T08:00', '2027-06-21T07:00']);
  });

  it.each([
    ['Cabinet', 'Cabinet'],
    [String.raw`(UTC+03:00) Riad\, Koweït`, '"(UTC+03:00) Riad, Koweït"'],
  ])('a zone that only the file defines holds for the events that name it: %s', async (defined, named) => {
    const zone = [
      'BEGIN:VTIMEZONE',
      `TZID:${defined}`,
      'BEGIN:STANDARD',
      'DTSTART:19700101T000000',
      'TZOFFSETFROM:+0300',
      'TZOFFSETTO:+0300',
      'END:STANDARD',
      'END:VTIMEZONE',
    ].join('\r\n');
    const body = calendar(zone, event('UID:z@x', `DTSTART;TZID=${named}:20270607T090000`, 'DURATION:PT1H'), VISIT);
    expect(busyOf(await pulledFrom(body))).toEqual(['2027-06-07T06:00', '2027-06-07T07:00']);
  });

  it('of revisions of one event the latest counts, and a repeated event counts once', async () => {
    const later = event('UID:a@x', 'SEQUENCE:2', 'DTSTART:20270608T070000Z', 'DTEND:20270608T073000Z');
    expect(busyOf(await pulledFrom(calendar(later, VISIT)))).toEqual(['2027-06-08T07:00']);
    expect(busyOf(await pulledFrom(calendar(VISIT, VISIT)))).toEqual(['2027-06-07T07:00']);
  });

  it('different events that an export gave one UID all keep their time', async () => {
    const twin = event('UID:a@x', 'DTSTART:20270609T070000Z', 'DTEND:20270609T073000Z');
    const pulled = await pulledFrom(calendar(VISIT, twin));
    expect(busyOf(pulled)).toEqual(['2027-06-07T07:00', '2027-06-09T07:00']);
    expect(pulled.end.complete?.present.size).toBe(2);
  });

  it('without a UID are known by what they say, whatever their stamp', async () => {
    const bare = (stamp: string): string =>
      calendar(event(`DTSTAMP:${stamp}`, 'DTSTART:20270607T070000Z', 'DURATION:PT1H'));
    const [one, two] = [await pulledFrom(bare('20270601T000000Z')), await pulledFrom(bare('20270602T000000Z'))];
    expect(one.objects.map(({ remoteId }) => remoteId)).toEqual([expect.stringMatching(/^sha256:/)]);
    expect(two.objects.map(({ remoteId }) => remoteId)).toEqual(one.objects.map(({ remoteId }) => remoteId));
  });

  it('the UID of an alarm is not that of its event', async () => {
    const alarm = ['BEGIN:VALARM', 'UID:alarm@x', 'ACTION:DISPLAY', 'END:VALARM'];
    const body = calendar(event(...alarm, 'UID:a@x', 'DTSTART:20270607T070000Z', 'DURATION:PT1H'));
    expect((await pulledFrom(body)).objects[0]?.remoteId).toBe('a@x');
  });

  it('beyond the window are left out', async () => {
    const past = event('UID:old@x', 'DTSTART:20200607T070000Z', 'DURATION:PT1H');
    const history = event('UID:h@x', 'DTSTART:20200607T070000Z', 'DTEND:20200607T080000Z');
    const ended = event('UID:ended@x', 'DTSTART:20200607T070000Z', 'DURATION:PT1H', 'RRULE:FREQ=DAILY;COUNT=5');
    const pulled = await pulledFrom(calendar(past, history, ended, VISIT));
    expect([...(pulled.end.complete?.present ?? [])]).toEqual(['a@x']);
  });

  it('that began long ago and reach into the window are kept, whatever their form', async () => {
    const start = 'DTSTART:20200607T070000Z';
    const pulled = await pulledFrom(
      calendar(
        event('UID:long@x', start, 'DTEND:20270701T080000Z'),
        event('UID:series@x', start, 'DTEND:20200607T080000Z', 'RRULE:FREQ=YEARLY'),
        event('UID:dates@x', start, 'DTEND:20200607T080000Z', 'RDATE:20270608T070000Z'),
        event('UID:moved@x', start, 'DTEND:20200607T080000Z', 'RRULE:FREQ=DAILY;COUNT=2'),
        event('UID:moved@x', 'RECURRENCE-ID:20200608T070000Z', 'DTSTART:20270609T070000Z', 'DTEND:20270609T080000Z'),
        event('UID:edge@x', 'DTSTART;VALUE=DATE:20270530', 'DTEND;VALUE=DATE:20270601'),
      ),
    );
    expect(pulled.objects.map(({ remoteId }) => remoteId)).toEqual(['long@x', 'series@x', 'dates@x', 'moved@x']);
  });

  it('one that cannot be read harms no other, and nothing known of it goes', async () => {
    const bad = event('UID:bad@x', 'DTSTART;TZID=Nulle part:20270607T090000', 'DURATION:PT1H');
    const known = (): Promise<Map<string, string | null>> =>
      Promise.resolve(new Map([['bad@x#20270607T090000', 'v1']]));
    const pulled = await pulledFrom(calendar(bad, VISIT), { known });
    expect([pulled.unreadable, busyOf(pulled)]).toEqual([['bad@x'], ['2027-06-07T07:00']]);
    expect(pulled.end.complete?.present).toEqual(new Set(['bad@x', 'bad@x#20270607T090000', 'a@x']));
  });

  it('one that is cut off inside a whole calendar harms no other', async () => {
    const cut = VISIT.replace('\r\nEND:VEVENT', '');
    const pulled = await pulledFrom(calendar(cut, LUNCH));
    expect([pulled.unreadable, busyOf(pulled)]).toEqual([['a@x'], ['2027-06-07T10:00']]);
    expect(pulled.held).toMatchObject([{ start: Date.parse('2027-06-07T07:00:00Z') }]);
  });

  it('busy time that is told without events is busy', async () => {
    const told = 'BEGIN:VFREEBUSY\r\nUID:fb@x\r\nFREEBUSY:20270607T070000Z/PT1H\r\nEND:VFREEBUSY\r\n';
    const pulled = await pulledFrom(calendar(told, VISIT));
    expect([pulled.unreadable, busyOf(pulled)]).toEqual([[], ['2027-06-07T07:00', '2027-06-07T07:00']]);
    expect(pulled.objects.map(({ remoteId, summary }) => [remoteId, summary])).toContainEqual(['fb@x', null]);
  });

  it('that never end in number are refused one by one, in bounded time', async () => {
    const bomb = event('UID:bomb@x', 'DTSTART:19700101T000000Z', 'DURATION:PT1S', 'RRULE:FREQ=SECONDLY');
    const pulled = await pulledFrom(calendar(bomb, VISIT));
    expect([pulled.unreadable, busyOf(pulled)]).toEqual([['bomb@x'], ['2027-06-07T07:00']]);
  });

  it('that the hub wrote elsewhere are found by their reference', async () => {
    const ours = event('UID:ref-1@unisson', 'DTSTART:20270607T070000Z', 'DURATION:PT1H');
    nock(ORIGIN).get(PATH).twice().reply(200, calendar(ours, VISIT));
    const open = session();
    expect(await open.find({ agendaId: 'feed', reference: 'ref-1' }, options)).toMatchObject({ reference: 'ref-1' });
    expect(await open.find({ agendaId: 'feed', reference: 'ref-2' }, options)).toBeNull();
  });
});

describe('the way to a feed', () => {
  it('webcal is https, and the account is named by its host', async () => {
    nock(ORIGIN).get(PATH).reply(200, calendar('X-WR-CALNAME:Cabinet', 'X-WR-TIMEZONE:Romance Standard Time'));
    expect(await session({ url: `webcal://agenda.example${PATH}` }).listAgendas(options)).toEqual([
      { id: 'feed', name: 'Cabinet', writable: false, timeZone: 'Europe/Paris' },
    ]);
    nock(ORIGIN).get(PATH).reply(200, calendar());
    expect(await session().verify(options)).toEqual({ account: 'agenda.example' });
  });

  it('credentials go to the address that was entered, not where it redirects', async () => {
    const headers = { authorization: `Basic ${Buffer.from('me:word').toString('base64')}` };
    nock(ORIGIN, { reqheaders: headers }).get(PATH).reply(302, '', { location: 'https://cdn.example/x.ics' });
    nock('https://cdn.example', { badheaders: ['authorization'] })
      .get('/x.ics')
      .reply(200, calendar(VISIT));
    const url = (ORIGIN + PATH).replace('https://', 'https://me:word@');
    expect((await pull(session({ url }))).objects).toHaveLength(1);
  });

  it('circles, dead ends and the way back to an unprotected address are refused', async () => {
    nock(ORIGIN).get(PATH).times(6).reply(301, '', { location: PATH });
    expect((await failure(pull(session()))).kind).toBe('unavailable');
    nock(ORIGIN).get(PATH).reply(307);
    expect((await failure(pull(session()))).kind).toBe('unavailable');
    nock(ORIGIN).get(PATH).reply(302, '', { location: 'http://agenda.example/' });
    expect((await failure(pull(session()))).kind).toBe('invalid');
  });

  it.each(['https://127.0.0.1/x.ics', 'https://[::1]/', 'https://169.254.169.254/latest', 'https://10.1.2.3/x'])(
    'a redirect into a private network is refused: %s',
    async (location) => {
      nock(ORIGIN).get(PATH).reply(302, '', { location });
      expect((await failure(pull(session({}, { allowPrivateNetworks: false })))).kind).toBe('invalid');
    },
  );

  it('is never a way to write', async () => {
    const content = { ...WINDOW, timeZone: 'Europe/Paris', summary: 'x' };
    const booking = { agendaId: 'feed', reference: 'ref-1', content };
    const named = { ...booking, remoteId: 'a@x', version: null };
    const open = session();
    for (const attempt of [open.create(booking, options), open.update(named, options), open.cancel(named, options)])
      expect((await failure(attempt)).kind).toBe('forbidden');
  });
});
