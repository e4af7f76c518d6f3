export { connectors } from './registry.gen.js';
