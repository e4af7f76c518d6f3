import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Action } from '#domain';
import type { LinkRecord } from './model.js';
import type { Backend } from './ports.js';

type Stray = Extract<Action, { type: 'remove-stray' }>;

/**
 * Removes objects of dead appointments that a late write revived. `again`: some could not be removed. A certain no is not
 * asked for again: what it is about stays, for a person.
 */
export async function removeStrays(
  { link, backend }: { readonly link: LinkRecord; readonly backend: Backend },
  strays: readonly Stray[],
  deadline: () => CallOptions,
): Promise<{ readonly gone: readonly Action[]; readonly again: boolean }> {
  const gone: Action[] = [];
  let again = false;
  for (const { object } of strays) {
    const { remoteId, version } = object;
    const request = { agendaId: link.remoteAgendaId, reference: object.reference ?? '', remoteId, version };
    try {
      await backend.session.cancel(request, deadline());
      gone.push({ type: 'forget', remoteId });
    } catch (error) {
      if (!ConnectorError.is(error)) throw error;
      again ||= error.kind !== 'forbidden' && error.kind !== 'invalid';
    }
  }
  return { gone, again };
}
