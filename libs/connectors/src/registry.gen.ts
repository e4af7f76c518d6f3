// Written by `npm run gen` from the folder names; do not edit.
import type { Connector } from '#connector-sdk';
import agendaFile from './agenda-file/connector.js';
import caldav from './caldav/connector.js';
import declarative from './declarative/connector.js';
import google from './google/connector.js';
import ics from './ics/connector.js';
import inHouse from './in-house/connector.js';

const all: readonly Connector[] = [agendaFile, caldav, declarative, google, ics, inHouse];

/** Every connector there is, by its id. */
export const connectors: ReadonlyMap<string, Connector> = new Map(all.map((connector) => [connector.id, connector]));
