import inHouse from '../../libs/connectors/src/in-house/connector.js';
import type { Connector } from '#connector-sdk';
import type { Target } from '#connector-testkit';
import { simulatorTarget } from './simulator-target.js';

const AGENDA = 'agenda-kit';
const API_KEY = 'kit-in-house-key-0123456789';

/** The in-house connector, or another one in its place, before the simulator, which keeps intervals. */
export function inHouseTarget(connector: Connector = inHouse): Target {
  return simulatorTarget({
    connector: { ...connector, capabilities: { ...connector.capabilities, hold: 'ttl' } },
    vendor: 'in-house',
    settings: ({ relayed }) => ({ baseUrl: `${relayed}/api`, leases: true }),
    secrets: () => ({ apiKey: API_KEY }),
    wrongSecrets: () => ({ apiKey: 'kit-in-house-key-refused-42' }),
    agendaId: AGENDA,
    unknownAgendaId: 'agenda-of-nobody',
    seed: { agendas: [{ id: AGENDA, name: 'Dr Kit', zone: 'Europe/Paris', apiKey: API_KEY }] },
    hazards: ['push-reorder'],
    // Entries come in pages: the second one breaks off.
    brokenPart: 2,
    expireCursors: (control) => control('POST', 'expire-cursors', { agendaId: AGENDA }),
    openOnly: (control, openings) => control('POST', 'rules', { agendaId: AGENDA, rules: { openings } }),
    listsVersions: true,
    manyEntries: 600,
  });
}
