import { describeConnectorConformance } from '#connector-testkit';
import { clicRdvTarget } from './clic-rdv-target.js';

describeConnectorConformance(clicRdvTarget());
