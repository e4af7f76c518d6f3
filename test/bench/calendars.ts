const DAY = 86_400_000;

/**
 * A practitioner's calendar of `count` objects around `now`. Of a hundred: 84 single events (zoned, UTC, all-day,
 * floating, transparent, cancelled, private), 13 weekly series (5 with EXDATE, 3 with a moved instance), 2 daily ones
 * with COUNT, 1 with RDATE. Half lies behind, half ahead.
 */
export function practitionerCalendar(count: number, now: number): Record<string, string> {
  const objects: Record<string, string> = {};
  for (let n = 0; n < count; n += 1)
    objects[`event-${String(n)}`] = calendarObject(n, now + (((n * 37) % 360) - 180) * DAY);
  return objects;
}

/** The object with another title: what a practitioner's own client would put. */
export function retitled(body: string, title = 'modifiée'): string {
  return body.replace('SUMMARY:Note ', `SUMMARY:Note ${title} `);
}

function calendarObject(n: number, day: number): string {
  const kind = n % 100;
  const date = new Date(day).toISOString().slice(0, 10).replaceAll('-', '');
  const hour = String(8 + (n % 10)).padStart(2, '0');
  const event = (times: string[], extra: string[] = []): string[] => [
    'BEGIN:VEVENT',
    `UID:event-${String(n)}`,
    'DTSTAMP:20260101T000000Z',
    `SUMMARY:Note ${String(n)}`,
    ...times,
    ...extra,
    'END:VEVENT',
  ];
  const zoned = [`DTSTART;TZID=Europe/Paris:${date}T${hour}0000`, `DTEND;TZID=Europe/Paris:${date}T${hour}3000`];
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//bench//FR',
    ...paris(kind),
    ...bodyOf(kind, { event, zoned, date, hour }),
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}

interface Parts {
  readonly event: (times: string[], extra?: string[]) => string[];
  readonly zoned: string[];
  readonly date: string;
  readonly hour: string;
}

function bodyOf(kind: number, { event, zoned, date, hour }: Parts): string[] {
  if (kind < 50) return event(zoned);
  if (kind < 60) return event([`DTSTART:${date}T${hour}0000Z`, `DTEND:${date}T${hour}3000Z`]);
  if (kind < 66) return event([`DTSTART;VALUE=DATE:${date}`]);
  if (kind < 70) return event([`DTSTART:${date}T${hour}0000`, `DTEND:${date}T${hour}3000`]);
  if (kind < 75) return event(zoned, ['TRANSP:TRANSPARENT']);
  if (kind < 79) return event(zoned, ['STATUS:CANCELLED']);
  if (kind < 84) return event(zoned, ['CLASS:PRIVATE']);
  if (kind < 89) return event(zoned, ['RRULE:FREQ=WEEKLY', `EXDATE;TZID=Europe/Paris:${date}T${hour}0000`]);
  if (kind < 92)
    return [
      ...event(zoned, ['RRULE:FREQ=WEEKLY']),
      ...event(
        [`DTSTART;TZID=Europe/Paris:${date}T${hour}1500`, `DTEND;TZID=Europe/Paris:${date}T${hour}4500`],
        [`RECURRENCE-ID;TZID=Europe/Paris:${date}T${hour}0000`],
      ),
    ];
  if (kind < 97) return event(zoned, ['RRULE:FREQ=WEEKLY']);
  if (kind < 99) return event(zoned, ['RRULE:FREQ=DAILY;COUNT=10']);
  return event(zoned, [`RDATE;TZID=Europe/Paris:${date}T200000`]);
}

/** Objects that name the zone carry its rules, as clients write them. */
function paris(kind: number): string[] {
  if (kind >= 50 && kind < 70) return [];
  return [
    'BEGIN:VTIMEZONE',
    'TZID:Europe/Paris',
    'BEGIN:DAYLIGHT',
    'TZOFFSETFROM:+0100',
    'TZOFFSETTO:+0200',
    'TZNAME:CEST',
    'DTSTART:19700329T020000',
    'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
    'END:DAYLIGHT',
    'BEGIN:STANDARD',
    'TZOFFSETFROM:+0200',
    'TZOFFSETTO:+0100',
    'TZNAME:CET',
    'DTSTART:19701025T030000',
    'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU',
    'END:STANDARD',
    'END:VTIMEZONE',
  ];
}
