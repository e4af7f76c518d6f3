import { ConnectorError, type CallOptions } from '#connector-sdk';
import type { Interval } from '#domain';
import type { DavClient, DavListing, DavRequest } from './client.js';
import { normalTag, pathOf, withSlash } from './hrefs.js';
import { dav } from './multistatus.js';
import { eventTags } from './requests.js';

/** Listings that are asked for before a calendar counts as gone. */
const ATTEMPTS = 3;

/** A member that goes while its listing is made turns the whole answer into a 404 at some servers (SabreDAV 1.8). */
async function listed(client: DavClient, request: DavRequest, options: CallOptions): Promise<DavListing> {
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    try {
      return await client.multistatus(request, options);
    } catch (error) {
      if (left === 0 || !ConnectorError.is(error) || error.kind !== 'not_found') throw error;
    }
  }
}

/**
 * Paths of the events of a collection with their entity tags, `null` where the server gives none; of those that stand in
 * `window` (epoch milliseconds, `[start, end)`), series by their instances, or of all. Throws rather than pass a listing
 * off as whole that the server cut short (507 for the collection, RFC 4791 7.8) or that it cannot make.
 */
export async function memberTags(
  { client, collection }: { readonly client: DavClient; readonly collection: URL },
  window: Interval | null,
  options: CallOptions,
): Promise<Map<string, string | null>> {
  const body = eventTags(window);
  const request: DavRequest = { method: 'REPORT', url: collection.href, depth: '1', body, isListing: true };
  const { url, responses } = await listed(client, request, options);
  const itself = pathOf(url.pathname, url);
  const tags = new Map<string, string | null>();
  for (const { href, properties, status } of responses) {
    const path = pathOf(href, url);
    if (path === null) continue;
    const isMember = !path.endsWith('/') && withSlash(path) !== itself;
    if (!isMember && status === 507)
      throw new ConnectorError('unavailable', 'the server cut its listing short', { status });
    if (isMember && status !== 404) tags.set(path, normalTag(properties.get(dav('getetag'))?.text));
  }
  return tags;
}
