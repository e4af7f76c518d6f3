import { describeConnectorConformance } from '#connector-testkit';
import { doctolibTarget } from './doctolib-target.js';

describeConnectorConformance(doctolibTarget());
