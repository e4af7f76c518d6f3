import keldoc from '../../libs/connectors/src/keldoc/connector.js';
import type { Target } from '#connector-testkit';
import { simulatorTarget } from './simulator-target.js';

export const AGENDA = 4552;
export const MOTIVE = 4366;
export const SECRETS = { accessKeyId: 'KITACCESSKEY42', secretAccessKey: 'kit-keldoc-secret-0123456789' };
const DAMAGED = Date.parse('2027-06-09T07:00:00Z');

/** One empty agenda. */
export const SEED = {
  accounts: [
    { accessKeyId: SECRETS.accessKeyId, secret: SECRETS.secretAccessKey, agendaIds: [AGENDA], dailyQuota: 1_000_000 },
  ],
  agendas: [{ id: AGENDA, name: 'Dr Kit' }],
  specialties: [{ id: 3, name: 'ORL' }],
  motives: [
    { id: MOTIVE, name: 'Consultation', specialty_id: 3, duration: 20 },
    { id: 4587, name: 'Urgence', specialty_id: 3, duration: 20 },
  ],
};

/** Motifs are asked for by another route, before anything is written. */
const onAppointments = (fault: object): readonly object[] => [{ ...fault, route: '/appointments' }];

/** The Keldoc connector before the simulator. */
export function keldocTarget(): Target {
  return simulatorTarget({
    connector: keldoc,
    vendor: 'keldoc',
    settings: ({ relayed }) => ({ baseUrl: `${relayed}/partners`, motif: 'Consultation' }),
    secrets: () => SECRETS,
    wrongSecrets: () => ({ ...SECRETS, secretAccessKey: 'kit-keldoc-secret-refused-42' }),
    agendaId: String(AGENDA),
    unknownAgendaId: '9999',
    seed: SEED,
    faults: {
      // Too much for a day is 402 here.
      'rate-limited': [{ kind: 'error', status: 402 }],
      'server-error': onAppointments({ kind: 'error', status: 503, after: true }),
      html: onAppointments({ kind: 'html' }),
      torn: onAppointments({ kind: 'torn' }),
      reset: onAppointments({ kind: 'reset' }),
      hang: onAppointments({ kind: 'hang' }),
      // A window comes in one piece.
      'small-pages': null,
    },
    hazards: ['push-reorder'],
    brokenPart: 4,
    async putUnreadable(control) {
      const entry = { start: DAMAGED, end: DAMAGED + 1_800_000, title: 'Abîmé' };
      const made = await control('POST', 'edit', { action: 'create', agendaId: String(AGENDA), entry });
      const { id } = made['entry'] as { id: string };
      await control('POST', 'damage', { id });
      return { remoteId: id };
    },
    openOnly: (control, openings) => control('POST', 'seed', { agendas: [{ ...SEED.agendas[0], openings }] }),
    manyEntries: 120,
  });
}
