import { describe, expect, it } from '@jest/globals';
import type { DiaryEntry as Entry } from '../diary.js';
import { instantOf, layDay, layWeek, timeOf } from './day.js';

const ZONE = 'Europe/Paris';

function entry(id: string, start: string, end: string): Entry {
  return { id, agendaId: 'a', title: '', by: 'api', start: Date.parse(start), end: Date.parse(end) };
}

describe('the picture of a day', () => {
  it('shows working hours when nothing is there', () => {
    const { hours, minutes } = layDay('2027-06-07', ZONE, []);
    expect([hours[0]?.label, hours.at(-1)?.label, minutes]).toEqual(['08:00', '18:00', 660]);
  });

  it('puts overlapping entries side by side, and touching ones below each other', () => {
    const { entries } = layDay('2027-06-07', ZONE, [
      entry('a', '2027-06-07T07:00:00Z', '2027-06-07T08:00:00Z'),
      entry('b', '2027-06-07T07:30:00Z', '2027-06-07T08:30:00Z'),
      entry('c', '2027-06-07T08:30:00Z', '2027-06-07T09:00:00Z'),
    ]);
    const places = entries.map(({ entry: { id }, column, columns, topMinutes, heightMinutes }) => [
      id,
      column,
      columns,
      topMinutes,
      heightMinutes,
    ]);
    expect(places).toEqual([
      ['a', 0, 2, 60, 60],
      ['b', 1, 2, 90, 60],
      ['c', 0, 1, 150, 30],
    ]);
  });

  it('counts true hours across both clock changes', () => {
    const labels = (date: string, from: string, to: string): string[] =>
      layDay(date, ZONE, [entry('a', from, to)])
        .hours.slice(0, 4)
        .map(({ label }) => label);
    expect(labels('2027-03-28', '2027-03-28T00:00:00Z', '2027-03-28T02:00:00Z')).toEqual([
      '01:00',
      '03:00',
      '04:00',
      '05:00',
    ]);
    expect(labels('2027-10-31', '2027-10-31T00:00:00Z', '2027-10-31T02:00:00Z')).toEqual([
      '02:00',
      '02:00',
      '03:00',
      '04:00',
    ]);
  });

  it('cuts an entry that comes from the day before', () => {
    const [placed] = layDay('2027-06-07', ZONE, [entry('a', '2027-06-06T20:00:00Z', '2027-06-06T23:00:00Z')]).entries;
    expect(placed).toMatchObject({ topMinutes: 0, heightMinutes: 60 });
  });

  it('reads wall-clock times in the zone of the agenda', () => {
    expect(instantOf('2027-07-01', '09:00', 'Indian/Reunion')).toBe(Date.parse('2027-07-01T05:00:00Z'));
    expect(timeOf(instantOf('2027-03-28', '02:30', ZONE), ZONE)).toBe('03:30');
  });
});

describe('the picture of a week', () => {
  it('starts on Monday, and shows the same hours on each day', () => {
    const week = layWeek('2027-06-10', ZONE, [
      entry('early', '2027-06-09T04:30:00Z', '2027-06-09T05:00:00Z'),
      entry('night', '2027-06-12T20:00:00Z', '2027-06-13T00:00:00Z'),
    ]);
    expect([week.days[0]?.date, week.days[6]?.date, week.previous]).toEqual(['2027-06-07', '2027-06-13', '2027-06-03']);
    expect(new Set(week.days.map(({ hours, minutes }) => `${hours[0]?.label ?? ''} ${String(minutes)}`))).toEqual(
      new Set(['00:00 1440']),
    );
    expect(week.days.map(({ entries }) => entries.length)).toEqual([0, 0, 1, 0, 0, 1, 1]);
  });
});
