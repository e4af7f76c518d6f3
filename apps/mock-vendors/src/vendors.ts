// Written by `npm run gen` from the folder names; do not edit.
import { agendaFile } from './agenda-file/vendor.js';
import { cabinetRest } from './cabinet-rest/vendor.js';
import { google } from './google/vendor.js';
import { icsFeed } from './ics-feed/vendor.js';
import { inHouse } from './in-house/vendor.js';
import type { Vendor } from './vendor.js';

/** Every simulated backend. */
export const VENDORS: readonly Vendor[] = [agendaFile, cabinetRest, google, icsFeed, inHouse];
