import { simulate, type Broken, type RunOptions } from './simulate.js';
import type { VendorName } from './vendor.js';

export interface CampaignOptions {
  readonly from?: number;
  readonly seeds: number;
  readonly vendors: readonly VendorName[];
  readonly broken?: Broken;
  readonly faults?: RunOptions['faults'];
  readonly policy?: RunOptions['policy'];
}

/** What many runs came to. */
export interface Campaign {
  /** Seeds run: fewer than asked for when a safety is missing and that has shown. */
  readonly seeds: number;
  readonly bookings: number;
  readonly confirmed: number;
  readonly seconds: number;
  /** The kinds of violation, each with the first seed and vendor in which it showed. */
  readonly found: ReadonlyMap<string, string>;
}

/** Runs one seed after another, the vendors by turns. */
export async function campaign(options: CampaignOptions): Promise<Campaign> {
  const { from = 1, seeds, vendors, broken, faults = {}, policy } = options;
  const began = performance.now();
  const found = new Map<string, string>();
  // Thousands of errors are thrown on purpose, and nobody reads where.
  const traced = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const sum = { seeds: 0, bookings: 0, confirmed: 0 };
  for (let seed = from; seed < from + seeds && !(broken && found.size > 0); seed += 1) {
    const vendor = vendors[seed % vendors.length]!;
    const note = (type: string, detail: string): void => {
      if (!found.has(type)) found.set(type, `seed ${seed}, ${vendor}: ${detail}`);
    };
    try {
      const run = await simulate({ seed, vendor, faults, ...(broken && { broken }), ...(policy && { policy }) });
      sum.bookings += run.bookings;
      sum.confirmed += run.confirmed;
      for (const { type, detail } of run.violations) note(type, detail);
    } catch (error) {
      note('error', error instanceof Error ? error.message : String(error));
    }
    sum.seeds += 1;
  }
  Error.stackTraceLimit = traced;
  return { ...sum, seconds: (performance.now() - began) / 1000, found };
}

export function summaryOf({ seeds, bookings, confirmed, seconds, found }: Campaign): string {
  const violations = found.size === 0 ? '0 violations' : `VIOLATIONS: ${[...found.keys()].join(', ')}`;
  return `${seeds} seeds, ${bookings} bookings simulated (${confirmed} confirmed in the end), ${seconds.toFixed(1)} s, ${violations}`;
}
