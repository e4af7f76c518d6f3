import { describeConnectorConformance } from '#connector-testkit';
import { icsTarget } from './ics-target.js';

describeConnectorConformance(icsTarget());
