import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { ConnectorError, type CreateRequest, type Session } from '#connector-sdk';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import doctolib from '../../libs/connectors/src/doctolib/connector.js';
import { controlOf, type Control, type Dumped } from './simulator-target.js';

export const CLIENT = { clientId: 'behaviour-client', clientSecret: 'behaviour-secret' };
export const AGENDA = 'practice-20/practitioner-40';
export const SCANNER = 'practice-20/practitioner-41';
export const WINDOW = { start: Date.parse('2027-05-01T00:00:00Z'), end: Date.parse('2027-09-01T00:00:00Z') };
export const NINE = Date.parse('2027-06-07T07:00:00Z');
export const MINUTE = 60_000;
const ALL_WEEK = [0, 1, 2, 3, 4, 5, 6].map((day) => ({ day, ranges: [['08:00', '18:00']] }));

const SEED = {
  profile: { id: 10, slug: 'cabinet', name: 'Cabinet' },
  clients: [{ id: CLIENT.clientId, secret: CLIENT.clientSecret }],
  practices: [{ id: 20, name: 'Cabinet', opening_hours: ALL_WEEK }],
  motives: [
    { id: 30, name: 'Suivi' },
    { id: 31, name: 'Première fois', closed_to_new: ['roux'] },
    { id: 32, name: 'Scanner' },
    { id: 33, name: 'Entre confrères' },
    { id: 34, name: 'Questions', custom_fields: [{ id: 'q1', label: 'Depuis quand ?', required: true }] },
    { id: 35, name: 'Enfant', ages: [{ agendas: ['roux'], operator: 'gt', age: 16 }] },
    { id: 36, name: 'Ailleurs' },
  ],
  agendas: [
    { key: 'salle', id: 50, name: 'Salle 1', practice_id: 20, practitioner_id: null, motives: [32] },
    {
      key: 'roux',
      id: 51,
      name: 'Dr Roux',
      practice_id: 20,
      practitioner_id: 40,
      motives: [30, 31, 33, 34, 35],
      only_for_doctors: [33],
    },
    {
      key: 'faure',
      id: 52,
      name: 'Dr Faure',
      practice_id: 20,
      practitioner_id: 41,
      motives: [30, 32],
      equipment_agendas_required: true,
    },
    { key: 'salle-2', id: 53, name: 'Salle 2', practice_id: 20, practitioner_id: null, motives: [32] },
  ],
};

/** The simulator before each test of a suite, with a practice in it, and hands to act on it. */
export function doctolibSituation() {
  const vendors = createMockVendors();
  const sessions: Session[] = [];
  let origin = '';
  let steer: Control;
  const control: Control = (...asked) => steer(...asked);

  const call = () => ({ signal: AbortSignal.timeout(10_000) });
  const open = (settings: object = {}, now: () => number = Date.now): Session => {
    const all = { baseUrl: `${origin}/doctolib`, profile: 'cabinet', motif: '30', ...settings };
    const account = {
      settings: doctolib.config.settings.parse(all),
      secrets: doctolib.config.secrets.parse(CLIENT),
    };
    const session = doctolib.open(account, { timeoutMs: 1_000, allowPrivateNetworks: true, now });
    sessions.push(session);
    return session;
  };
  let references = 0;
  const booking = (start = NINE, agendaId = AGENDA): CreateRequest => {
    const content = { start, end: start + 30 * MINUTE, timeZone: 'Europe/Paris', summary: 'Suivi' };
    return { agendaId, reference: `visit-${String((references += 1))}`, content };
  };
  const put = async (start: number, more: object = {}): Promise<Dumped> => {
    const entry = { start, end: start + 30 * MINUTE, title: 'Privé', ...more };
    return (await control('POST', 'edit', { action: 'create', agendaId: 'roux', entry }))['entry'] as Dumped;
  };
  const dump = async (): Promise<{ entries: Dumped[]; holds: { agendaId: string }[] }> =>
    (await control('GET', 'dump')) as never;
  const standing = async (): Promise<Dumped[]> => (await dump()).entries.filter(({ deleted }) => !deleted);
  const failure = async (attempt: Promise<unknown>): Promise<ConnectorError> => {
    const outcome: unknown = await attempt.then(
      () => null,
      (error: unknown) => error,
    );
    if (!ConnectorError.is(outcome)) throw new Error('a failure was expected', { cause: outcome });
    return outcome;
  };
  const arm = (...faults: object[]): Promise<unknown> => control('POST', 'faults', { faults });

  beforeAll(async () => {
    origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
    steer = controlOf(origin, 'doctolib');
  });
  afterAll(async () => {
    for (const session of sessions) session.close();
    await vendors.close();
  });
  beforeEach(async () => {
    await control('POST', 'reset');
    await control('POST', 'seed', SEED);
  });
  return { open, booking, put, dump, standing, failure, arm, control, call };
}
