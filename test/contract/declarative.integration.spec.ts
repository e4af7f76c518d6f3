import { describe } from '@jest/globals';
import { describeConnectorConformance } from '#connector-testkit';
import { cabinetDocumentTarget, inHouseDocumentTarget } from './declarative-target.js';

describe('the document of the in-house agenda', () => {
  describeConnectorConformance(inHouseDocumentTarget());
});

describe('the document of a practice’s agenda in another dialect', () => {
  describeConnectorConformance(cabinetDocumentTarget());
});
