import type { Interval } from '#domain';
import type { Settings } from './config.js';
import { icsSnapshot } from './ics-snapshot.js';
import { csvSnapshot, type Snapshot } from './snapshot.js';

/** Rows told at a time. */
const AT_A_TIME = 500;

/** What an export says, a part of its rows at a time; called in a thread. Throws as the readers of the formats do. */
export function* snapshotParts({
  format,
  text,
  agendaId,
  zone,
  window,
}: {
  readonly format: Settings['format'];
  readonly text: string;
  readonly agendaId: string;
  readonly zone: string;
  readonly window: Interval | null;
}): Generator<Snapshot> {
  const { rows, ...about } =
    format === 'csv' ? csvSnapshot(text, agendaId, zone) : icsSnapshot(text, { agendaId, zone, window });
  for (let at = 0; at === 0 || at < rows.length; at += AT_A_TIME)
    yield { ...about, rows: rows.slice(at, at + AT_A_TIME) };
}
