import type { Capabilities } from '#connector-sdk';
import type { AgendaDocument } from './parts.js';
import { namesIn } from './templates.js';

/** What holds of every document: the hub trusts nothing that no document has said. */
export const CAUTIOUS: Capabilities = {
  read: 'snapshot',
  maxWindowDays: null,
  push: 'none',
  write: 'full',
  hold: 'none',
  idempotency: 'none',
  conditionalWrites: false,
  refusesOverlap: false,
  deleteMode: 'absence',
  timeModel: 'naive',
  idStability: 'stable',
  availability: 'hub',
  audience: 'none',
  rateLimit: null,
  freshnessTarget: 120,
  settleMs: 120_000,
};

/** What the agenda of one document can do: told by its parts, and promised by its `behaviour`. */
export function capabilitiesOf({ reading, writing, entry, times, behaviour }: AgendaDocument): Capabilities {
  return {
    ...CAUTIOUS,
    read: reading.delta ? 'cursor' : 'snapshot',
    write: writing ? 'full' : 'none',
    idempotency: behaviour.idempotency,
    conditionalWrites: writing !== undefined && sendsVersion(writing.update) && sendsVersion(writing.cancel),
    refusesOverlap: behaviour.refusesOverlap,
    deleteMode: reading.delta?.deleted ? 'tombstone' : entry.status?.gone ? 'status' : 'absence',
    timeModel: times.format === 'local' ? 'naive' : 'instant',
    rateLimit: behaviour.callsPerMinute,
    freshnessTarget: behaviour.freshnessSeconds,
    settleMs: behaviour.settleSeconds * 1000,
  };
}

/** What is sent names the state it is meant for, so that the agenda can refuse it when it lands late. */
function sendsVersion({ path, headers, body = {} }: Sent): boolean {
  const texts = [path, ...Object.values(headers), ...Object.values(body).filter((value) => typeof value === 'string')];
  return namesIn(texts.join(' ')).includes('version');
}

interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
}
