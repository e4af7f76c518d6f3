export { ClockSkewError, QueueUnavailableError } from './errors.js';
export { migrateQueue } from './migrate.js';
export { OpenQueue, openQueue, type QueueOptions } from './queue.js';
export { DEFAULT_SETTINGS, type QueueSettings } from './settings.js';
export { handler, type JobHandler, Workers, type WorkersState } from './workers.js';
