import type { Connector } from '#connector-sdk';
import type { Target } from '#connector-testkit';
import clicRdv from '../../libs/connectors/src/clic-rdv/connector.js';
import { simulatorTarget } from './simulator-target.js';

const AGENDA = '338429';
const ZONE = 'Europe/Paris';
const EMAIL = 'pro@kit.example';
const SECRETS = { apiKey: 'kit-clic-key-0123456789', password: 'kit-clic-password' };

/** The group that the kit works in. */
export const GROUP = {
  ...{ id: 4, name: 'Cabinet Kit', apikey: SECRETS.apiKey, overlaps: 'refuse' },
  pro: { email: EMAIL, password: SECRETS.password },
  interventions: [{ id: 21, name: 'Consultation' }],
  fiches: [{ id: 7, lastname: 'SECRETARIAT' }],
  calendars: [{ id: Number(AGENDA), name: 'Dr Kit', zone: ZONE }],
};

export const SETTINGS = { groupId: GROUP.id, email: EMAIL, interventionId: 21, ficheId: 7, timeZone: ZONE };

export const ACCESS = { ...SECRETS, email: EMAIL, agendaId: AGENDA };

/** The connector, or another one in its place, before the simulator. */
export function clicRdvTarget(connector: Connector = clicRdv): Target {
  return simulatorTarget({
    connector,
    vendor: 'clic-rdv',
    settings: ({ relayed }) => ({ ...SETTINGS, baseUrl: `${relayed}/api/v1` }),
    secrets: () => SECRETS,
    wrongSecrets: () => ({ ...SECRETS, password: 'kit-clic-password-refused' }),
    agendaId: AGENDA,
    unknownAgendaId: '404404',
    seed: { groups: [GROUP] },
    // After the proof of the login, of the agenda, and the latest change: the second page.
    brokenPart: 5,
    manyEntries: 110,
    async putUnreadable(control) {
      const entry = { start: Date.parse('2027-06-20T08:00:00Z'), end: Date.parse('2027-06-20T09:00:00Z'), title: '' };
      const put = await control('POST', 'edit', { action: 'create', agendaId: AGENDA, entry });
      const { id } = put['entry'] as { id: string };
      await control('POST', 'corrupt', { agendaId: AGENDA, id });
      return { remoteId: id };
    },
  });
}
