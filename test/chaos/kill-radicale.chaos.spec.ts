import { afterAll, beforeAll } from '@jest/globals';
import type { RadicaleServer } from '../support/radicale.js';
import { loseAnswers, openCalendar, openInHouse, startRadicale } from '../support/remotes.js';
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

describeKills({
  kills: 50,
  bookings: 500,
  backend: 'a simulator that loses every tenth answer to a write',
  vendors: true,
  open: (hub, index) => openInHouse(`agenda-${index + 1}`, hub.vendors!.url),
  spoil: (hub) => loseAnswers(hub.vendors!.url, 0.1),
});
