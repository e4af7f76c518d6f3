import { describeConnectorConformance } from '#connector-testkit';
import { rdvServicePublicTarget } from './rdv-service-public-target.js';

describeConnectorConformance(rdvServicePublicTarget());
