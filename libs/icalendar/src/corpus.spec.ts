import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readCalendarObject } from './calendar-object.js';
import { expand } from './expansion.js';
import { Unreadable } from './unreadable.js';
import { ianaZone, UTC } from './zones.js';

const FOLDER = join(import.meta.dirname, '../../../../shared/ics-corpus');
const present = existsSync(FOLDER);

interface Expected {
  readonly id: string;
  readonly window: readonly [string, string];
  readonly tz: string;
  readonly status: string;
  readonly expected: readonly (readonly [string, string])[] | null;
  readonly notes: readonly string[];
}

function files(): Expected[] {
  const folder = join(FOLDER, 'expected');
  return readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Expected);
}

function iso(instant: number): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z');
}

function occurrences({ id, window, tz }: Expected): (readonly [string, string])[] {
  const body = readFileSync(join(FOLDER, 'ics', `${id}.ics`), 'utf8');
  const range = { start: Date.parse(window[0]), end: Date.parse(window[1]) };
  const instances = expand(readCalendarObject(body), { window: range, local: ianaZone(tz) ?? UTC });
  // What they expect of VFREEBUSY is no event.
  const ofEvents = instances.filter(({ event }) => !event.uid.startsWith('free-busy '));
  return ofEvents.map(({ start, end }) => [iso(start), iso(end)] as const);
}

/** True when some of the occurrences lie over the whole of it. */
function isTaken([start, end]: readonly [string, string], taken: readonly (readonly [string, string])[]): boolean {
  const inside = taken.filter((each) => each[0] < end && each[1] > start).sort(([a], [b]) => (a < b ? -1 : 1));
  const reached = inside.reduce((at, each) => (each[0] <= at && each[1] > at ? each[1] : at), start);
  return reached >= end;
}

const EXACT = new Set(['upstream', 'consensus', 'majority']);
const unknownZone = ({ notes }: Expected): boolean => notes.some((note) => note.startsWith('unknown TZID'));

if (present) {
  describe('calendar files of public test suites', () => {
    const cases = files();

    it.each(cases.filter(({ status }) => EXACT.has(status)))('expands $id exactly', (file) => {
      expect(occurrences(file)).toEqual(file.expected);
    });

    it.each(cases.filter((file) => /disputed|differs/.test(file.status) && !unknownZone(file)))(
      'loses no busy time of $id',
      (file) => {
        const taken = occurrences(file);
        expect((file.expected ?? []).filter((each) => !isTaken(each, taken))).toEqual([]);
      },
    );

    it.each(cases.filter((file) => /disputed/.test(file.status) && unknownZone(file)))(
      'never takes an unknown zone of $id for a floating time',
      (file) => {
        expect(() => occurrences(file)).toThrow(Unreadable);
      },
    );

    it.each(cases.filter(({ status }) => status === 'reject-or-error'))('refuses $id with a reason', (file) => {
      expect(() => occurrences(file)).toThrow(Unreadable);
    });
  });
} else {
  describe('calendar files of public test suites', () => {
    it.skip(`skipped: the folder ${FOLDER} is not there`, () => undefined);
  });
}
