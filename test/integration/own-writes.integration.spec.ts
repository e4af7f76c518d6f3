import { ownWritesComeBack } from './own-writes.suite.js';

ownWritesComeBack({ count: 200, timeoutMs: 120_000 });
