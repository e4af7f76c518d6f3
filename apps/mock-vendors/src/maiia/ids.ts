import { createHash } from 'node:crypto';

/** Ids as document databases make them: seconds, machine, counter; 24 hexadecimal digits. */
export class ObjectIds {
  /** How many were given. */
  count = 0;

  next(now: number): string {
    this.count += 1;
    const seconds = Math.floor(now / 1000) % 0x1_0000_0000;
    return `${hex(seconds, 8)}89fda454d5${hex(this.count % 0x100_0000, 6)}`;
  }
}

/** The same parts always give the same id. */
export function derivedId(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join('|')).digest('hex').slice(0, 24);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
