import { describe, expect, it } from '@jest/globals';
import type { Session } from '#connector-sdk';
import { simulate, type Broken } from './simulate.js';
import type { VendorName } from './vendor.js';

const SEEDS = 5_000;
const VENDORS: readonly VendorName[] = ['strong', 'caldav', 'weak'];
/** Seeds in which a missing safety has to show at least once. */
const BROKEN_SEEDS = 400;

interface Campaign {
  readonly bookings: number;
  readonly confirmed: number;
  /** The kinds of violation, with the seed and the vendor of the first of each. */
  readonly found: ReadonlyMap<string, string>;
}

async function campaign(seeds: number, vendors: readonly VendorName[], broken?: Broken): Promise<Campaign> {
  const found = new Map<string, string>();
  let bookings = 0;
  let confirmed = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const vendor = vendors[seed % vendors.length]!;
    const run = await simulate({ seed, vendor, ...(broken && { broken }) });
    bookings += run.bookings;
    confirmed += run.confirmed;
    for (const { type, detail } of run.violations)
      if (!found.has(type)) found.set(type, `seed ${String(seed)}, ${vendor}: ${detail}`);
    if (broken && found.size > 0) break;
  }
  return { bookings, confirmed, found };
}

/** A conversation in which nothing is ever found: whoever asks tries again blindly. */
function blind(honest: Session): Session {
  return {
    ...honest,
    verify: honest.verify.bind(honest),
    listAgendas: honest.listAgendas.bind(honest),
    pull: honest.pull.bind(honest),
    create: honest.create.bind(honest),
    update: honest.update.bind(honest),
    cancel: honest.cancel.bind(honest),
    find: () => Promise.resolve(null),
    close: honest.close.bind(honest),
  };
}

const SAFETIES: readonly [name: string, vendors: readonly VendorName[], broken: Broken][] = [
  ['compare-and-set', VENDORS, { compareAndSet: false }],
  ['settle', ['weak'], { capabilities: { settleMs: 0 } }],
  ['looking before a retry', ['weak'], { session: blind }],
  ['reading around a write', ['caldav'], { capabilities: { refusesOverlap: true } }],
  ['the exclusion of overlaps', VENDORS, { exclusion: false }],
];

describe('the saga and the synchronisation, simulated', () => {
  it(`keeps every promise in ${String(SEEDS)} runs with late requests, crashes and lost answers`, async () => {
    const from = performance.now();
    const { bookings, confirmed, found } = await campaign(SEEDS, VENDORS);
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    process.stdout.write(
      `${String(SEEDS)} seeds, ${String(bookings)} bookings simulated, ${String(confirmed)} confirmed, ${seconds} s\n`,
    );
    expect(Object.fromEntries(found)).toEqual({});
    expect(confirmed).toBeGreaterThan(bookings / 10);
  }, 180_000);

  it.each(SAFETIES)(
    'finds violations without %s',
    async (_, vendors, broken) => {
      expect((await campaign(BROKEN_SEEDS, vendors, broken)).found.size).toBeGreaterThan(0);
    },
    120_000,
  );
});
