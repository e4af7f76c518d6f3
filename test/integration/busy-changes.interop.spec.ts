import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { newId, type BusyChangeAnswer, type BusyTime } from '#application';
import type { Interval } from '#domain';
import { describeOnServers } from '../support/dav-servers.js';
import { eventsOf } from '../support/hub.js';
import { HOUR, TEN } from '../support/loop.js';
import { CalendarDay } from './calendar-day.js';

const WEEK = 7 * 24 * HOUR;
const utc = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.000/g, '');
const hours = (from: number, length = 1): Interval => ({ start: from, end: from + length * HOUR });
/** What nobody here understands, or is not ours to change. */
const REST = [
  'SUMMARY:Garde',
  'COLOR:turquoise',
  'X-AUTRE;X-P="a:b":été',
  'ORGANIZER:mailto:martin@example.org',
  'ATTENDEE;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:collegue@example.org',
];
const ALARM = ['BEGIN:VALARM', 'ACTION:DISPLAY', 'DESCRIPTION:Rappel', 'TRIGGER:-PT10M', 'END:VALARM'];

describeOnServers(
  'the practitioner’s own series, changed from the hub',
  (kind) => {
    const at = new CalendarDay();
    let path = '';
    let n = 0;

    beforeAll(() => at.begin(kind), 120_000);
    afterAll(() => at.end());

    const put = async (lines: readonly string[]): Promise<void> => {
      path = `${at.calendar}garde-${String(++n)}.ics`;
      const times = [
        `UID:garde-${String(n)}`,
        'DTSTAMP:20260101T000000Z',
        `DTSTART:${utc(TEN)}`,
        `DTEND:${utc(TEN + HOUR)}`,
      ];
      const event = ['BEGIN:VEVENT', ...times, ...lines, ...REST, ...ALARM, 'END:VEVENT'];
      const all = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Ailleurs//FR', ...event, 'END:VCALENDAR', ''];
      const headers = { 'Content-Type': 'text/calendar; charset=utf-8' };
      expect((await at.server.request('martin', 'PUT', path, { body: all.join('\r\n'), headers })).ok).toBe(true);
      expect(await at.run('delta')).toBe('done');
    };
    const text = async (): Promise<string> =>
      (await (await at.server.request('martin', 'GET', path)).text()).replace(/\r?\n[ \t]/g, '');
    const busy = (): Promise<readonly BusyTime[]> => {
      const { organization: organizationId, agenda: agendaId } = at.practice;
      const window = { start: TEN - HOUR, end: TEN + 10 * WEEK };
      return at.hub.busy.store.list({ organizationId, agendaId, window, after: null, limit: 100 });
    };
    /** Weeks after the first, and hours after ten. */
    const stands = async (): Promise<number[][]> =>
      (await busy()).map(({ start, end }) => {
        const week = Math.floor((start - TEN) / WEEK);
        return [week, (start - TEN - week * WEEK) / HOUR, (end - start) / HOUR];
      });
    const change = async (
      start: number,
      to: Interval | null,
      more: { following?: boolean; waitMs?: number; version?: number } = {},
    ): Promise<BusyChangeAnswer> => {
      const one = (await busy()).find((each) => each.start === start);
      const { organization: organizationId, agenda: agendaId, collaborator: id } = at.practice;
      return at.hub.busy.change({
        ...{ organizationId, agendaId, id: newId(), actor: { kind: 'collaborator', id, key: newId() } },
        ...{ objectId: one!.objectId, version: one!.version, when: { start, end: one!.end }, to },
        ...{ following: false, waitMs: 20_000, key: null, ...more },
      });
    };
    const done = { outcome: 'asked', record: { state: 'done', reason: null } };

    beforeEach(async () => {
      for (const { id } of await at.plain.entries()) await at.plain.remove(id);
      expect(await at.run('delta')).toBe('done');
      await put(['RRULE:FREQ=WEEKLY;COUNT=6']);
      expect(await stands()).toEqual([0, 1, 2, 3, 4, 5].map((week) => [week, 0, 1]));
    });

    it('moves one instance, moves it on from where it stands, and cancels one; the hours follow', async () => {
      const moved = await change(TEN + WEEK, hours(TEN + WEEK + HOUR, 2));
      expect(moved).toMatchObject(done);
      expect(await stands()).toEqual([[0, 0, 1], [1, 1, 2], ...[2, 3, 4, 5].map((week) => [week, 0, 1])]);
      expect(await change(TEN + WEEK + HOUR, hours(TEN + WEEK + 3 * HOUR))).toMatchObject(done);
      expect(await change(TEN + 2 * WEEK, null)).toMatchObject(done);
      const expected = [[0, 0, 1], [1, 3, 1], ...[3, 4, 5].map((week) => [week, 0, 1])];
      expect(await stands()).toEqual(expected);
      await at.reconcile();
      expect(await stands()).toEqual(expected);
      const there = await text();
      expect(there.match(/RECURRENCE-ID/g)).toHaveLength(1);
      expect(there.match(/EXDATE/g)).toHaveLength(1);
      for (const line of [...REST, ...ALARM]) expect(there.split(line).length - 1).toBeGreaterThanOrEqual(2);
      if (moved.outcome !== 'asked') throw new Error(moved.outcome);
      expect(await eventsOf(at.hub, at.practice.organization, moved.record.id)).toEqual([
        'busy-change-asked by collaborator',
        'busy-changed by system',
      ]);
    });

    it('changes this and the following ones: another time of the day, or no more', async () => {
      expect(await change(TEN + 2 * WEEK, hours(TEN + 2 * WEEK + HOUR), { following: true })).toMatchObject(done);
      const later = [2, 3, 4, 5].map((week) => [week, 1, 1]);
      expect(await stands()).toEqual([[0, 0, 1], [1, 0, 1], ...later]);
      expect(await at.plain.entries()).toHaveLength(2);
      for (const line of [...REST, ...ALARM]) expect(await text()).toContain(line);
      expect(await change(TEN + 4 * WEEK + HOUR, null, { following: true })).toMatchObject(done);
      await at.reconcile();
      expect(await stands()).toEqual([[0, 0, 1], [1, 0, 1], ...later.slice(0, 2)]);
    });

    it.each(['one', 'following'])('a lost answer makes nothing twice: %s', async (which) => {
      let lost = 0;
      at.proxy.interfere = ({ method }) => (method === 'PUT' && ++lost <= 2 ? 'drop' : undefined);
      const following = which === 'following';
      expect(await change(TEN + 2 * WEEK, hours(TEN + 2 * WEEK + HOUR), { following, waitMs: 60_000 })).toMatchObject(
        done,
      );
      at.proxy.interfere = () => undefined;
      expect(lost).toBeGreaterThanOrEqual(2 - Number(!following));
      expect(await stands()).toEqual(
        [0, 1, 2, 3, 4, 5].map((week) => [week, week === 2 || (following && week > 2) ? 1 : 0, 1]),
      );
      expect(await at.plain.entries()).toHaveLength(following ? 2 : 1);
    });

    it('takes the new time at once, keeps the old one until it is read, and gives way to no visit', async () => {
      expect(await at.book(TEN + WEEK + 2 * HOUR)).toMatchObject({ outcome: 'booked' });
      expect(await change(TEN + WEEK, hours(TEN + WEEK + HOUR, 2))).toMatchObject({ outcome: 'taken' });
      const asked = await change(TEN + WEEK, hours(TEN + WEEK + 4 * HOUR), { waitMs: 0 });
      expect(asked).toMatchObject({ outcome: 'asked', record: { state: 'due' } });
      for (const start of [TEN + WEEK, TEN + WEEK + 4 * HOUR])
        expect(await at.book(start)).toMatchObject({ outcome: 'refused' });
      expect(await change(TEN + WEEK, null)).toMatchObject({ outcome: 'under-way' });
      await at.settle();
      expect(await at.book(TEN + WEEK)).toMatchObject({ outcome: 'booked' });
      expect(await at.book(TEN + WEEK + 4 * HOUR)).toMatchObject({ outcome: 'refused' });
      await at.settle();
      for (const id of at.appointments.splice(0)) await at.cancel(id);
      await at.settle();
    });

    it('what the practitioner changed meanwhile is not changed on, and what was kept for it is free again', async () => {
      const before = await busy();
      expect(await change(TEN + WEEK, hours(TEN + WEEK + 4 * HOUR), { waitMs: 0 })).toMatchObject({ outcome: 'asked' });
      const body = (await text()).replace(/RRULE:[^\r\n]*/, 'RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3');
      const headers = { 'Content-Type': 'text/calendar; charset=utf-8' };
      expect((await at.server.request('martin', 'PUT', path, { body, headers })).ok).toBe(true);
      expect(await at.run('delta')).toBe('done');
      expect(
        await at.sql(`SELECT state, reason FROM busy_change WHERE state <> 'done' ORDER BY asked_at DESC LIMIT 1`),
      ).toEqual([{ state: 'refused', reason: 'moved-on' }]);
      expect(await stands()).toEqual([0, 2, 4].map((week) => [week, 0, 1]));
      const version = before[0]!.version;
      expect(await change(TEN, null, { version })).toMatchObject({ outcome: 'stale' });
    });

    it('says so when it cannot be done', async () => {
      const impossible = { record: { state: 'refused', reason: 'impossible' } };
      expect(await change(TEN, hours(TEN + HOUR), { following: true })).toMatchObject(impossible);
      expect(await change(TEN + WEEK, hours(TEN + WEEK + 24 * HOUR), { following: true })).toMatchObject(impossible);
      expect(await stands()).toEqual([0, 1, 2, 3, 4, 5].map((week) => [week, 0, 1]));
      await at.sql(`UPDATE link SET direction = 'read-only' WHERE id = $1`, [at.linkId]);
      expect(await change(TEN, null)).toMatchObject({ outcome: 'read-only' });
      await at.sql(`UPDATE link SET direction = 'two-way' WHERE id = $1`, [at.linkId]);
    });
  },
  ['Radicale', 'Xandikos'],
);
