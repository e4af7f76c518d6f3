import { describe, expect, it } from '@jest/globals';
import { threads } from '#connector-sdk';
import { Meter } from '#icalendar';
import { objectsIn, type ReadObject } from './reading.js';

const reading = {
  window: { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2027-07-01T00:00:00Z') },
  timeZone: 'Europe/Paris',
  addresses: new Set<string>(),
};

function answer(rules: readonly string[]): string {
  const responses = rules.map(
    (
      rule,
      n,
    ) => `<response><href>/c/${String(n)}.ics</href><propstat><prop><getetag>"1"</getetag><C:calendar-data>BEGIN:VCALENDAR
BEGIN:VEVENT
UID:${String(n)}
DTSTART:20270104T090000Z
DTEND:20270104T093000Z
${rule}
END:VEVENT
END:VCALENDAR
</C:calendar-data></prop></propstat></response>`,
  );
  return `<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">${responses.join('')}</multistatus>`;
}

describe('an answer with hostile objects', () => {
  it('is read in a thread, and no honest event among them is lost', async () => {
    const rules = Array.from({ length: 600 }, (_, n) =>
      n % 3 === 0 ? 'RRULE:FREQ=WEEKLY;COUNT=3' : 'RRULE:FREQ=SECONDLY',
    );
    const input = { body: answer(rules), url: 'https://dav.example/c/', reading };
    const task = { module: new URL('./reading.js', import.meta.url), run: objectsIn.name, input };
    const read: ReadObject[] = [];
    for await (const part of threads.run(task, { signal: AbortSignal.timeout(60_000) }))
      read.push(...(part as readonly ReadObject[]));
    expect(read.map(({ path }) => path)).toEqual(rules.map((_, n) => `/c/${String(n)}.ics`));
    expect(read.map(({ change }) => (change.kind === 'upsert' ? change.object.busy.length : change.kind))).toEqual(
      rules.map((rule) => (rule.includes('SECONDLY') ? 'unreadable' : 3)),
    );
  });

  it('takes no more steps in all than it may, and what is left unread is told as unreadable', () => {
    const rules = Array.from({ length: 200 }, () => 'RRULE:FREQ=SECONDLY;BYHOUR=23;BYMINUTE=59;BYSECOND=59');
    const input = { body: answer(rules), url: 'https://dav.example/c/', reading };
    const meter = new Meter(1e9);
    const read = meter.run(() => [...objectsIn(input)].flat());
    // What can be told of its time, each of them tells all the same.
    const busy = [{ start: Date.parse('2027-01-04T09:00:00Z'), end: Date.parse('2027-01-04T09:30:00Z') }];
    expect(read).toHaveLength(200);
    for (const { change } of read) expect(change).toMatchObject({ kind: 'unreadable', busy });
    expect(meter.used).toBeLessThan(11_000_000);
  });
});
