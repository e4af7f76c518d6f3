export * from './appointment.js';
export * from './availability.js';
export * from './interval.js';
export * from './reconcile.js';
export * from './reconcile-types.js';
export * from './recurrence.js';
export * from './remote.js';
export * from './time-zone.js';
