import { describeConnectorConformance } from '#connector-testkit';
import { monDocteurTarget } from './mon-docteur-target.js';

describeConnectorConformance(monDocteurTarget());
