import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { digestOf } from './feed.js';

describe('a digest of an event', () => {
  it.each(['', 'BEGIN:VEVENT', 'é'.repeat(1024 * 1024), `${'BEGIN:VEVENT\r\nX-A:1\r\n'.repeat(150_000)}END`])(
    'is that of its text, however long (%#)',
    (text) => {
      expect(digestOf(text)).toBe(createHash('sha256').update(text).digest('base64url'));
    },
  );
});
