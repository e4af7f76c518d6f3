import maiia from '../../libs/connectors/src/maiia/connector.js';
import type { Target } from '#connector-testkit';
import { simulatorTarget } from './simulator-target.js';

export const AGENDA = '6007098df398765a70e9f001';
export const REASON = '6007098df398765a70e9f0a1';
export const API_KEY = 'kit-maiia-key-0123456789';
const NEVER_PASSED_MS = 100 * 86_400_000;
const START = Date.parse('2027-06-07T07:00:00Z');

/** One agenda open around the clock, and one motif. */
export const SEED = {
  keys: [{ apiKey: API_KEY, account: 'Cabinet Kit', agendaIds: [AGENDA] }],
  agendas: [
    {
      id: AGENDA,
      name: 'Dr Kit',
      onlineAvailabilityVisibilityLimit: 3650,
      openings: [1, 2, 3, 4, 5, 6, 7].map((day) => ({ day, from: '00:00', to: '24:00' })),
    },
  ],
  reasons: [{ id: REASON, name: 'Consultation  de suivi', agendaIds: [AGENDA], minutes: 60 }],
  requestsPerMinute: 1_000_000,
};

/** Faults of reading and writing appointments: tokens, motifs and slots are asked for by other routes. */
const onAppointments = (fault: object): readonly object[] => [{ ...fault, route: '/appointments' }];

/** The Maiia connector before the simulator. */
export function maiiaTarget(): Target {
  return simulatorTarget({
    connector: maiia,
    vendor: 'maiia',
    // Tokens go past the relay: what is counted there are calls of the agenda's.
    settings: ({ relayed, direct }) => ({
      baseUrl: `${relayed}/api/partner`,
      authUrl: `${direct}/api/partner/auth`,
      motif: 'Consultation de suivi',
    }),
    secrets: () => ({ apiKey: API_KEY }),
    wrongSecrets: () => ({ apiKey: 'kit-maiia-key-refused-42' }),
    agendaId: AGENDA,
    unknownAgendaId: '6007098df398765a70e9ffff',
    seed: SEED,
    faults: {
      'server-error': onAppointments({ kind: 'error', status: 503, after: true }),
      html: onAppointments({ kind: 'html' }),
      torn: onAppointments({ kind: 'torn' }),
      reset: onAppointments({ kind: 'reset' }),
      hang: onAppointments({ kind: 'hang' }),
      'push-duplicate': null,
    },
    // The latest change, a first page, and the second page, which breaks off.
    brokenPart: 3,
    expireCursors: (control) => control('POST', 'clock', { advanceMs: NEVER_PASSED_MS }),
    async putUnreadable(control) {
      const entry = { start: START + 86_400_000, end: START + 90_000_000, title: 'Abîmé' };
      const made = await control('POST', 'edit', { action: 'create', agendaId: AGENDA, entry });
      const { id } = made['entry'] as { id: string };
      await control('POST', 'damage', { id });
      return { remoteId: id };
    },
    openOnly: (control, openings) => control('POST', 'seed', { agendas: [{ ...SEED.agendas[0], openings }] }),
    manyEntries: 120,
  });
}
