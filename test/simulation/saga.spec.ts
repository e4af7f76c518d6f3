import { expect, test } from '@jest/globals';
import { campaign, summaryOf } from './campaign.js';
import { VENDORS, type VendorName } from './vendor.js';

/** A first look; `npm run test:chaos -- saga` runs ten times as many, and takes each safety away. */
const SEEDS = 500;

test('the saga keeps every promise, whatever is late, lost, slow or dead', async () => {
  const result = await campaign({ seeds: SEEDS, vendors: Object.keys(VENDORS) as VendorName[] });
  process.stdout.write(`${summaryOf(result)}\n`);
  expect(Object.fromEntries(result.found)).toEqual({});
  expect(result.confirmed).toBeGreaterThan(result.bookings / 10);
}, 120_000);
