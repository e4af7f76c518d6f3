import { describe } from '@jest/globals';
import { describeConnectorConformance } from '#connector-testkit';
import { agendaFileTarget } from './agenda-file-target.js';

describe.each(['csv', 'icalendar'] as const)('a desktop program that exports %s', (format) => {
  describeConnectorConformance(agendaFileTarget(format));
});
