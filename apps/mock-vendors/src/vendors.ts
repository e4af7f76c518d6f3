import { doctolib } from './doctolib/vendor.js';
import { google } from './google/vendor.js';
import { icsFeed } from './ics-feed/vendor.js';
import { inHouse } from './in-house/vendor.js';
import { monDocteur } from './mon-docteur/vendor.js';
import { rdvServicePublic } from './rdv-service-public/vendor.js';
import type { Vendor } from './vendor.js';

/** Every simulated backend. */
export const VENDORS: readonly Vendor[] = [doctolib, google, icsFeed, inHouse, monDocteur, rdvServicePublic];
