import { createHash } from 'node:crypto';
import agendaFile from '../../libs/connectors/src/agenda-file/connector.js';
import type { Backdoor } from '#connector-testkit';
import type { Target } from '#connector-testkit';
import { simulatorTarget, type Control, type Dumped } from './simulator-target.js';

const AGENDA = 'KIT';
const SIGNING_KEY = 'cle-de-signature-du-kit';
const LOGIN = { username: 'cabinet-kit', password: 'mot-de-passe-du-kit' };

type Format = 'csv' | 'icalendar';
type DumpedLine = Dumped & { readonly comment: string; readonly uid: string };

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 22);

/** The id that the connector gives a line which nothing was known of: the exports have none. */
function remoteIdOf({ comment, uid, start, end, title }: DumpedLine, format: Format): string {
  if (comment.startsWith('REF ')) return `r:${comment.slice(4)}`;
  return format === 'icalendar' ? `u:${digest(uid)}` : `h:${digest(JSON.stringify([start, end, title]))}#1`;
}

/** The practitioner at the program itself; lines are known by what they say. */
function backdoor(control: Control, format: Format): Backdoor {
  const living = async (): Promise<DumpedLine[]> =>
    ((await control('GET', 'dump'))['entries'] as DumpedLine[]).filter(({ deleted }) => !deleted);
  const lineOf = async (remoteId: string): Promise<string> => {
    const line = (await living()).find((one) => remoteIdOf(one, format) === remoteId);
    if (!line) throw new Error(`no line is ${remoteId}`);
    return line.id;
  };
  const edit = (body: object): Promise<Record<string, unknown>> =>
    control('POST', 'edit', { agendaId: AGENDA, ...body });
  return {
    async put(entry) {
      const { id } = (await edit({ action: 'create', entry }))['entry'] as Dumped;
      const line = (await living()).find((one) => one.id === id);
      if (!line) throw new Error('what was put is not there');
      return { remoteId: remoteIdOf(line, format) };
    },
    async move(remoteId, { start, end }) {
      await edit({ action: 'move', id: await lineOf(remoteId), start, end });
    },
    async remove(remoteId) {
      await edit({ action: 'delete', id: await lineOf(remoteId) });
    },
    async putUnreadable() {
      const text = `31/02/2027;ligne abimee ${String(Math.random())}`;
      await control('POST', 'spoil', { agendaId: AGENDA, text });
      return { remoteId: format === 'icalendar' ? `u:${digest(text)}` : `x:${digest(text)}#1` };
    },
    list: async () =>
      (await living()).map((one) => ({
        remoteId: remoteIdOf(one, format),
        start: one.start,
        end: one.end,
        title: one.title,
      })),
  };
}

/** The desktop program, exporting in one of its formats. */
export function agendaFileTarget(format: Format): Target {
  // Every order is two files; the second one is what the program acts on.
  const onOrders = (kind: string): readonly object[] => [{ kind, method: 'PUT', route: '/depot', times: 1 }];
  return simulatorTarget({
    connector: agendaFile,
    vendor: 'agenda-file',
    settings: ({ relayed }) => ({ baseUrl: `${relayed}/dossier`, format, patienceSeconds: 0.4 }),
    secrets: () => ({ ...LOGIN, signingKey: SIGNING_KEY }),
    wrongSecrets: () => ({ ...LOGIN, password: 'un-autre-mot-de-passe', signingKey: SIGNING_KEY }),
    agendaId: AGENDA,
    unknownAgendaId: 'PERSONNE',
    seed: {
      compte: { identifiant: LOGIN.username, motDePasse: LOGIN.password, cle: SIGNING_KEY },
      medecins: [{ code: AGENDA, nom: 'Dr Kit' }],
    },
    faults: {
      'small-pages': null,
      'push-duplicate': null,
      'drop-after-commit': onOrders('drop-after-commit'),
      'hang-after-commit': onOrders('hang-after-commit'),
    },
    // The export itself; its signature comes after it.
    brokenPart: 1,
    putUnreadable: () => Promise.reject(new Error('the back door has its own')),
    manyEntries: 60,
    backdoor: (control) => backdoor(control, format),
  });
}
