import { describe, expect, test } from '@jest/globals';
import { isStronglyAuthenticated, nationalIdOf, nationalIdOfRpps } from './pro-sante-connect.js';

/** As Pro Santé Connect answers, names and numbers made up. */
const CLAIMS = {
  sub: 'f:550dc1c8-d97b-4b1e-ac8c-8eb4471cf9dd:899700218896',
  preferred_username: '899700218896',
  SubjectNameID: '899700218896',
  SubjectRefPro: { codeCivilite: 'M', exercices: [{ codeProfession: '10', activities: [] }] },
  otherIds: [{ identifiant: '899700218896', origine: 'RPPS', qualite: 1 }],
};

describe('what Pro Santé Connect says of a person', () => {
  test('is known by the national identifier', () => {
    expect(nationalIdOf(CLAIMS)).toBe('899700218896');
    expect(nationalIdOf({ ...CLAIMS, SubjectNameID: undefined })).toBe('899700218896');
    expect(nationalIdOf({ otherIds: [{ identifiant: '99700218896', origine: 'RPPS' }] })).toBe('899700218896');
    expect(nationalIdOf({ SubjectNameID: 'ANS20231122132732' })).toBe('ANS20231122132732');
    expect(nationalIdOfRpps('99700218896')).toBe('899700218896');
  });

  test.each([
    {},
    { SubjectNameID: 7 },
    { SubjectNameID: '' },
    { SubjectNameID: "8'; --" },
    { otherIds: 'x' },
    { otherIds: [null, 3, { identifiant: '899700218896', origine: 'EDIT' }] },
  ])('is nobody by %j', (claims) => {
    expect(nationalIdOf(claims)).toBeNull();
  });

  test('counts only with a strong authentication', () => {
    expect([isStronglyAuthenticated({ acr: 'eidas1' }), isStronglyAuthenticated({ acr: 'eidas2' })]).toEqual([
      true,
      true,
    ]);
    for (const acr of [undefined, '0', 1, 'eidas', 'eidas10']) expect(isStronglyAuthenticated({ acr })).toBe(false);
  });
});
