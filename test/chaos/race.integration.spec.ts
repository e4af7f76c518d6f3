import { describeRace } from './race.suite.js';

// Beside other tests no time can be measured: the whole crowd, and how long it waits, is for the tests that run alone.
describeRace({ clients: 24, attempts: 1_000, p99Ms: null, rounds: 1 });
