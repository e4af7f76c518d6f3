import type { Interval } from '#domain';
import { CALDAV, CALENDAR_SERVER, DAV } from './multistatus.js';
import { escapeXml } from './xml.js';

const NAMES = `xmlns="${DAV}" xmlns:C="${CALDAV}" xmlns:CS="${CALENDAR_SERVER}"`;
const HEAD = '<?xml version="1.0" encoding="utf-8"?>';

function propfind(properties: string): string {
  return `${HEAD}<propfind ${NAMES}><prop>${properties}</prop></propfind>`;
}

const CALENDAR_PROPERTIES =
  '<resourcetype/><displayname/><current-user-privilege-set/><C:supported-calendar-component-set/><C:calendar-timezone/><C:schedule-calendar-transp/>';

/** What an address is, and whose: asked of whatever the administrator entered. */
export const WHO_AND_WHAT = propfind(`<current-user-principal/><C:calendar-home-set/>${CALENDAR_PROPERTIES}`);

export const PRINCIPAL = propfind('<C:calendar-home-set/><C:calendar-user-address-set/>');

export const CALENDARS = propfind(CALENDAR_PROPERTIES);

/** Version of a whole calendar (calendarserver.org caldav-ctag-03). */
export const CTAG = propfind('<CS:getctag/>');

/** Changes since a token, with what changed or without; all members for an empty one (RFC 6578 3.2). */
export function syncCollection(token: string, withData: boolean): string {
  const properties = withData ? '<getetag/><C:calendar-data/>' : '<getetag/>';
  return `${HEAD}<sync-collection ${NAMES}><sync-token>${escapeXml(token)}</sync-token><sync-level>1</sync-level><prop>${properties}</prop></sync-collection>`;
}

export function multiget(paths: readonly string[]): string {
  const hrefs = paths.map((path) => `<href>${escapeXml(path)}</href>`).join('');
  return `${HEAD}<C:calendar-multiget ${NAMES}><prop><getetag/><C:calendar-data/></prop>${hrefs}</C:calendar-multiget>`;
}

function calendarQuery(properties: string, condition: string): string {
  const filter = `<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">${condition}</C:comp-filter></C:comp-filter></C:filter>`;
  return `${HEAD}<C:calendar-query ${NAMES}><prop>${properties}</prop>${filter}</C:calendar-query>`;
}

/** Entity tags of the events of a calendar: of those that stand in `[start, end)` (RFC 4791 9.9), or of all. */
export function eventTags(window: Interval | null): string {
  const range = window && `<C:time-range start="${utc(window.start)}" end="${utc(window.end)}"/>`;
  return calendarQuery('<getetag/>', range ?? '');
}

/** Date with UTC time (RFC 5545 3.3.5, form 2). */
function utc(instant: number): string {
  return new Date(instant).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** Events with a UID (RFC 4791 7.8.6). */
export function eventsByUid(uid: string): string {
  const match = `<C:prop-filter name="UID"><C:text-match collation="i;octet">${escapeXml(uid)}</C:text-match></C:prop-filter>`;
  return calendarQuery('<getetag/><C:calendar-data/>', match);
}
