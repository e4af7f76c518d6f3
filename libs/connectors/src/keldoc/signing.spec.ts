import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { moment } from './schemas.js';
import { parisTime, signed } from './signing.js';

const SECRETS = { accessKeyId: 'ACCESSKEY', secretAccessKey: 'a-secret-of-tests' };

describe('what is signed', () => {
  it('is the local time of Paris, in summer, in winter and while clocks change', () => {
    expect(parisTime(Date.parse('2026-07-14T10:00:00.999Z'))).toBe('2026-07-14T12:00:00+02:00');
    expect(parisTime(Date.parse('2026-12-31T23:30:00Z'))).toBe('2027-01-01T00:30:00+01:00');
    expect(parisTime(Date.parse('2027-10-31T00:30:00Z'))).toBe('2027-10-31T02:30:00+02:00');
    expect(parisTime(Date.parse('2027-10-31T01:30:00Z'))).toBe('2027-10-31T02:30:00+01:00');
  });

  it('loses the signs of base64 that the vendor does not keep', () => {
    const start = Date.parse('2026-11-22T10:00:00Z');
    const seen = { stripped: 0, kept: 0 };
    for (let second = 0; second < 40; second += 1) {
      const { authorization = '', date } = signed(SECRETS, start + second * 1000);
      const message = `${String(date)},application/json`;
      const full = createHmac('sha256', SECRETS.secretAccessKey).update(message).digest('base64');
      expect(authorization).toBe(`Bearer ACCESSKEY:${full.replaceAll('+', '').replaceAll('/', '')}`);
      seen[/[+/]/.test(full) ? 'stripped' : 'kept'] += 1;
    }
    expect(seen.stripped).toBeGreaterThan(10);
    expect(seen.kept).toBeGreaterThan(0);
  });
});

describe('a time of the vendor', () => {
  it.each([
    ['2021-04-20T16:53:00.000000+0200', '2021-04-20T14:53:00Z'],
    ['2018-01-18T15:00:00.000+01:00', '2018-01-18T14:00:00Z'],
    ['2018-01-18T15:00+0100', '2018-01-18T14:00:00Z'],
    ['2018-01-18T15:00:00Z', '2018-01-18T15:00:00Z'],
  ])('%s is an instant', (text, instant) => {
    expect(moment.parse(text)).toBe(Date.parse(instant));
  });

  it.each(['2021-04-20T16:53:00', '2021-04-20', '20/04/2021 16:53', '2021-13-20T16:53:00+0200', ''])(
    '%j is none',
    (text) => {
      expect(moment.safeParse(text).success).toBe(false);
    },
  );
});
