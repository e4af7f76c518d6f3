import { describeConnectorConformance } from '#connector-testkit';
import { maiiaTarget } from './maiia-target.js';

describeConnectorConformance(maiiaTarget());
