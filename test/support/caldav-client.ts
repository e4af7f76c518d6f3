import { randomUUID } from 'node:crypto';
import { Temporal } from 'temporal-polyfill';
import type { DavServer } from './dav-server.js';

/** An event as a calendar application shows it. Epoch milliseconds, `[start, end)`. */
export interface CalendarEntry {
  readonly id: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  /** `UID` (RFC 5545 3.8.4.7). */
  readonly uid: string;
}

const XML = { 'Content-Type': 'application/xml; charset=utf-8', Depth: '1' };
const LISTING =
  '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>' +
  '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter></C:calendar-query>';

/** The practitioner's calendar application: plain requests of its own, nothing shared with the hub. */
export class CalendarApplication {
  constructor(
    private readonly server: Pick<DavServer, 'request'>,
    private readonly user: string,
    readonly calendar: string,
  ) {}

  async entries(): Promise<CalendarEntry[]> {
    const text = await this.ask('REPORT', this.calendar, { headers: XML, body: LISTING });
    const responses = text.match(/<([A-Za-z0-9]*:)?response>[\s\S]*?<\/\1?response>/g) ?? [];
    return responses.map((response) =>
      entryOf(unescape(within(response, 'href')), unescape(within(response, 'calendar-data'))),
    );
  }

  /** Puts an event of the practitioner's own; answers its id. */
  async create({ start, end, title }: { start: number; end: number; title: string }): Promise<string> {
    const uid = randomUUID();
    const id = `${this.calendar}${uid}.ics`;
    const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Agenda du cabinet//FR', 'BEGIN:VEVENT', `UID:${uid}`];
    const times = [
      `DTSTAMP:${stamp(Date.now())}`,
      `DTSTART:${stamp(start)}`,
      `DTEND:${stamp(end)}`,
      `SUMMARY:${title}`,
    ];
    await this.put(id, [...lines, ...times, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'));
    return id;
  }

  /** Puts an event whose time nobody can tell: its zone is not known, nor defined. */
  async createUnreadable(): Promise<string> {
    const uid = randomUUID();
    const id = `${this.calendar}${uid}.ics`;
    const event = ['BEGIN:VEVENT', `UID:${uid}`, `DTSTAMP:${stamp(Date.now())}`, 'SUMMARY:Ailleurs'];
    const times = ['DTSTART;TZID=Nulle part:20270607T090000', 'DURATION:PT1H', 'END:VEVENT'];
    const head = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Agenda du cabinet//FR'];
    await this.put(id, [...head, ...event, ...times, 'END:VCALENDAR', ''].join('\r\n'));
    return id;
  }

  /** Drags the event elsewhere, or makes it shorter. */
  async move(id: string, start: number, end: number): Promise<void> {
    const body = await this.ask('GET', id);
    const event = (text: string): string =>
      text.replace(/^DTSTART.*$/m, `DTSTART:${stamp(start)}`).replace(/^DTEND.*$/m, `DTEND:${stamp(end)}`);
    // The definition of a zone has a DTSTART of its own.
    await this.put(id, body.replace(/BEGIN:VEVENT[\s\S]*END:VEVENT/, event));
  }

  async retitle(id: string, title: string): Promise<void> {
    await this.put(id, (await this.ask('GET', id)).replace(/^SUMMARY.*$/m, `SUMMARY:${escaped(title)}`));
  }

  async remove(id: string): Promise<void> {
    await this.ask('DELETE', id);
  }

  private async put(id: string, body: string): Promise<void> {
    await this.ask('PUT', id, { headers: { 'Content-Type': 'text/calendar; charset=utf-8' }, body });
  }

  private async ask(
    method: string,
    target: string,
    options: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<string> {
    const answer = await this.server.request(this.user, method, target, options);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${target}: ${answer.status}`);
    return text;
  }
}

/** Text in a content line (RFC 5545 3.3.11). */
function escaped(text: string): string {
  return text.replace(/[\\;,]/g, '\\$&');
}

function within(xml: string, name: string): string {
  return new RegExp(`<(?:[A-Za-z0-9]*:)?${name}[^>]*>([\\s\\S]*?)</`).exec(xml)?.[1]?.trim() ?? '';
}

function unescape(text: string): string {
  const names: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return names[name] ?? whole;
    return String.fromCodePoint(decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal));
  });
}

function entryOf(id: string, calendar: string): CalendarEntry {
  const event = /BEGIN:VEVENT[\s\S]*?END:VEVENT/.exec(calendar.replace(/\r?\n[ \t]/g, ''))?.[0] ?? '';
  const line = (name: string): RegExpExecArray | null =>
    new RegExp(`^${name}((?:;[^:\\r\\n]*)?):(.*?)\\r?$`, 'm').exec(event);
  const time = (name: string): number => instant(line(name)?.[1] ?? '', line(name)?.[2] ?? '');
  return {
    id,
    uid: line('UID')?.[2] ?? '',
    title: (line('SUMMARY')?.[2] ?? '').replace(/\\(.)/g, (_, letter: string) => (/n/i.test(letter) ? '\n' : letter)),
    start: time('DTSTART'),
    end: time('DTEND'),
  };
}

function instant(parameters: string, value: string): number {
  const local = value.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z?$/, '$1-$2-$3T$4:$5:$6');
  const zone = value.endsWith('Z') ? 'UTC' : (/TZID=([^;]+)/.exec(parameters)?.[1] ?? 'UTC');
  return Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds;
}

function stamp(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
}
