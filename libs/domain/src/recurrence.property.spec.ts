import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import type { Interval } from './interval.js';
import { expandOpening, parseRule } from './recurrence.js';
import type { Opening, RecurrenceRule } from './recurrence.js';

const utc = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;

function occursOn(date: Temporal.PlainDate, first: Temporal.PlainDate, rule: RecurrenceRule): boolean {
  const weekday = rule.byDay.includes(date.dayOfWeek);
  if (rule.frequency === 'DAILY') {
    return first.until(date).days % rule.interval === 0 && (weekday || rule.byDay.length === 0);
  }
  const weekOf = (day: Temporal.PlainDate) => day.subtract({ days: (day.dayOfWeek - rule.weekStart + 7) % 7 });
  const weeks = weekOf(first).until(weekOf(date)).days / 7;
  return weeks % rule.interval === 0 && (weekday || (rule.byDay.length === 0 && date.dayOfWeek === first.dayOfWeek));
}

/** Walks every local day from the start, with Temporal's own calendar: slow and obvious. */
function slowStarts(opening: Opening, bounds: Interval): number[] {
  const rule = parseRule(opening.rrule);
  const start = Temporal.PlainDateTime.from(opening.start);
  const instant = (local: Temporal.PlainDateTime) => local.toZonedDateTime(opening.timeZone).epochMilliseconds;
  const until = rule.until && new Date(rule.until.value).toISOString().slice(0, 10);
  const found: number[] = [];
  let left = rule.count ?? Infinity;
  for (let at = start; left > 0 && instant(at) < bounds.end + 86_400_000; at = at.add({ days: 1 })) {
    const date = at.toPlainDate();
    if (until && date.toString() > until) break;
    if (!occursOn(date, start.toPlainDate(), rule)) continue;
    left -= 1;
    const end = instant(at.add({ minutes: opening.durationMinutes }));
    const seen = instant(at) < end && instant(at) < bounds.end && bounds.start < end;
    if (seen && !opening.except.includes(date.toString())) found.push(instant(at));
  }
  return found;
}

test('agrees with walking the calendar day by day', () => {
  const part = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: '' });
  const rrule = fc
    .tuple(
      fc.constantFrom('FREQ=DAILY', 'FREQ=WEEKLY'),
      part(fc.integer({ min: 1, max: 5 }).map((n) => `;INTERVAL=${String(n)}`)),
      part(
        fc
          .subarray(['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'], { minLength: 1 })
          .map((days) => `;BYDAY=${days.join(',')}`),
      ),
      part(
        fc.oneof(
          fc.integer({ min: 1, max: 30 }).map((n) => `;COUNT=${String(n)}`),
          fc.constantFrom(';UNTIL=20260329', ';UNTIL=20261025'),
        ),
      ),
      part(fc.constantFrom(';WKST=SU', ';WKST=WE')),
    )
    .map((parts) => parts.join(''));
  const two = (n: number) => String(n).padStart(2, '0');
  const start = fc
    .tuple(
      fc.constantFrom('2026-01', '2026-03', '2026-09', '2026-10'),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 0, max: 23 }),
      fc.constantFrom(0, 30),
    )
    .map(([month, day, hour, minute]) => `${month}-${two(day)}T${two(hour)}:${two(minute)}`);
  const any = fc.record<Opening>({
    rrule,
    start,
    durationMinutes: fc.constantFrom(15, 60, 240, 1440, 2000),
    timeZone: fc.constantFrom(
      'Europe/Paris',
      'Indian/Reunion',
      'America/New_York',
      'Australia/Lord_Howe',
      'Pacific/Apia',
    ),
    except: fc.subarray(['2026-03-29', '2026-03-30', '2026-10-25', '2026-10-26']),
  });
  const bounds = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 60 })).map(([from, days]) => ({
    start: utc('2025-12-01T00:00Z') + from * 86_400_000,
    end: utc('2025-12-01T00:00Z') + (from + days) * 86_400_000,
  }));
  fc.assert(
    fc.property(any, bounds, (value, range) => {
      expect(expandOpening(value, range).map((x) => x.start)).toEqual(slowStarts(value, range));
    }),
    { numRuns: 400 },
  );
});
