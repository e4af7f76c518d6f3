import { ownWritesComeBack } from '../integration/own-writes.suite.js';

ownWritesComeBack({ count: 1_000, timeoutMs: 600_000 });
