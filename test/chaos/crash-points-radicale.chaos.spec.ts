import { afterAll, beforeAll } from '@jest/globals';
import type { RadicaleServer } from '../support/radicale.js';
import { openCalendar, startRadicale } from '../support/remotes.js';
import { describeCrashPoints } from './crash-points.suite.js';

let radicale: RadicaleServer;

beforeAll(async () => {
  radicale = await startRadicale();
});

afterAll(async () => {
  await radicale.stop();
});

describeCrashPoints('Radicale', { refusesOverlap: false, everyPoint: true, open: () => openCalendar(radicale) });
