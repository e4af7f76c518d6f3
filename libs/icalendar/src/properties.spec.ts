import { describe, expect, it } from '@jest/globals';
import ICAL from 'ical.js';
import { propertyOf } from './properties.js';
import { Unreadable } from './unreadable.js';

/** What ical.js makes of a line. */
function asParsed(line: string): unknown {
  const [name, parameters, , ...values] = ICAL.parse.property(line) as [string, object, string, ...unknown[]];
  return { name, parameters, values };
}

describe('propertyOf', () => {
  it.each([
    'DTSTART:20270104T090000',
    'DTSTART:20270104T090000Z',
    'DTSTART;TZID=Europe/Paris:20270104T090000',
    'DTEND;TZID=/freeassociation.sourceforge.net/Europe/Paris:20270104T090000',
    'DTEND;TZID=Romance Standard Time:20270104T090000',
    'dtstart;TZID=Europe/Paris:20270104T090000',
    'DTSTART;tzid=Europe/Paris:20270104T090000',
    'DTSTART;TZID="Europe/Paris":20270104T090000',
    'DTSTART;TZID="(GMT+01:00) Paris":20270104T090000',
    'DTSTART;TZID=L^^est:20270104T090000',
    'DTSTART;VALUE=DATE-TIME:20270104T090000Z',
    'DTSTART;VALUE=DATE:20270104',
    'DTSTART:20270104T0900',
    'DTSTART:20279999T999999',
    'DTSTART:20270104T090000z',
    'RECURRENCE-ID;RANGE=THISANDFUTURE:20270104T090000Z',
    'LAST-MODIFIED:20270104T090000Z',
    'SUMMARY:Zoé',
    String.raw`SUMMARY:un\, deux\n`,
    'SUMMARY;LANGUAGE=fr:Zoé',
    'CLASS:PRIVATE',
  ])('reads %s as ical.js does', (line) => {
    const name = line.slice(0, line.search(/[:;]/)).toUpperCase();
    expect(propertyOf(name, line)).toEqual(asParsed(line));
  });

  it.each([
    ['DTSTART;VALUE=DATE:20270104T090000', '2027-01-04T09:00:00'],
    ['DTSTART;VALUE=DATE;VALUE=OTHER:20270104T090000Z', '2027-01-04T09:00:00Z'],
    ['EXDATE;TZID=Europe/Paris;VALUE=DATE:20270104T090000', '2027-01-04T09:00:00'],
    ['RDATE;VALUE=DATE:20270104T090000', '2027-01-04T09:00:00'],
    ['RDATE;TZID=Europe/Paris:20270104T090000/PT1H', ['2027-01-04T09:00:00', 'PT1H']],
    ['RDATE;VALUE=DATE:20270104', '2027-01-04'],
  ])('takes the type that a value shows: %s', (line, value) => {
    const { values } = propertyOf(line.slice(0, line.indexOf(';')), line);
    expect(values).toEqual([value]);
  });

  it.each(['DTSTART;PARAMETER:20270104', 'DTSTART;;VALUE=DATE:20270104', 'DTSTART;X;VALUE=DATE;:20270104'])(
    'leaves out a parameter without a value: %s',
    (line) => {
      expect(String(propertyOf('DTSTART', line).values[0])).toMatch(/^2027-01-04/);
    },
  );

  it.each([
    'DTSTART;TZID:20270104T090000',
    'DTSTART;VALUE=DATE-TIME;TZID:20270104T090000',
    'RECURRENCE-ID;RANGE:20270104T090000Z',
  ])('does not leave out what makes a time another one: %s', (line) => {
    expect(() => propertyOf(line.slice(0, line.indexOf(';')), line)).toThrow(Unreadable);
  });

  it('takes nothing in quotes for a type', () => {
    const { values } = propertyOf('DTSTART', 'DTSTART;X-P="a;VALUE=b":20270104T090000');
    expect(values).toEqual(['2027-01-04T09:00:00']);
  });

  it('cannot read what is no content line, and says so without quoting it', () => {
    expect(() => propertyOf('DTSTART', 'DTSTART;TZID=Dupont')).toThrow(
      new Unreadable('the object is not valid iCalendar'),
    );
  });
});
