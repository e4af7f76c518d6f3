import { describeConnectorConformance } from '#connector-testkit';
import { googleTarget } from './google-target.js';

describeConnectorConformance(googleTarget());
