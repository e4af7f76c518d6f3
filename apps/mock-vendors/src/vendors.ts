import { doctolib } from './doctolib/vendor.js';
import { google } from './google/vendor.js';
import { icsFeed } from './ics-feed/vendor.js';
import { inHouse } from './in-house/vendor.js';
import { keldoc } from './keldoc/vendor.js';
import { maiia } from './maiia/vendor.js';
import type { Vendor } from './vendor.js';

/** Every simulated backend. */
export const VENDORS: readonly Vendor[] = [doctolib, google, icsFeed, inHouse, keldoc, maiia];
