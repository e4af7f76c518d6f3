import * as access from './access.rows.js';
import * as agenda from './agenda.rows.js';
import * as appointment from './appointment.rows.js';
import * as audit from './audit.rows.js';
import * as busy from './busy.rows.js';
import * as conflict from './conflict.rows.js';
import * as connection from './connection.rows.js';
import * as consent from './consent.rows.js';
import * as credential from './credential.rows.js';
import * as desk from './desk.rows.js';
import * as feed from './feed.rows.js';
import * as key from './key.rows.js';
import * as lifecycle from './lifecycle.rows.js';
import * as patient from './patient.rows.js';
import * as people from './people.rows.js';
import * as rules from './rules.rows.js';
import * as tenancy from './tenancy.rows.js';
import * as waiting from './waiting.rows.js';

/** Every table as TypeORM sees it. The migrations are the truth; a test keeps the two from drifting apart. */
export const rows = [
  ...Object.values(tenancy),
  ...Object.values(agenda),
  ...Object.values(connection),
  ...Object.values(busy),
  ...Object.values(appointment),
  ...Object.values(feed),
  ...Object.values(conflict),
  ...Object.values(lifecycle),
  ...Object.values(consent),
  ...Object.values(rules),
  ...Object.values(waiting),
  ...Object.values(desk),
  ...Object.values(credential),
  ...Object.values(audit),
  ...Object.values(key),
  ...Object.values(patient),
  ...Object.values(people),
  ...Object.values(access),
];
