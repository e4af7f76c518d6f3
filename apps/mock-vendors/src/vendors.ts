import { clicRdv } from './clic-rdv/vendor.js';
import { google } from './google/vendor.js';
import { icsFeed } from './ics-feed/vendor.js';
import { inHouse } from './in-house/vendor.js';
import { libreRdv } from './libre-rdv/vendor.js';
import type { Vendor } from './vendor.js';

/** Every simulated backend. */
export const VENDORS: readonly Vendor[] = [clicRdv, google, icsFeed, inHouse, libreRdv];
