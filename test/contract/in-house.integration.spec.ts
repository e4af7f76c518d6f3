import { describeConnectorConformance } from '#connector-testkit';
import { inHouseTarget } from './in-house-target.js';

describeConnectorConformance(inHouseTarget());
