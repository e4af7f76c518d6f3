import { ConnectorError, type CallOptions, type RemoteAgenda } from '#connector-sdk';
import type { Client } from './client.js';
import { isKind, senseless } from './errors.js';
import { describeCalendar } from './requests.js';
import { calendarList } from './schemas.js';

const PAGE = 250;
const MAX_PAGES = 40;
const FIELDS = 'kind,nextPageToken,items(id,summary,summaryOverride,timeZone,accessRole,deleted)';
/** `writerWithoutPrivateAccess` is not among them: it could not read back what it wrote. */
const WRITERS: ReadonlySet<string | null | undefined> = new Set(['writer', 'owner']);

/** The account's calendar list, and those that are only shared with it (a service account's list does not hold them). */
export async function listCalendars(
  client: Client,
  sharedIds: readonly string[],
  options: CallOptions,
): Promise<readonly RemoteAgenda[]> {
  const listed = await readList(client, options);
  const known = new Set(listed.map(({ id }) => id));
  const shared: RemoteAgenda[] = [];
  for (const id of sharedIds) {
    if (known.has(id)) continue;
    const found = await describeCalendar(client, id, options).catch((error: unknown) => {
      if (isKind(error, 'invalid', 'forbidden')) return null;
      throw error;
    });
    if (found === null) continue;
    const { summary, timeZone, accessRole } = found;
    shared.push({ id, name: summary ?? id, writable: WRITERS.has(accessRole), timeZone: timeZone ?? null });
  }
  return [...listed, ...shared];
}

async function readList(client: Client, options: CallOptions): Promise<RemoteAgenda[]> {
  const found: RemoteAgenda[] = [];
  let pageToken: string | undefined;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const parameters = { maxResults: PAGE, fields: FIELDS, ...(pageToken === undefined ? {} : { pageToken }) };
    const page = await client.read(calendarList, (api, via) => api.calendarList.list(parameters, via), options);
    for (const { id, summary, summaryOverride, timeZone, accessRole, deleted } of page.items) {
      if (deleted === true) continue;
      const name = summaryOverride ?? summary ?? id;
      found.push({ id, name, writable: WRITERS.has(accessRole), timeZone: timeZone ?? null });
    }
    if (page.nextPageToken == null) return found;
    if (page.nextPageToken === pageToken) throw senseless(false, 200);
    pageToken = page.nextPageToken;
  }
  throw new ConnectorError('unavailable', 'Google sends pages without end');
}
