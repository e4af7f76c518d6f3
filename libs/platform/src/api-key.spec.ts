import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { issueApiKey, parseApiKey, sameHash } from './api-key.js';

describe('API keys', () => {
  test('name their organization and themselves, and are stored as a hash only', () => {
    const [organizationId, keyId] = [randomUUID(), randomUUID()];
    const { text, secretHash } = issueApiKey(organizationId, keyId);
    expect(text).toMatch(/^unisson_/);
    expect(parseApiKey(text)).toEqual({ organizationId, keyId, secretHash });
    expect(text).not.toContain(secretHash.toString('base64url'));
  });

  test('another secret has another hash', () => {
    const [organizationId, keyId] = [randomUUID(), randomUUID()];
    expect(sameHash(issueApiKey(organizationId, keyId).secretHash, issueApiKey(organizationId, keyId).secretHash)).toBe(
      false,
    );
    expect(sameHash(Buffer.alloc(32), Buffer.alloc(31))).toBe(false);
  });

  test.each([
    '',
    'unisson_',
    'unisson_a_b',
    `other_${'a'.repeat(43)}_${'a'.repeat(43)}`,
    `unisson_${'a'.repeat(43)}_${'a'.repeat(44)}`,
    `unisson_${'é'.repeat(43)}_${'a'.repeat(43)}`,
  ])('%j is none', (text) => {
    expect(parseApiKey(text)).toBeNull();
  });

  test('a key is not issued for what is no UUID', () => {
    expect(() => issueApiKey('x', randomUUID())).toThrow(RangeError);
  });
});
