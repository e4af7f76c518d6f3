import rdvServicePublic from '../../libs/connectors/src/rdv-service-public/connector.js';
import type { Backdoor, FaultName, Target } from '#connector-testkit';
import { simulatorTarget, type Control, type Dumped } from './simulator-target.js';

const ORGANISATION = 501;
const AGENT = 61;
const EMAIL = 'secretariat.kit@exemple.fr';
const PASSWORD = 'kit-mot-de-passe-0123';

/** The sign-in is left in peace, or whatever begins with it would fail before anything was written. */
const beyondSignIn = (fault: object): readonly object[] =>
  ['/absences', '/rdvs', '/agents'].map((route) => ({ ...fault, route }));
const FAULTS: Partial<Record<FaultName, readonly object[]>> = {
  'server-error': beyondSignIn({ kind: 'error', status: 503, after: true }),
  reset: beyondSignIn({ kind: 'reset' }),
  torn: beyondSignIn({ kind: 'torn' }),
  hang: beyondSignIn({ kind: 'hang' }),
};

export function rdvServicePublicTarget(): Target {
  return simulatorTarget({
    connector: rdvServicePublic,
    vendor: 'rdv-service-public',
    settings: ({ relayed }) => ({ baseUrl: relayed, organisationIds: [ORGANISATION] }),
    secrets: () => ({ email: EMAIL, password: PASSWORD }),
    wrongSecrets: () => ({ email: EMAIL, password: 'kit-mot-de-passe-9876' }),
    agendaId: String(AGENT),
    unknownAgendaId: '9999',
    seed: {
      organisations: [{ id: ORGANISATION, name: 'Maison de santé du Kit' }],
      agents: [
        { id: AGENT, email: 'dr.kit@exemple.fr', firstName: 'Dr', lastName: 'KIT', organisationIds: [ORGANISATION] },
        {
          ...{ id: 62, email: EMAIL, password: PASSWORD, organisationIds: [ORGANISATION] },
          ...{ firstName: 'Secrétariat', lastName: 'KIT', secretary: true, territorialAdmin: true },
        },
      ],
    },
    faults: FAULTS,
    hazards: ['push-reorder'],
    // The organisation and its agents are asked for first.
    brokenPart: 3,
    putUnreadable,
    manyEntries: 130,
    backdoor,
  });
}

async function edit(control: Control, body: object): Promise<Dumped> {
  return (await control('POST', 'edit', { agendaId: String(AGENT), ...body }))['entry'] as Dumped;
}

async function putUnreadable(control: Control): Promise<{ readonly remoteId: string }> {
  const start = Date.parse('2027-08-02T08:00:00Z');
  const entry = { start, end: start + 3_600_000, title: 'Consultation' };
  const { id } = await edit(control, { action: 'create', by: 'patient', entry });
  await control('POST', 'break', { id: Number(id.replace('rdv_', '')) });
  return { remoteId: id };
}

/** Absences of the practitioner and rendez-vous of patients, in turns: both are what the connector reads. */
function backdoor(control: Control): Backdoor {
  let turn = 0;
  return {
    async put({ start, end, title }) {
      turn += 1;
      const by = turn % 2 === 0 ? 'practitioner' : 'patient';
      const { id } = await edit(control, { action: 'create', by, entry: { start, end, title }, force: true });
      return { remoteId: id };
    },
    async move(id, { start, end }) {
      await edit(control, { action: 'move', id, start, end });
    },
    async remove(id) {
      await edit(control, { action: 'delete', id });
    },
    putUnreadable: () => putUnreadable(control),
    async list() {
      const { entries } = (await control('GET', 'dump')) as { entries: Dumped[] };
      return entries
        .filter(({ deleted, agendaId }) => !deleted && agendaId === String(AGENT))
        .map(({ id, start, end, title }) => ({ remoteId: id, start, end, title }));
    },
  };
}
