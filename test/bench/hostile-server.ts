import http from 'node:http';
import { gzipSync } from 'node:zlib';

const DAY = 86_400_000;

/** Rules of 150 bytes that ask for years of work. */
const HOSTILE_RULES = [
  'RRULE:FREQ=SECONDLY',
  'RRULE:FREQ=SECONDLY;COUNT=1000000000',
  'RRULE:FREQ=SECONDLY;BYHOUR=23;BYMINUTE=59;BYSECOND=59',
  'RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30',
  `RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=${range(24)};BYMINUTE=${range(60)};BYSECOND=${range(60)}`,
  `RDATE:${Array.from({ length: 1000 }, (_, n) => `${String(1000 + n)}0101T000000Z`).join(',')}`,
];

function range(to: number): string {
  return Array.from({ length: to }, (_, n) => String(n)).join(',');
}

function dateOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10).replaceAll('-', '');
}

function inAWeek(now: number): string {
  const date = dateOf(now + 7 * DAY);
  return `DTSTART:${date}T080000Z\r\nDTEND:${date}T083000Z\r\n`;
}

/** A VEVENT; every tenth is hostile. */
function eventOf(n: number, now: number): string {
  const date = dateOf(now + (n % 180) * DAY);
  const rule =
    n % 10 === 9 ? HOSTILE_RULES[Math.floor(n / 10) % HOSTILE_RULES.length] : n % 10 === 8 ? 'RRULE:FREQ=WEEKLY' : null;
  const lines = [`UID:${String(n)}`, `DTSTART:${date}T080000Z`, `DTEND:${date}T083000Z`, 'SUMMARY:Visite'];
  return ['BEGIN:VEVENT', ...lines, ...(rule == null ? [] : [rule]), 'END:VEVENT', ''].join('\r\n');
}

function calendar(events: readonly string[]): string {
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\n${events.join('')}END:VCALENDAR\r\n`;
}

function many(count: number, event: (n: number) => string): string[] {
  return Array.from({ length: count }, (_, n) => event(n));
}

/** Calendars that mean no good, by name: the events of each of their objects. A feed has all of them in one file. */
function calendars(count: number): Readonly<Record<string, () => readonly string[]>> {
  const now = Date.now();
  const plain = (n: number): string =>
    `BEGIN:VEVENT\r\nUID:${String(n)}\r\nDTSTART:20300101T08\r\nDTEND:x\r\nEND:VEVENT\r\n`;
  const mixed = many(count, (n) => eventOf(n, now));
  return {
    mixed: () => mixed,
    many: () => [many(count * 10, plain).join('')],
    large: () => [`BEGIN:VEVENT\r\nUID:1\r\nDESCRIPTION:${'x'.repeat(50 * 2 ** 20)}\r\nEND:VEVENT\r\n`],
    wide: () => [
      `BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20270101T080000Z\r\nSUMMARY:${'é€'.repeat(5 * 2 ** 20)}\r\nEND:VEVENT\r\n`,
    ],
    // Just less than is received at all: of the one, all is read; of the other, nothing.
    attached: () => [
      `BEGIN:VEVENT\r\nUID:1\r\n${inAWeek(now)}ATTACH;ENCODING=BASE64;VALUE=BINARY:${`${'A'.repeat(73)}\r\n `.repeat(210_000)}\r\nEND:VEVENT\r\n`,
    ],
    lines: () => [`BEGIN:VEVENT\r\nUID:1\r\n${inAWeek(now)}${'X-A:1\r\n'.repeat(2_200_000)}END:VEVENT\r\n`],
    alarms: () => [`BEGIN:VEVENT\r\nUID:1\r\n${'BEGIN:VALARM\r\n'.repeat(200_000)}END:VEVENT\r\n`],
  };
}

const OPEN = '<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">';

/** Answers that are no honest XML, by path. */
const DOCUMENTS: Readonly<Record<string, () => string>> = {
  '/entities/': () =>
    `<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "${'&a;'.repeat(1000)}">]>${OPEN}&b;</multistatus>`,
  '/deep/': () => `${OPEN}${'<response>'.repeat(1_000_000)}`,
  '/rows/': () => `${OPEN}${'<response><href>/rows/a</href></response>'.repeat(350_000)}</multistatus>`,
};

/** What a CalDAV server answers of a collection; those called `listed-` come with their data when all is asked for. */
function report(path: string, asked: string, objects: readonly string[]): string {
  const isListing = asked.includes('sync-collection');
  const withData = !isListing || (path.startsWith('/listed-') && asked.includes('calendar-data'));
  const wanted = isListing ? objects.keys() : [...asked.matchAll(/\/(\d+)\.ics<\/href>/g)].map(([, n]) => Number(n));
  const members = Array.from(wanted, (n) => {
    const data = withData ? `<C:calendar-data>${calendar([objects[n] ?? ''])}</C:calendar-data>` : '';
    return `<response><href>${path}${String(n)}.ics</href><propstat><prop><getetag>"1"</getetag>${data}</prop><status>HTTP/1.1 200 OK</status></propstat></response>`;
  });
  return `${OPEN}${members.join('')}${isListing ? '<sync-token>1</sync-token>' : ''}</multistatus>`;
}

/** What a vendor must not answer: larger, deeper, wider or wronger than anything honest, up to what is received at all. */
const VENDORS: Readonly<Record<string, () => string>> = {
  'json-large': () => `{"entries":[${'{"id":1},'.repeat(1_700_000)}{}]}`,
  'json-levels': () => '['.repeat(8_000_000),
  'json-members': () => `{${Array.from({ length: 49_000 }, (_, n) => `"k${String(n)}":0`).join(',')}}`,
  'json-wrong': () => `{"entries":[${'"x",'.repeat(49_000)}0],"cursor":0}`,
  'xml-entities': () =>
    `<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "${'&a;'.repeat(1000)}">]><Reponse>${'&b;'.repeat(100_000)}</Reponse>`,
  'xml-deep': () => `<Reponse>${'<a>'.repeat(600_000)}`,
  'xml-rows': () => `<Reponse>${'<Rdv><Id>1</Id></Rdv>'.repeat(95_000)}</Reponse>`,
  'xml-attributes': () => `<Reponse ${Array.from({ length: 150_000 }, (_, n) => `a${String(n)}=""`).join(' ')}/>`,
};

/** A little at a time, without end. */
function drip(response: http.ServerResponse): void {
  const timer = setInterval(() => response.write('B'), 200);
  response.once('close', () => {
    clearInterval(timer);
  });
}

interface Answer {
  readonly type: string;
  readonly body: Buffer | string;
  readonly encoding?: string;
}

/** A server that means no good, on a free port of this machine. */
export async function hostileServer(count: number): Promise<{ readonly url: string; stop(): void }> {
  const known = calendars(count);
  const bomb = gzipSync(Buffer.alloc(300 * 2 ** 20, 'BEGIN:VCALENDAR\r\n'));
  const answerTo = (path: string, name: string, asked: string | null): Answer => {
    const type = asked === null ? 'text/calendar' : 'application/xml';
    if (name === 'gzip') return { type, body: bomb, encoding: 'gzip' };
    const objects = known[name]?.() ?? [];
    if (asked !== null) return { type, body: DOCUMENTS[path]?.() ?? report(path, asked, objects) };
    const [, one] = /\/(\d+)\.ics$/.exec(path) ?? [];
    return { type, body: calendar(one === undefined ? objects : objects.slice(Number(one), Number(one) + 1)) };
  };
  const server = http.createServer((request, response) => {
    const path = request.url ?? '/';
    let asked = '';
    request.on('data', (data: Buffer) => (asked += data.toString()));
    request.on('end', () => {
      const vendor = VENDORS[path.split('/')[1] ?? ''];
      const [, name = ''] = /^\/(?:listed-)?(\w+)/.exec(path) ?? [];
      const isGet = request.method === 'GET';
      const answer: Answer = vendor
        ? { type: path.startsWith('/json') ? 'application/json' : 'text/xml', body: vendor() }
        : answerTo(path, name, isGet ? null : asked);
      response.writeHead(isGet || vendor ? 200 : 207, {
        'content-type': answer.type,
        ...(answer.encoding ? { 'content-encoding': answer.encoding } : {}),
      });
      if (name === 'drip') drip(response);
      else response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${String(port)}/`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
