import { ConnectorError, type CallOptions, type RemoteAgenda } from '#connector-sdk';
import { contentLines, valueOf, wellKnown } from '#icalendar';
import type { DavClient, DavListing } from './client.js';
import type { Settings } from './config.js';
import { pathOf, withSlash } from './hrefs.js';
import { caldav, CALENDAR_SERVER, dav, type DavResponse } from './multistatus.js';
import { CALENDARS, PRINCIPAL, WHO_AND_WHAT } from './requests.js';
import { announcedAddress, type ServiceNames } from './services.js';
import { childOf, type XmlElement } from './xml.js';

const WELL_KNOWN = '/.well-known/caldav';

/** What the account's address leads to. */
interface Account {
  /** The principal's URL; `null` when the server names none. */
  readonly principal: URL | null;
  /** Collections that hold the calendars; may be several. */
  readonly homes: readonly URL[];
  /** The calendar itself, when the address entered is one. */
  readonly calendar: RemoteAgenda | null;
  readonly addresses: readonly string[];
}

/** Finds the account behind the address entered (RFC 6764 6, RFC 5397, RFC 4791 6.2.1), and its calendars. */
export class Discovery {
  readonly #client: DavClient;
  readonly #settings: Settings;
  readonly #dns: ServiceNames | undefined;

  constructor(client: DavClient, settings: Settings, dns?: ServiceNames) {
    this.#client = client;
    this.#settings = settings;
    this.#dns = dns;
  }

  async account(options: CallOptions): Promise<Account> {
    const listing = await this.#entry(options);
    const self = listing.responses[0];
    if (!self) throw new ConnectorError('unavailable', 'the server says nothing about the address');
    const principal = this.#principalOf(listing, self);
    const calendar = agendaOf(listing.url, self, this.#client.base);
    let homes = this.#urls(listing.url, self.properties.get(caldav('calendar-home-set')));
    let addresses: readonly string[] = [];
    if (principal) {
      const { url, responses } = await this.#propfind(principal.href, PRINCIPAL, options);
      const found = responses[0];
      if (homes.length === 0) homes = this.#urls(url, found?.properties.get(caldav('calendar-home-set')));
      addresses = addressesOf(found?.properties.get(caldav('calendar-user-address-set')));
    }
    if (this.#settings.calendarHome !== undefined) homes = [new URL(this.#settings.calendarHome)];
    return { principal, calendar, homes: homes.length > 0 ? homes : [listing.url], addresses };
  }

  async calendars(options: CallOptions): Promise<RemoteAgenda[]> {
    const { calendar, homes } = await this.account(options);
    if (calendar) return [calendar];
    const found = new Map<string, RemoteAgenda>();
    for (const home of homes) {
      if (!this.#client.isTrusted(home)) {
        throw new ConnectorError('invalid', 'the calendars are on another host: enter the address of the calendars');
      }
      const { url, responses } = await this.#propfind(home.href, CALENDARS, options, '1');
      for (const response of responses) {
        const agenda = agendaOf(url, response, this.#client.base);
        if (agenda) found.set(agenda.id, agenda);
      }
    }
    return [...found.values()];
  }

  /** A bare host is asked by its well-known address first; any other address speaks for itself if it can. */
  async #entry(options: CallOptions): Promise<DavListing> {
    const given = this.#settings.url;
    const order = new URL(given).pathname === '/' ? [WELL_KNOWN, given] : [given, WELL_KNOWN];
    let failure: unknown;
    let fallback: DavListing | undefined;
    for (const url of order) {
      try {
        const listing = await this.#propfind(url, WHO_AND_WHAT, options);
        const self = listing.responses[0];
        if (self && leadsOn(self)) return listing;
        fallback ??= listing;
      } catch (error) {
        failure ??= error;
        if (isSilent(error)) break;
        if (!isAnswer(error)) throw error;
      }
    }
    const found = (await this.#announced(options)) ?? fallback;
    if (found) return found;
    throw failure;
  }

  /**
   * What the domain of a bare host announces. Whoever can forge its records must not be sent the password: another host
   * is named to the administrator, and only asked once he enters it (RFC 6764 8).
   */
  async #announced(options: CallOptions): Promise<DavListing | null> {
    const { protocol, hostname, pathname } = this.#client.base;
    const url = protocol === 'https:' && pathname === '/' ? await announcedAddress(hostname, this.#dns) : null;
    if (url === null || (url.origin === this.#client.base.origin && url.pathname === WELL_KNOWN)) return null;
    if (!this.#client.isTrusted(url))
      throw new ConnectorError('invalid', `${hostname} has its calendars elsewhere: enter the address ${url.href}`);
    const listing = await this.#propfind(url.href, WHO_AND_WHAT, options);
    return listing.responses[0] !== undefined && leadsOn(listing.responses[0]) ? listing : null;
  }

  #propfind(url: string, body: string, options: CallOptions, depth: '0' | '1' = '0'): Promise<DavListing> {
    return this.#client.multistatus({ method: 'PROPFIND', url, depth, body }, options);
  }

  #principalOf({ url }: DavListing, self: DavResponse): URL | null {
    const element = self.properties.get(dav('current-user-principal'));
    if (childOf(element, dav('unauthenticated'))) throw new ConnectorError('auth', 'the server takes us for nobody');
    return this.#urls(url, element)[0] ?? null;
  }

  /** Addresses in a property, as seen from where it was read; those of other hosts only if they may be asked. */
  #urls(base: URL, property: XmlElement | undefined): URL[] {
    const hrefs = property?.children.filter(({ name }) => name === dav('href')).map(({ text }) => text.trim()) ?? [];
    return hrefs.filter((href) => href !== '' && URL.canParse(href, base.href)).map((href) => new URL(href, base));
  }
}

/** Nothing answers there at all. */
const isSilent = (error: unknown): boolean =>
  ConnectorError.is(error) && error.status === undefined && error.kind === 'unavailable';

/** The server answered, and not that it does not believe us. */
const isAnswer = (error: unknown): boolean =>
  ConnectorError.is(error) && error.status !== undefined && error.kind !== 'auth';

function leadsOn({ properties }: DavResponse): boolean {
  const names = [dav('current-user-principal'), caldav('calendar-home-set')];
  return names.some((name) => (properties.get(name)?.children.length ?? 0) > 0) || isCalendar(properties);
}

function addressesOf(property: XmlElement | undefined): string[] {
  const texts = property?.children.map(({ text }) => text.trim().toLowerCase()) ?? [];
  return texts.filter((text) => text.startsWith('mailto:')).map((text) => text.slice('mailto:'.length));
}

/**
 * Kinds of collection that look like calendars but take no events (CalDAV scheduling, subscriptions, trash). Not the
 * outbox: one is never a calendar (RFC 6638 2.1), yet a server names it beside the calendar it sends for.
 */
const NO_CALENDAR = new Set([
  caldav('schedule-inbox'),
  `{${CALENDAR_SERVER}}subscribed`,
  '{http://nextcloud.com/ns}deleted-calendar',
  '{http://nextcloud.com/ns}trash-bin',
]);

function isCalendar(properties: DavResponse['properties']): boolean {
  const types = properties.get(dav('resourcetype'))?.children.map(({ name }) => name) ?? [];
  if (!types.includes(caldav('calendar')) || types.some((type) => NO_CALENDAR.has(type))) return false;
  const components = properties.get(caldav('supported-calendar-component-set'));
  // No set means all components (RFC 4791 5.2.3).
  return (
    components === undefined ||
    components.children.some(({ nameAttribute }) => nameAttribute?.toUpperCase() === 'VEVENT')
  );
}

/** A calendar that holds events; `null` for any other resource. */
function agendaOf(url: URL, { href, properties }: DavResponse, base: URL): RemoteAgenda | null {
  const path = pathOf(href, url);
  if (path === null || !isCalendar(properties)) return null;
  const id = withSlash(path);
  const name = properties.get(dav('displayname'))?.text.trim() ?? '';
  return {
    id: url.origin === base.origin ? id : new URL(id, url).href,
    name: name === '' ? (decoded(id).split('/').at(-2) ?? id) : name,
    writable: isWritable(properties.get(dav('current-user-privilege-set'))),
    timeZone: zoneOf(properties.get(caldav('calendar-timezone'))?.text),
    ...(isTransparent(properties.get(caldav('schedule-calendar-transp'))) ? { neverBusy: true } : {}),
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Without the property a server says nothing: a write will tell (RFC 3744 5.4). */
function isWritable(property: XmlElement | undefined): boolean {
  if (property === undefined) return true;
  const held = new Set(property.children.flatMap((privilege) => privilege.children.map(({ name }) => name)));
  const has = (local: string): boolean => held.has(dav(local));
  return has('all') || has('write') || (has('write-content') && has('bind'));
}

/** RFC 6638 9.1; without the property a calendar is opaque. */
function isTransparent(property: XmlElement | undefined): boolean {
  return childOf(property, caldav('transparent')) !== undefined;
}

function zoneOf(definition: string | undefined): string | null {
  if (definition === undefined || definition === '') return null;
  try {
    const line = contentLines(definition).find(({ name }) => name === 'TZID');
    return line ? (wellKnown(valueOf(line))?.name ?? null) : null;
  } catch {
    return null;
  }
}
