import { describe, expect, it } from '@jest/globals';
import { daysAround, walk, type Page } from './windows.js';

type Windows = Readonly<Record<string, Partial<Page<string>>>>;

async function walked(until: string, windows: Windows): Promise<{ asked: string[]; rows: string[] }> {
  const asked: string[] = [];
  const rows: string[] = [];
  const read = (start: string, days: number): Promise<Page<string>> => {
    asked.push(`${start}+${String(days)}`);
    const { rows: found = [], next = null, isEmpty = found.length === 0 } = windows[start] ?? {};
    return Promise.resolve({ rows: found, next, isEmpty });
  };
  for await (const page of walk({ from: '2027-01-01', until }, read)) rows.push(...page);
  return { asked, rows };
}

describe('the walk through the windows', () => {
  it('goes on by fifteen days, and asks for no more than is left', async () => {
    expect(
      await walked('2027-02-05', { '2027-01-01': { rows: ['a'] }, '2027-01-16': { rows: ['b'] }, '2027-01-31': {} }),
    ).toEqual({ asked: ['2027-01-01+15', '2027-01-16+15', '2027-01-31+5'], rows: ['a', 'b'] });
  });

  it.each(['2027-03-12', '2027-03-12T09:00:00.000+01:00'])('jumps over what is empty to %s', async (next) => {
    const { asked, rows } = await walked('2027-04-01', {
      '2027-01-01': { next },
      '2027-03-12': { rows: ['a'] },
      '2027-03-27': {},
    });
    expect([asked, rows]).toEqual([['2027-01-01+15', '2027-03-12+15', '2027-03-27+5'], ['a']]);
  });

  it('ends where nothing follows, and where what follows is beyond the range', async () => {
    expect((await walked('2027-12-01', { '2027-01-01': {} })).asked).toHaveLength(1);
    expect((await walked('2027-02-05', { '2027-01-01': { next: '2028-01-01' } })).asked).toHaveLength(1);
  });

  it('does not take a window for empty that held only what is passed over', async () => {
    expect((await walked('2027-01-20', { '2027-01-01': { isEmpty: false } })).asked).toHaveLength(2);
  });

  it.each(['2027-01-01', '2027-01-15', '2026-12-24'])('refuses to be led back to %s', async (next) => {
    await expect(walked('2027-12-01', { '2027-01-01': { next } })).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('covers the days of an interval in every zone', () => {
    const at = Date.parse('2027-06-07T23:30:00Z');
    expect(daysAround({ start: at, end: at + 1 })).toEqual({ from: '2027-06-06', until: '2027-06-09' });
  });
});
