import type { Capabilities } from '#connector-sdk';
import type { AgendaDocument } from './parts.js';

/** What holds of every document: the hub trusts nothing that no document has said. */
export const CAUTIOUS: Capabilities = {
  read: 'snapshot',
  maxWindowDays: null,
  push: 'none',
  write: 'full',
  hold: 'none',
  idempotency: 'none',
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
    refusesOverlap: behaviour.refusesOverlap,
    deleteMode: reading.delta?.deleted ? 'tombstone' : entry.status?.gone ? 'status' : 'absence',
    timeModel: times.format === 'local' ? 'naive' : 'instant',
    rateLimit: behaviour.callsPerMinute,
    freshnessTarget: behaviour.freshnessSeconds,
    settleMs: behaviour.settleSeconds * 1000,
  };
}
