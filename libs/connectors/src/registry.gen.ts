// Written by `npm run gen` from the folder names; do not edit.
import type { Connector } from '#connector-sdk';
import agendaFile from './agenda-file/connector.js';
import caldav from './caldav/connector.js';
import clicRdv from './clic-rdv/connector.js';
import declarative from './declarative/connector.js';
import doctolib from './doctolib/connector.js';
import google from './google/connector.js';
import ics from './ics/connector.js';
import inHouse from './in-house/connector.js';
import keldoc from './keldoc/connector.js';
import libreRdv from './libre-rdv/connector.js';
import maiia from './maiia/connector.js';
import monDocteur from './mon-docteur/connector.js';
import rdvServicePublic from './rdv-service-public/connector.js';

const all: readonly Connector[] = [
  agendaFile,
  caldav,
  clicRdv,
  declarative,
  doctolib,
  google,
  ics,
  inHouse,
  keldoc,
  libreRdv,
  maiia,
  monDocteur,
  rdvServicePublic,
];

/** Every connector there is, by its id. */
export const connectors: ReadonlyMap<string, Connector> = new Map(all.map((connector) => [connector.id, connector]));
