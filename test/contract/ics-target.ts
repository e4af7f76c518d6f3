import ics from '../../libs/connectors/src/ics/connector.js';
import type { Connector } from '#connector-sdk';
import type { Target } from '#connector-testkit';
import { simulatorTarget } from './simulator-target.js';

const FEED = 'cabinet';
const LOGIN = { username: 'praticien', password: 'mot-de-passe-du-kit' };

/** The feed connector, or another one in its place, before the simulator. */
export function icsTarget(connector: Connector = ics): Target {
  return simulatorTarget({
    connector,
    vendor: 'ics-feed',
    settings: () => ({}),
    secrets: ({ relayed }) => ({ url: `${relayed}/feeds/${FEED}.ics`, ...LOGIN }),
    wrongSecrets: ({ relayed }) => ({
      url: `${relayed}/feeds/${FEED}.ics`,
      username: LOGIN.username,
      password: 'un-autre-mot-de-passe',
    }),
    agendaId: 'feed',
    diaryAgendaId: FEED,
    unknownAgendaId: 'another',
    seed: { feeds: [{ id: FEED, name: 'Dr Kit', login: LOGIN }] },
    // It is never written to, has one page, and pushes nothing.
    faults: {
      'drop-after-commit': null,
      'hang-after-commit': null,
      'lose-write': null,
      'small-pages': null,
      'push-duplicate': null,
    },
    // A feed is one answer.
    brokenPart: 1,
    async putUnreadable(control) {
      const { entry } = (await control('POST', 'spoil', { agendaId: FEED })) as { entry: { id: string } };
      return { remoteId: entry.id };
    },
    manyEntries: 450,
  });
}
