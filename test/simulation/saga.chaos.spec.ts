import { describe, expect, test } from '@jest/globals';
import type { Session } from '#connector-sdk';
import { campaign, summaryOf } from './campaign.js';
import { simulate, type Broken } from './simulate.js';
import { VENDORS, type VendorName } from './vendor.js';

const SEEDS = 5_000;
/** Seeds in which a missing safety has to show; the campaign ends with the first that shows it. */
const BROKEN_SEEDS = 4_000;
const ALL = Object.keys(VENDORS) as VendorName[];

test('the saga keeps every promise, whatever is late, lost, slow or dead', async () => {
  const result = await campaign({ seeds: SEEDS, vendors: ALL });
  process.stdout.write(`${summaryOf(result)}\n`);
  // A seed is run again, with its history printed, by: npm run simulate -- --seed N --vendor NAME
  expect(Object.fromEntries(result.found)).toEqual({});
  // Runs in which nothing is booked would prove nothing.
  expect(result.confirmed).toBeGreaterThan(result.bookings / 10);
}, 300_000);

test.each(['hub-wins', 'newest-wins', 'ask'] as const)(
  'and under the policy %s',
  async (policy) => {
    const result = await campaign({ seeds: 1_000, vendors: ALL, policy });
    expect(Object.fromEntries(result.found)).toEqual({});
    expect(result.confirmed).toBeGreaterThan(result.bookings / 10);
  },
  120_000,
);

test('a seed is a run', async () => {
  const [one, two] = [await simulate({ seed: 7, vendor: 'caldav' }), await simulate({ seed: 7, vendor: 'caldav' })];
  expect(two).toEqual(one);
  expect(await simulate({ seed: 8, vendor: 'caldav' })).not.toEqual(one);
});

/** Whoever looks for what he wrote finds nothing. */
function blind(honest: Session): Session {
  return new Proxy(honest, {
    get: (target, name) => {
      if (name === 'find') return () => Promise.resolve(null);
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

describe('it is noticed when there is no', () => {
  test('fence for a process that stood still', async () => {
    // It takes a process that stands still at the one wrong moment, so more of them do than usual.
    const missing = { broken: { fencing: false }, faults: { pause: 0.02 } };
    const { found } = await campaign({ seeds: BROKEN_SEEDS, vendors: ['strong', 'caldav'], ...missing });
    expect([...found.keys()]).not.toEqual([]);
  });

  test.each<[string, VendorName[], Broken]>([
    ['compare-and-set', ['strong', 'weak'], { compareAndSet: false }],
    ['exclusion of claims', ['caldav'], { exclusion: false }],
    ['settling, with an idempotency key', ['strong'], { capabilities: { settleMs: 0 } }],
    ['settling, where a late write revives', ['caldav'], { capabilities: { settleMs: 0 } }],
    ['settling, without any key', ['weak'], { capabilities: { settleMs: 0 } }],
    ['look before a retry, with an idempotency key', ['strong'], { session: blind }],
    ['look before a retry, with ids of ours', ['caldav'], { session: blind }],
    ['look before a retry, without any key', ['weak'], { session: blind }],
    ['reading just before and after a write that may overlap', ['caldav'], { capabilities: { refusesOverlap: true } }],
  ])('%s', async (_safety, vendors, broken) => {
    const { found } = await campaign({ seeds: BROKEN_SEEDS, vendors, broken });
    expect([...found.keys()]).not.toEqual([]);
  });
});
