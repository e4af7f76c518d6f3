import type { Freshness } from '#application';
import { z } from 'zod';
import { formatInstant, instantView } from './instants.js';

/** How far an answer about availability can be trusted. */
export const freshnessFields = {
  certainty: z.enum(['live', 'fresh', 'stale', 'unreachable']).meta({
    description:
      '`live`: mastered here, or just read. `fresh`: read recently enough. `stale`: too old to promise. `unreachable`: unknown, neither free nor full.',
  }),
  asOf: instantView
    .nullable()
    .meta({ description: "Instant up to which the practitioner's tool was read; null: now, or never." }),
};

export function freshnessView(
  { certainty, asOf }: Freshness,
  timeZone: string,
): { certainty: Freshness['certainty']; asOf: string | null } {
  return { certainty, asOf: asOf === null ? null : formatInstant(asOf, timeZone) };
}
