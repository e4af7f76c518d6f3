export * from './case.js';
export * from './cases.js';
export * from './context.js';
export * from './describe.js';
export * from './harness.js';
export * from './mirror.js';
export * from './receiver.js';
