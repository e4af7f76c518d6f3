import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parsePush } from './push.js';

const SECRET = 'c2VjcmV0LW9mLWEtc3Vic2NyaXB0aW9uLW9mLXRlc3Q';
const SAID = '2026-10-06 15:53:57 +0200';
const NOW = Date.parse('2026-10-06T13:54:00Z');
const RDV = { id: 8025, agents: [{ id: 71, first_name: 'Inès' }], status: 'unknown' };
const META = { model: 'Rdv', event: 'updated', webhook_reason: null, timestamp: SAID };

describe('a webhook', () => {
  const signed = (text: string, secret = SECRET): string => createHmac('sha256', secret).update(text).digest('hex');
  const parse = (said: object, { now = NOW, sign = (text: string) => signed(text) } = {}) => {
    const text = JSON.stringify(said);
    return parsePush({ headers: { 'x-lapin-signature': sign(text) }, rawBody: Buffer.from(text), secret: SECRET, now });
  };

  it('is believed when the body is signed, whatever its reason', () => {
    expect(parse({ data: RDV, meta: META }).agendaIds).toEqual(['71']);
    expect(parse({ data: RDV, meta: { ...META, webhook_reason: 'rgpd' } }).agendaIds).toEqual(['71']);
    const absence = { data: { id: 2, agent: { id: 71 } }, meta: { ...META, model: 'Absence', event: 'destroyed' } };
    expect(parse(absence).agendaIds).toEqual(['71']);
    const signatures = [
      (text: string) => signed(text, 'another secret'),
      (text: string) => `${signed(text).slice(0, -2)}00`,
      (text: string) => Buffer.from(signed(text), 'hex').toString('base64'),
      () => '',
    ];
    for (const sign of signatures)
      expect(() => parse({ data: RDV, meta: META }, { sign })).toThrow(expect.objectContaining({ kind: 'auth' }));
  });

  it('has no id but its body, and is as old as it says', () => {
    const { id } = parse({ data: RDV, meta: META });
    expect(parse({ data: RDV, meta: META }).id).toBe(id);
    expect(parse({ data: { ...RDV, status: 'seen' }, meta: META }).id).not.toBe(id);
    expect(() => parse({ data: RDV, meta: META }, { now: NOW + 3_600_000 })).toThrow(
      expect.objectContaining({ kind: 'auth' }),
    );
    expect(() => parse({ data: RDV, meta: { ...META, timestamp: 'hier' } })).toThrow(
      expect.objectContaining({ kind: 'auth' }),
    );
  });
});
