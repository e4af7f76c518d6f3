// Written by `npm run gen` from the folder names; do not edit.
import { agendaFile } from './agenda-file/vendor.js';
import { cabinetRest } from './cabinet-rest/vendor.js';
import { clicRdv } from './clic-rdv/vendor.js';
import { doctolib } from './doctolib/vendor.js';
import { google } from './google/vendor.js';
import { icsFeed } from './ics-feed/vendor.js';
import { inHouse } from './in-house/vendor.js';
import { keldoc } from './keldoc/vendor.js';
import { libreRdv } from './libre-rdv/vendor.js';
import { maiia } from './maiia/vendor.js';
import { monDocteur } from './mon-docteur/vendor.js';
import { rdvServicePublic } from './rdv-service-public/vendor.js';
import type { Vendor } from './vendor.js';

/** Every simulated backend. */
export const VENDORS: readonly Vendor[] = [
  agendaFile,
  cabinetRest,
  clicRdv,
  doctolib,
  google,
  icsFeed,
  inHouse,
  keldoc,
  libreRdv,
  maiia,
  monDocteur,
  rdvServicePublic,
];
