import { describeConnectorConformance } from '#connector-testkit';
import { caldavTarget } from './caldav-target.js';

describeConnectorConformance(caldavTarget());
