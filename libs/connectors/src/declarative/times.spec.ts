import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConnectorError } from '#connector-sdk';
import type { AgendaDocument } from './parts.js';
import { timesOf } from './times.js';

const at = Date.parse;
type Pattern = Extract<AgendaDocument['times'], { format: 'local' }>['pattern'];
const paris = (pattern: Pattern) => timesOf({ format: 'local', pattern, zone: 'Europe/Paris' });

function kindOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return ConnectorError.is(error) ? error.kind : 'other';
  }
}

describe('times', () => {
  it.each<[Pattern, string]>([
    ['YYYY-MM-DDTHH:mm:ss', '2027-06-07T09:05:00'],
    ['YYYY-MM-DDTHH:mm', '2027-06-07T09:05'],
    ['YYYY-MM-DD HH:mm:ss', '2027-06-07 09:05:00'],
    ['YYYY-MM-DD HH:mm', '2027-06-07 09:05'],
    ['DD/MM/YYYY HH:mm', '07/06/2027 09:05'],
    ['DD-MM-YYYY HH:mm', '07-06-2027 09:05'],
  ])('as %s are read and written', (pattern, text) => {
    const instant = at('2027-06-07T07:05:00Z');
    expect([paris(pattern).read(text), paris(pattern).write(instant)]).toEqual([instant, text]);
  });

  it('that do not exist are none', () => {
    const { read } = paris('DD/MM/YYYY HH:mm');
    for (const text of [
      '31/02/2027 09:00',
      '07/13/2027 09:00',
      '07/06/2027 25:00',
      '7/6/2027 9:00',
      '07/06/1027 09:00',
      42,
      null,
    ])
      expect(read(text)).toBeNull();
  });

  it('of the hour that is left out or comes twice are read as RFC 5545 says', () => {
    const { read } = paris('YYYY-MM-DDTHH:mm');
    expect(read('2027-03-28T02:30')).toBe(at('2027-03-28T01:30:00Z'));
    expect(read('2027-10-31T02:30')).toBe(at('2027-10-31T00:30:00Z'));
  });

  it('that a local time cannot tell are not written', () => {
    const { write } = paris('YYYY-MM-DDTHH:mm');
    expect(write(at('2027-10-31T00:30:00Z'))).toBe('2027-10-31T02:30');
    expect(kindOf(() => write(at('2027-10-31T01:30:00Z')))).toBe('invalid');
    expect(kindOf(() => write(at('2027-06-07T07:05:30Z')))).toBe('invalid');
  });

  it('come back as they were written, or are not written', () => {
    const { read, write } = paris('YYYY-MM-DD HH:mm:ss');
    fc.assert(
      fc.property(
        fc.integer({ min: at('2020-01-01T00:00:00Z') / 1000, max: at('2040-01-01T00:00:00Z') / 1000 }),
        (seconds) => {
          let text: unknown;
          if (kindOf(() => (text = write(seconds * 1000))) === undefined) expect(read(text)).toBe(seconds * 1000);
        },
      ),
    );
  });

  it.each([
    '2027-06-07T09:00:00+02:00',
    '2027-06-07T09:00:00.000+0200',
    '2027-06-07 09:00:00 +0200',
    '2027-06-07T07:00Z',
  ])('as instants are read: %s', (text) => {
    expect(timesOf({ format: 'instant' }).read(text)).toBe(at('2027-06-07T07:00:00Z'));
  });

  it('as numbers are read and written', () => {
    const instant = at('2027-06-07T07:00:00Z');
    expect(timesOf({ format: 'epoch-s' }).read(instant / 1000)).toBe(instant);
    expect(timesOf({ format: 'epoch-ms' }).read(String(instant))).toBe(instant);
    expect(timesOf({ format: 'epoch-s' }).write(instant)).toBe(instant / 1000);
    expect(timesOf({ format: 'epoch-ms' }).read(1.5)).toBeNull();
    expect(timesOf({ format: 'instant' }).read('2027-06-07T09:00')).toBeNull();
  });
});
