import { describe, expect, it } from '@jest/globals';
import { chosen, folded } from './motifs.js';

const reason = (id: string, name: string) => ({ id, name, agendaSettingsIds: ['a'] });

describe('a motif', () => {
  it('has one name however it is typed', () => {
    const decomposed = 'Premie\u0300re  consultation'.normalize('NFD');
    expect(folded(` ${decomposed}\u00a0`)).toBe('Première consultation');
  });

  it('is found by its name or by its id', () => {
    const reasons = [reason('1', 'Première  consultation'), reason('2', 'Suivi')];
    expect(chosen(reasons, 'Premie\u0300re consultation', null)).toMatchObject({ id: '1', asAsked: true });
    expect(chosen(reasons, '2', null)).toMatchObject({ id: '2', asAsked: true });
    expect(chosen(reasons, 'Urgence', null)).toBeNull();
  });

  it('keeps apart names that differ by more than their spacing', () => {
    const reasons = [reason('1', 'Injection ( +50 ans)'), reason('2', 'Injection (+50 ans)')];
    expect(chosen(reasons, 'Injection (+50 ans)', null)).toMatchObject({ id: '2' });
  });

  it('is the one written exactly so, where two differ by their spacing alone', () => {
    const reasons = [reason('1', 'Suivi  annuel'), reason('2', 'Suivi annuel')];
    expect(chosen(reasons, 'Suivi annuel', null)).toMatchObject({ id: '2' });
    expect(() => chosen(reasons, 'Suivi   annuel', null)).toThrow(expect.objectContaining({ kind: 'invalid' }));
  });

  it('stays itself when it is renamed, even if another one takes its name', () => {
    const reasons = [reason('1', 'Consultation longue'), reason('2', 'Consultation')];
    expect(chosen(reasons, 'Consultation', '1')).toMatchObject({
      id: '1',
      name: 'Consultation longue',
      asAsked: false,
    });
  });

  it('is looked for by name again when the one that was meant is gone', () => {
    expect(chosen([reason('2', 'Consultation')], 'Consultation', '1')).toMatchObject({ id: '2', asAsked: true });
  });
});
