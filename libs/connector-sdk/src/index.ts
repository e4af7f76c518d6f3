export * from './capabilities.js';
export * from './connector.js';
export * from './errors.js';
export * from './http.js';
export * from './manners.js';
export * from './session.js';
export * from './push-secret.js';
export * from './threads.js';
