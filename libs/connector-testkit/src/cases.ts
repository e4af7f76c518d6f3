import type { ConformanceCase } from './case.js';
import { cancelling, updating } from './cases/changing.js';
import { failures } from './cases/faults.js';
import { holding } from './cases/holding.js';
import { hazards } from './cases/hazards.js';
import { notifications } from './cases/pushes.js';
import { reading } from './cases/reading.js';
import { repeating } from './cases/repeating.js';
import { requests } from './cases/requests.js';
import { clockChanges } from './cases/time.js';
import { rules } from './cases/rules.js';
import { versions } from './cases/versions.js';
import { creating, finding } from './cases/writing.js';

/** The whole contract, by chapter. */
export const CONFORMANCE: Readonly<Record<string, readonly ConformanceCase[]>> = {
  reading,
  creating,
  holding,
  finding,
  updating,
  cancelling,
  requests,
  'clock changes': clockChanges,
  failures,
  repeating,
  hazards,
  notifications,
  versions,
  rules,
};
