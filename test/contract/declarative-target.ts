import { readFileSync } from 'node:fs';
import declarative from '../../libs/connectors/src/declarative/connector.js';
import type { Connector } from '#connector-sdk';
import type { Target } from '#connector-testkit';
import { simulatorTarget } from './simulator-target.js';

const KEY = 'kit-declarative-key-0123456789';
const OTHER_KEY = 'kit-declarative-key-refused-42';
const GUIDE = new URL('../../docs/declarative-connector.md', import.meta.url);

/** A document as an administrator copies it out of the guide. */
export function documentOfGuide(name: string): unknown {
  const text = readFileSync(GUIDE, 'utf8');
  const block = new RegExp(`^\`\`\`json ${name}\\n(.*?)^\`\`\``, 'ms').exec(text)?.[1];
  if (block === undefined) throw new Error(`the guide has no document "${name}"`);
  return JSON.parse(block);
}

/** The connector with what one document makes it capable of. */
function described(document: unknown): Connector {
  const settings = declarative.config.settings.parse({ baseUrl: 'http://localhost', document });
  return { ...declarative, capabilities: declarative.capabilitiesOf?.(settings) ?? declarative.capabilities };
}

/** Before the well-behaved in-house agenda. */
export function inHouseDocumentTarget(): Target {
  const document = documentOfGuide('in-house');
  const AGENDA = 'agenda-kit';
  return simulatorTarget({
    connector: described(document),
    vendor: 'in-house',
    settings: ({ relayed }) => ({ baseUrl: `${relayed}/api`, document }),
    secrets: () => ({ token: KEY }),
    wrongSecrets: () => ({ token: OTHER_KEY }),
    agendaId: AGENDA,
    unknownAgendaId: 'agenda-of-nobody',
    seed: { agendas: [{ id: AGENDA, name: 'Dr Kit', zone: 'Europe/Paris', apiKey: KEY }] },
    brokenPart: 2,
    expireCursors: (control) => control('POST', 'expire-cursors', { agendaId: AGENDA }),
    manyEntries: 600,
  });
}

/** Before an agenda of another dialect. */
export function cabinetDocumentTarget(): Target {
  const document = documentOfGuide('cabinet');
  const AGENDA = 'MED1';
  return simulatorTarget({
    connector: described(document),
    vendor: 'cabinet-rest',
    settings: ({ relayed }) => ({ baseUrl: `${relayed}/v2/`, document }),
    secrets: () => ({ key: KEY }),
    wrongSecrets: () => ({ key: OTHER_KEY }),
    agendaId: AGENDA,
    unknownAgendaId: 'MED404',
    seed: { praticiens: [{ code: AGENDA, nom: 'Dr Kit', cle: KEY }] },
    brokenPart: 2,
    putUnreadable: async (control) => ({
      remoteId: String((await control('POST', 'spoil', { praticien: AGENDA }))['id']),
    }),
    manyEntries: 130,
  });
}
