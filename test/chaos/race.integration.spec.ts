import { describeRace } from './race.suite.js';

// Beside other tests a smaller crowd does; the whole one is for the tests that run alone.
describeRace({ clients: 24, attempts: 1_000 });
