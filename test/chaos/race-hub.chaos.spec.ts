import { describeRace } from './race.suite.js';

describeRace({ clients: 64, attempts: 2_000 });
