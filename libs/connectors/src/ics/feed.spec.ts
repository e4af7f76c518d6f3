import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { digestOf } from './feed.js';

describe('a digest of an event', () => {
  it.each([
    '',
    'BEGIN:VEVENT',
    'é'.repeat(1024 * 1024),
    `${'BEGIN:VEVENT\r\nX-A:1\r\n'.repeat(150_000)}END`,
    // Of two units each, from an odd place on: some end every piece.
    `a${'🦷'.repeat(1_500_000)}`,
    '🦷'.repeat(1_500_000),
  ])('is that of its text, however long (%#)', (text) => {
    expect(digestOf(text)).toBe(createHash('sha256').update(text).digest('base64url'));
  });
});
