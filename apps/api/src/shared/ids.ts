import { z } from 'zod';

/** Ids are lower-case UUIDs; so are those given. */
export const idInput = z.uuid({ error: 'must be a UUID' }).toLowerCase();
export const idView = z.string().meta({ format: 'uuid' });

/** The path parameter of one resource. */
export const idPath = z.strictObject({ id: idInput });

export type IdPath = z.output<typeof idPath>;
