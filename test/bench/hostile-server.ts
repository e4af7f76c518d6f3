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

/** A VEVENT; every tenth is hostile. */
function eventOf(n: number, now: number): string {
  const date = new Date(now + (n % 180) * DAY).toISOString().slice(0, 10).replaceAll('-', '');
  const rule = n % 10 === 9 ? HOSTILE_RULES[n % HOSTILE_RULES.length] : n % 10 === 8 ? 'RRULE:FREQ=WEEKLY' : null;
  const lines = [`UID:${String(n)}`, `DTSTART:${date}T080000Z`, `DTEND:${date}T083000Z`, 'SUMMARY:Visite'];
  return ['BEGIN:VEVENT', ...lines, ...(rule == null ? [] : [rule]), 'END:VEVENT', ''].join('\r\n');
}

function calendar(events: readonly string[]): string {
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\n${events.join('')}END:VCALENDAR\r\n`;
}

function many(count: number, event: (n: number) => string): string[] {
  return Array.from({ length: count }, (_, n) => event(n));
}

/** Answers of servers that mean no good, made once; by path. */
function feeds(count: number): Readonly<Record<string, () => { body: Buffer | string; gzip?: boolean }>> {
  const now = Date.now();
  const plain = (n: number): string =>
    `BEGIN:VEVENT\r\nUID:${String(n)}\r\nDTSTART:20300101T08\r\nDTEND:x\r\nEND:VEVENT\r\n`;
  const bomb = gzipSync(Buffer.alloc(300 * 2 ** 20, 'BEGIN:VCALENDAR\r\n'));
  return {
    '/mixed.ics': () => ({ body: calendar(many(count, (n) => eventOf(n, now))) }),
    '/many.ics': () => ({ body: calendar(many(count * 10, plain)) }),
    '/large.ics': () => ({
      body: calendar([`BEGIN:VEVENT\r\nUID:1\r\nDESCRIPTION:${'x'.repeat(50 * 2 ** 20)}\r\nEND:VEVENT\r\n`]),
    }),
    '/wide.ics': () => ({
      body: calendar([
        `BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20270101T080000Z\r\nSUMMARY:${'é€'.repeat(5 * 2 ** 20)}\r\nEND:VEVENT\r\n`,
      ]),
    }),
    '/alarms.ics': () => ({
      body: calendar([`BEGIN:VEVENT\r\nUID:1\r\n${'BEGIN:VALARM\r\n'.repeat(200_000)}END:VEVENT\r\n`]),
    }),
    '/gzip.ics': () => ({ body: bomb, gzip: true }),
  };
}

/** CalDAV collections of which every tenth member is hostile, and answers that are no honest XML. */
function report(path: string, asked: string, count: number): string {
  const open = '<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">';
  if (path === '/entities/')
    return `<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "${'&a;'.repeat(1000)}">]>${open}&b;</multistatus>`;
  if (path === '/deep/') return `${open}${'<response>'.repeat(1_000_000)}`;
  if (path === '/rows/') return `${open}${'<response><href>/rows/a</href></response>'.repeat(350_000)}</multistatus>`;
  if (asked.includes('sync-collection')) {
    const members = many(
      count,
      (n) =>
        `<response><href>/mixed/${String(n)}.ics</href><propstat><prop><getetag>"1"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response>`,
    );
    return `${open}${members.join('')}<sync-token>1</sync-token></multistatus>`;
  }
  const wanted = [...asked.matchAll(/<href>\/mixed\/(\d+)\.ics<\/href>/g)].map(([, n]) => Number(n));
  const objects = wanted.map(
    (n) =>
      `<response><href>/mixed/${String(n)}.ics</href><propstat><prop><getetag>"1"</getetag><C:calendar-data>${calendar([eventOf(n, Date.now())])}</C:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>`,
  );
  return `${open}${objects.join('')}</multistatus>`;
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

/** A server that means no good, on a free port of this machine. */
export async function hostileServer(count: number): Promise<{ readonly url: string; stop(): void }> {
  const known = feeds(count);
  const server = http.createServer((request, response) => {
    const path = request.url ?? '/';
    let asked = '';
    request.on('data', (data: Buffer) => (asked += data.toString()));
    request.on('end', () => {
      if (path === '/drip.ics') {
        response.writeHead(200, { 'content-type': 'text/calendar' });
        const timer = setInterval(() => response.write('B'), 200);
        response.once('close', () => {
          clearInterval(timer);
        });
        return;
      }
      const vendor = VENDORS[path.split('/')[1] ?? ''];
      if (vendor) {
        response.writeHead(200, { 'content-type': path.startsWith('/json') ? 'application/json' : 'text/xml' });
        response.end(vendor());
        return;
      }
      const feed = known[path]?.();
      if (feed) {
        response.writeHead(200, {
          'content-type': 'text/calendar',
          ...(feed.gzip ? { 'content-encoding': 'gzip' } : {}),
        });
        response.end(feed.body);
        return;
      }
      response.writeHead(207, { 'content-type': 'application/xml' });
      response.end(report(path, asked, count));
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
