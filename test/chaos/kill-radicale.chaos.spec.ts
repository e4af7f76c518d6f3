import { afterAll, beforeAll } from '@jest/globals';
import type { RadicaleServer } from '../support/radicale.js';
import { openCalendar, startRadicale } from '../support/remotes.js';
import { describeKills } from './kill.suite.js';

let radicale: RadicaleServer;

beforeAll(async () => {
  radicale = await startRadicale();
});

afterAll(async () => {
  await radicale.stop();
});

describeKills({
  kills: 50,
  bookings: 500,
  backend: 'Radicale',
  vendors: false,
  open: () => openCalendar(radicale),
});
