import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestApi } from './api.suite.js';
import { HostileSituation } from './hostile.suite.js';

const REQUESTS = 20_000;

let api: TestApi;

beforeAll(async () => {
  api = await TestApi.start();
});

afterAll(() => api.stop());

test(`${String(REQUESTS)} requests made from the document: no answer is a fault of ours, each keeps the document`, async () => {
  const seen = await (await HostileSituation.of(api)).flood(REQUESTS);
  expect(Object.values(seen).reduce((sum, n) => sum + n, 0)).toBeGreaterThanOrEqual(REQUESTS);
}, 600_000);
