import { describe, expect, test } from '@jest/globals';
import { e164Of, foldedName } from './phone.js';

describe('a telephone number', () => {
  test.each([
    ['06 12 34 56 78', '+33612345678'],
    ['01.42.34.56.78', '+33142345678'],
    ['+33 6 12 34 56 78', '+33612345678'],
    ['+33 (0)6 12 34 56 78', '+33612345678'],
    ['+330612345678', '+33612345678'],
    ['0033612345678', '+33612345678'],
    ['0590 12 34 56', '+590590123456'],
    ['0692-12-34-56', '+262692123456'],
    ['+32 470 12 34 56', '+32470123456'],
    ['+44 20 7946 0958', '+442079460958'],
  ])('%s is %s', (text, expected) => {
    expect(e164Of(text)).toBe(expected);
  });

  test.each(['15', '3624', '612345678', '+0612345678', '06 12 34 56 7', 'abc', '', '+3361234567890123'])(
    '%s is none',
    (text) => {
      expect(e164Of(text)).toBeNull();
    },
  );

  test('names are compared without accents, case, hyphens and spaces', () => {
    expect(foldedName("Lefèvre-d'Ormesson")).toBe(foldedName('LEFEVRE D ORMESSON'));
  });
});
