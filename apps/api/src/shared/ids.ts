import { randomBytes } from 'node:crypto';
import { z } from 'zod';

/** Ids are lower-case UUIDs; so are those given. */
export const idInput = z.uuid({ error: 'must be a UUID' }).toLowerCase();
export const idView = z.string().meta({ format: 'uuid' });

/** The path parameter of one resource. */
export const idPath = z.strictObject({ id: idInput });

/** A UUIDv7 (RFC 9562 5.7): new rows lie next to one another in the index. */
export function newId(now: number = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
