import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Interval } from '#domain';
import type { Client } from './client.js';
import { senseless } from './errors.js';
import { versions as schema } from './schemas.js';

const PAGE = 500;
const MAX_PAGES = 200;

/** The versions of the entries in a window, without what they hold. */
export async function versions(
  client: Client,
  { agendaId, window }: { readonly agendaId: string; readonly window: Interval },
  options: CallOptions,
): Promise<ReadonlyMap<string, string | null>> {
  const found = new Map<string, string | null>();
  let after: string | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const query = { from: window.start, to: window.end, after, limit: PAGE };
    const page = await client.json(schema, { method: 'GET', path: ['agendas', agendaId, 'versions'], query }, options);
    for (const { id, version } of page.items) found.set(id, String(version));
    if (page.next == null) return found;
    if (page.next === after) throw senseless(false, 200);
    after = page.next;
  }
  throw new ConnectorError('unavailable', 'the backend sends pages without end');
}
