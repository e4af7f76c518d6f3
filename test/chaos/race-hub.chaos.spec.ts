import { describeRace } from './race.suite.js';

describeRace({ clients: 64, attempts: 2_000, p99Ms: 500, rounds: 3 });
