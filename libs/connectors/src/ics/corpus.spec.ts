import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Interval } from '#domain';
import { ianaZone, readCalendarObject, remoteObject, UTC, type Reading } from '#icalendar';
import { splitFeed } from './feed.js';
import { changesOf } from './listing.js';

const FOLDER = join(import.meta.dirname, '../../../../../shared/ics-corpus');

interface Expected {
  readonly id: string;
  readonly window: readonly [string, string];
  readonly tz: string;
  readonly status: string;
}

const EXACT = new Set(['upstream', 'consensus', 'majority']);

function textOf(id: string): string {
  return readFileSync(join(FOLDER, 'ics', `${id}.ics`), 'utf8');
}

function cases(): Expected[] {
  const folder = join(FOLDER, 'expected');
  return (
    readdirSync(folder)
      .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Expected)
      .filter(({ status }) => EXACT.has(status))
      // Some are a bare event, which no feed is.
      .filter(({ id }) => /^\uFEFF?\s*BEGIN:VCALENDAR/i.test(textOf(id)))
  );
}

function distinct(busy: readonly Interval[]): string[] {
  return [...new Set(busy.map(({ start, end }) => `${String(start)}/${String(end)}`))].sort();
}

if (existsSync(FOLDER)) {
  describe('calendar files of public test suites', () => {
    it.each(cases())('$id says the same as a feed and as an object of a calendar', async ({ id, window, tz }) => {
      const body = textOf(id);
      const [start, end] = [Date.parse(window[0]), Date.parse(window[1])];
      const reading: Reading = { window: { start, end }, local: ianaZone(tz) ?? UTC, addresses: new Set() };
      const events = readCalendarObject(body);
      const whole = events.length === 0 ? [] : remoteObject(events, { remoteId: id, version: null }, reading).busy;
      const { objects } = splitFeed(body);
      const changes = objects.flatMap((object) => changesOf(object, reading));
      expect(changes.every(({ kind }) => kind === 'upsert')).toBe(true);
      const fed = distinct(changes.flatMap((change) => (change.kind === 'upsert' ? change.object.busy : [])));
      const masters = events.filter(({ recurrenceId }) => recurrenceId === null).map(({ uid }) => uid);
      // Several events under one UID are revisions in an object, and each its own in a feed (ADR 20).
      if (new Set(masters).size < masters.length) expect(fed).toEqual(expect.arrayContaining(distinct(whole)));
      else expect(fed).toEqual(distinct(whole));
    });
  });
} else {
  describe('calendar files of public test suites', () => {
    it.skip(`skipped: the folder ${FOLDER} is not there`, () => undefined);
  });
}
