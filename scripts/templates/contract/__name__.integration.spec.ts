import connector from '../../libs/connectors/src/__name__/connector.js';
import { describeConnectorConformance } from '#connector-testkit';
import { simulatorTarget } from './simulator-target.js';

const AGENDA = 'agenda-1';
const KEY = 'kit-__name__-key-1';

describeConnectorConformance(
  simulatorTarget({
    connector,
    vendor: '__name__',
    settings: ({ relayed }) => ({ baseUrl: `${relayed}/api` }),
    secrets: () => ({ apiKey: KEY }),
    wrongSecrets: () => ({ apiKey: 'kit-__name__-key-2' }),
    agendaId: AGENDA,
    unknownAgendaId: 'nobody',
    seed: { apiKey: KEY, agendas: [{ id: AGENDA, name: 'Dr Kit', zone: 'Europe/Paris' }] },
    // Everything comes in one answer.
    faults: { 'small-pages': null },
    brokenPart: 1,
    manyEntries: 300,
  }),
);
