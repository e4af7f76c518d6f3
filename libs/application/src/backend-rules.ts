import type { CallOptions } from '#connector-sdk';
import type { Interval } from '#domain';
import type { LinkRecord } from './model.js';
import type { Backend, SyncStore } from './ports.js';

/** A backend's own rules seldom change. */
const RULES_MS = 10 * 60_000;

interface Remote {
  readonly link: LinkRecord;
  readonly backend: Backend;
}

/** Whether what the backend itself lets be booked is to be looked at again. */
export function areRulesDue({ link, backend }: Remote): boolean {
  if (link.direction !== 'two-way' || backend.session.rules === undefined) return false;
  return link.rulesAgeMs === null || link.rulesAgeMs >= RULES_MS;
}

/** Keeps what the backend lets be booked beside the practitioner's rules here. Throws ConnectorError: what it said before stands. */
export async function readBackendRules(
  { link, backend }: Remote,
  window: Interval,
  via: { readonly store: SyncStore; readonly options: CallOptions },
): Promise<void> {
  const request = { agendaId: link.remoteAgendaId, window, timeZone: link.timeZone };
  const rules = await backend.session.rules?.(request, via.options);
  if (rules !== undefined) await via.store.putBackendRules(link, rules, window.end);
}
