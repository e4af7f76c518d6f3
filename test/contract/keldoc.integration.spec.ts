import { describeConnectorConformance } from '#connector-testkit';
import { keldocTarget } from './keldoc-target.js';

describeConnectorConformance(keldocTarget());
