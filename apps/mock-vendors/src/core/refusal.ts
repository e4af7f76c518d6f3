import type { z } from 'zod';

/** A certain no of a vendor, with the status and code its callers see. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(code);
  }
}

/** Parses what a caller sent, or refuses it. */
export function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw new Refusal(422, 'invalid', {
      issues: result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
    });
  }
  return result.data;
}
