import type { Connector } from '#connector-sdk';
import type { Target } from '#connector-testkit';
import { written } from '../../apps/mock-vendors/src/libre-rdv/local-time.js';
import libreRdv from '../../libs/connectors/src/libre-rdv/connector.js';
import { simulatorTarget, type Dumped } from './simulator-target.js';

const AGENDA = '3';
const ZONE = 'Europe/Paris';
const API_KEY = 'kit-libre-key-0123456789';

/** The number of a row and the minute in which it was made. */
export function remoteIdOf({ id, created }: { readonly id: string; readonly created?: unknown }): string {
  return `${id}.${written(Number(created), ZONE).replace(/\D/g, '')}`;
}

/** The connector, or another one in its place, before the simulator. */
export function libreRdvTarget(connector: Connector = libreRdv): Target {
  return simulatorTarget({
    connector,
    vendor: 'libre-rdv',
    settings: ({ relayed }) => ({ baseUrl: `${relayed}/api`, timeZone: ZONE }),
    secrets: () => ({ apiKey: API_KEY }),
    wrongSecrets: () => ({ apiKey: 'kit-libre-key-refused-42' }),
    agendaId: AGENDA,
    unknownAgendaId: '404',
    seed: { agendas: [{ id: Number(AGENDA), name: 'Dr Kit', zone: ZONE, apiKey: API_KEY }] },
    brokenPart: 2,
    manyEntries: 60,
    expireCursors: (control) => control('POST', 'expire-news'),
    answer: (control, how, id) => control('POST', how, { agendaId: AGENDA, id }),
    async putUnreadable(control) {
      const { id } = await control('POST', 'corrupt', { agendaId: AGENDA });
      const { entries } = (await control('GET', 'dump')) as unknown as { entries: Dumped[] };
      return { remoteId: remoteIdOf(entries.find((entry) => entry.id === id)!) };
    },
    remoteId: remoteIdOf,
    entryId: (remoteId) => remoteId.split('.')[0] ?? '',
  });
}
