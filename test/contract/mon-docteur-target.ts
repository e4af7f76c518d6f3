import monDocteur from '../../libs/connectors/src/mon-docteur/connector.js';
import type { FaultName, Target } from '#connector-testkit';
import { simulatorTarget, type Control, type Dumped } from './simulator-target.js';

const AGENDA = 31;
const LOGIN = 'kit-telesecretariat';
const PASSWORD = 'kit-mot-de-passe-0123';

const CHANGES = ['/rdv/creer', '/rdv/deplacer', '/rdv/supprimer'];
/** Everything is a POST: the address tells what changes something. */
const eachChange = (kind: string): readonly object[] => CHANGES.map((route) => ({ kind, route, times: 1 }));
const FAULTS: Partial<Record<FaultName, readonly object[] | null>> = {
  // A dump comes whole; one that does not is no dump.
  'small-pages': null,
  'drop-after-commit': eachChange('drop-after-commit'),
  'hang-after-commit': eachChange('hang-after-commit'),
};

export function monDocteurTarget(): Target {
  return simulatorTarget({
    connector: monDocteur,
    vendor: 'mon-docteur',
    settings: ({ relayed }) => ({ baseUrl: `${relayed}/ws` }),
    secrets: () => ({ login: LOGIN, password: PASSWORD }),
    wrongSecrets: () => ({ login: LOGIN, password: 'kit-mot-de-passe-9876' }),
    agendaId: String(AGENDA),
    unknownAgendaId: '99',
    seed: { accounts: [{ login: LOGIN, password: PASSWORD }], agendas: [{ id: AGENDA, name: 'Dr Kit' }] },
    faults: FAULTS,
    hazards: ['push-reorder'],
    // Twelve dumps of a month each: the second one breaks off.
    brokenPart: 2,
    isWrite: ({ target }) => CHANGES.some((route) => target.endsWith(route)),
    putUnreadable,
    manyEntries: 130,
  });
}

async function putUnreadable(control: Control): Promise<{ readonly remoteId: string }> {
  const start = Date.parse('2027-08-02T08:00:00Z');
  const entry = { start, end: start + 3_600_000, title: 'Consultation' };
  const edit = { action: 'create', agendaId: String(AGENDA), entry };
  const { id } = (await control('POST', 'edit', edit))['entry'] as Dumped;
  await control('POST', 'break', { id: Number(id) });
  return { remoteId: id };
}
