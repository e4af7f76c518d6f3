import { describeWorker } from './worker.suite.js';

describeWorker('PostgreSQL', () => ({}));
