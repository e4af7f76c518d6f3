import doctolib from '../../libs/connectors/src/doctolib/connector.js';
import type { Target } from '#connector-testkit';
import { simulatorTarget } from './simulator-target.js';

const SECRETS = { clientId: 'kit-doctolib-client', clientSecret: 'kit-doctolib-secret-0123456789' };
const ALWAYS = [0, 1, 2, 3, 4, 5, 6].map((day) => ({ day, ranges: [['00:00', '24:00']] }));
/** What a booking reads before it writes is left alone: the kit asks about the write. */
const ON_APPOINTMENTS = { route: '/partner/v1/appointments' };

/** The connector before the simulator. */
export function doctolibTarget(): Target {
  return simulatorTarget({
    connector: doctolib,
    vendor: 'doctolib',
    // Tokens go past the relay: what is counted there are calls of the API.
    settings: ({ relayed, direct }) => ({
      baseUrl: relayed,
      tokenUrl: `${direct}/oauth/token`,
      profile: 'cabinet-kit',
      motif: 'Consultation de suivi',
    }),
    secrets: () => SECRETS,
    wrongSecrets: () => ({ ...SECRETS, clientSecret: 'kit-doctolib-secret-refused-42' }),
    agendaId: 'practice-20/practitioner-40',
    diaryAgendaId: 'dr-kit',
    unknownAgendaId: 'practice-20/practitioner-41',
    seed: {
      profile: { id: 10, slug: 'cabinet-kit', name: 'Cabinet Kit' },
      clients: [{ id: SECRETS.clientId, secret: SECRETS.clientSecret }],
      // Open by day and night: the kit books at any hour.
      practices: [{ id: 20, name: 'Cabinet Kit', opening_hours: ALWAYS }],
      motives: [{ id: 30, name: 'Consultation de  suivi' }],
      agendas: [{ key: 'dr-kit', id: 50, name: 'Dr Kit', practice_id: 20, practitioner_id: 40, motives: [30] }],
      quota: 100_000,
    },
    faults: {
      'server-error': [{ kind: 'error', status: 503, after: true, ...ON_APPOINTMENTS }],
      torn: [{ kind: 'torn', ...ON_APPOINTMENTS }],
      reset: [{ kind: 'reset', ...ON_APPOINTMENTS }],
      hang: [{ kind: 'hang', ...ON_APPOINTMENTS }],
      // What commits is the confirmation, not the hold.
      'drop-after-commit': [{ kind: 'drop-after-commit', method: 'PUT', times: 1 }],
      'hang-after-commit': [{ kind: 'hang-after-commit', method: 'PUT', times: 1 }],
      // A window is answered whole or not at all.
      'small-pages': null,
    },
    hazards: ['push-reorder'],
    // The practice, an empty window, and two that hold something.
    brokenPart: 4,
    async putUnreadable(control) {
      const start = Date.parse('2027-06-20T10:00:00Z');
      const { entry } = (await control('POST', 'spoil', { agendaId: 'dr-kit', start, end: start + 1_800_000 })) as {
        entry: { id: string };
      };
      return { remoteId: entry.id };
    },
    manyEntries: 250,
  });
}
