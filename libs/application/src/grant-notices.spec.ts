import { expect, test } from '@jest/globals';
import { EXPORT_STATES } from './exports.js';
import { grantMail } from './grant-notices.js';

test('each change is told in French and English, with where to look, and nobody’s name', () => {
  const told = { id: 'n', aboutId: 'x', agendaName: 'Dr Martin', email: null };
  for (const state of EXPORT_STATES) {
    const { subject, text } = grantMail({ ...told, change: `export-${state}` });
    expect([subject, text]).toEqual([
      expect.stringMatching(/^Unisson : un export de données /),
      expect.stringMatching(/Un export de données .*\/v1\/exports\/x\n\nAn export of data .*\/v1\/exports\/x$/),
    ]);
  }
  expect(grantMail({ ...told, change: 'person-linked' }).text).toMatch(/compte.*\/v1\/identities\n\nAn account/);
  expect(grantMail({ ...told, change: 'revoked' }).text).toMatch(
    /retiré sur l'agenda « Dr Martin »[^]*\/v1\/grants\/x/,
  );
});
