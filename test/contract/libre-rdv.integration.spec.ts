import { describeConnectorConformance } from '#connector-testkit';
import { libreRdvTarget } from './libre-rdv-target.js';

describeConnectorConformance(libreRdvTarget());
