// Written by `npm run gen` from the folder names; do not edit.
import type { Connector } from '#connector-sdk';
import caldav from './caldav/connector.js';
import doctolib from './doctolib/connector.js';
import google from './google/connector.js';
import ics from './ics/connector.js';
import inHouse from './in-house/connector.js';
import monDocteur from './mon-docteur/connector.js';
import rdvServicePublic from './rdv-service-public/connector.js';

const all: readonly Connector[] = [caldav, doctolib, google, ics, inHouse, monDocteur, rdvServicePublic];

/** Every connector there is, by its id. */
export const connectors: ReadonlyMap<string, Connector> = new Map(all.map((connector) => [connector.id, connector]));
