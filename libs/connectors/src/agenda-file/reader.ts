import { ConnectorError, TaskError, threads, type CallOptions, type RemoteAgenda } from '#connector-sdk';
import type { Interval, RemoteObject } from '#domain';
import { ifCheap } from '#icalendar';
import type { Settings } from './config.js';
import { noExport } from './errors.js';
import type { Folder } from './folder.js';
import { identified, ownId, versionOf, type Identified } from './identity.js';
import { snapshotParts } from './reading.js';
import { checkCount, wholeFile, type Row, type Snapshot } from './snapshot.js';

/** What the files of a format are called. */
const FILES: Readonly<Record<Settings['format'], (agendaId: string) => string>> = {
  csv: (agendaId) => `${agendaId}.csv`,
  icalendar: (agendaId) => `${agendaId}.ics`,
};

/** The exports of the program, whole and signed, or none. */
export class Reader {
  readonly #folder: Folder;
  readonly #settings: Settings;

  constructor(folder: Folder, settings: Settings) {
    this.#folder = folder;
    this.#settings = settings;
  }

  /** The practice's name, and the agendas that the program exports. */
  async agendas(
    options: CallOptions,
  ): Promise<{ readonly practice: string; readonly agendas: readonly RemoteAgenda[] }> {
    const text = await this.#folder.export('agendas.csv', options);
    if (text === null) throw noExport('the folder holds no list of agendas');
    const { head, lines } = wholeFile(text, '#AGENDAS');
    checkCount(text, lines.length);
    const agendas = lines.map(({ columns: [id = '', name = '', zone = ''] }) => {
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) throw noExport('the list of agendas holds one without a code');
      return { id, name: name === '' ? id : name, writable: true, timeZone: zone === '' ? null : zone };
    });
    return { practice: head[1] ?? '', agendas };
  }

  /** The latest export of an agenda. Throws `not_found` when the program says that it has none such. */
  async snapshot(agendaId: string, window: Interval | null, options: CallOptions): Promise<Snapshot> {
    const { format, timeZone: zone } = this.#settings;
    const text = await this.#folder.export(FILES[format](agendaId), options);
    if (text === null) return this.#missing(agendaId, options);
    return readApart({ format, text, agendaId, zone, window }, options);
  }

  /** Our visit in an export; `null` when it is not there. */
  static own(snapshot: Snapshot, reference: string): RemoteObject | null {
    const id = ownId(reference);
    const found = identified(snapshot.rows, new Map()).find((one) => one.id === id);
    return found ? toRemoteObject(found, null) : null;
  }

  /** A missing file may be one that the program has not written yet: its own list decides. */
  async #missing(agendaId: string, options: CallOptions): Promise<never> {
    const { agendas } = await this.agendas(options);
    if (agendas.some(({ id }) => id === agendaId)) throw noExport('the program has not exported this agenda yet');
    throw new ConnectorError('not_found', 'the program does not know this agenda');
  }
}

/** Reads an export here if that is cheap, else in a thread. */
async function readApart(input: Parameters<typeof snapshotParts>[0], { signal }: CallOptions): Promise<Snapshot> {
  const cheap = ifCheap(input.text.length, () => [...snapshotParts(input)]);
  const parts: Snapshot[] = cheap ? cheap.result : [];
  const task = { module: new URL('./reading.js', import.meta.url), run: snapshotParts.name, input };
  try {
    if (!cheap) for await (const part of threads.run(task, { signal })) parts.push(part as Snapshot);
  } catch (error) {
    throw error instanceof TaskError && error.kind === 'ConnectorError' ? noExport(error.message) : error;
  }
  const [first] = parts;
  if (first === undefined) throw new TypeError('an export without a part');
  return { ...first, rows: parts.flatMap(({ rows }) => rows) };
}

/** A row as the hub sees it; busy only inside `window`, `null` = wherever it is. */
export function toRemoteObject({ id, row }: Identified, window: Interval | null): RemoteObject | null {
  if (row.kind !== 'entry') return null;
  return {
    remoteId: id,
    version: versionOf(row),
    contentHash: row.hash,
    reference: row.reference !== null && id === ownId(row.reference) ? row.reference : null,
    when: row.when,
    recurring: row.recurring,
    busy: window === null ? row.busy : cut(row, window),
    summary: row.title,
    modifiedAt: null,
  };
}

function cut({ busy }: Extract<Row, { kind: 'entry' }>, window: Interval): Interval[] {
  return busy
    .map(({ start, end }) => ({ start: Math.max(start, window.start), end: Math.min(end, window.end) }))
    .filter(({ start, end }) => start < end);
}
