import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type ConnectorContext,
  type CreateRequest,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type Session,
  type UpdateRequest,
} from '#connector-sdk';
import type { Interval, RemoteObject } from '#domain';
import { ianaZone, isRecurring, UTC, type CalendarEvent, type Reading } from '#icalendar';
import { DavClient } from './client.js';
import type { Secrets, Settings } from './config.js';
import { Discovery } from './discovery.js';
import { withSlash } from './hrefs.js';
import { memberTags } from './listing.js';
import { CollectionSync } from './sync.js';
import { CollectionWrites } from './writes.js';

const DAY = 86_400_000;
/** Busy time told of a series that is read outside a pull. */
const SERIES_WINDOW = { before: 31 * DAY, after: 400 * DAY };
const ALWAYS = { start: -8e15, end: 8e15 };

/** A conversation with one CalDAV account. */
export class CaldavSession implements Session {
  readonly #client: DavClient;
  readonly #discovery: Discovery;
  readonly #settings: Settings;
  readonly #secrets: Secrets;
  #addresses: ReadonlySet<string> | null = null;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new DavClient(settings, secrets, context);
    this.#discovery = new Discovery(this.#client, settings);
    this.#settings = settings;
    this.#secrets = secrets;
  }

  async verify(options: CallOptions): Promise<{ account: string }> {
    const { principal, calendar } = await this.#discovery.account(options);
    if (this.#secrets.auth.type === 'basic') return { account: this.#secrets.auth.username };
    return { account: principal?.pathname ?? calendar?.id ?? this.#client.base.pathname };
  }

  listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    return this.#discovery.calendars(options);
  }

  async *pull(request: PullRequest, options: CallOptions): AsyncGenerator<PullItem> {
    const local = ianaZone(request.timeZone);
    if (local === null) throw new ConnectorError('invalid', 'an unknown time zone');
    const reading = async (answer: string, call: CallOptions): Promise<Reading> => {
      const declined = /DECLINED/i.test(answer);
      return { window: request.window, local, addresses: declined ? await this.#ownAddresses(call) : new Set() };
    };
    yield* new CollectionSync({ client: this.#client, reading }, request).pull(options);
  }

  versions(
    { agendaId, window }: { readonly agendaId: string; readonly window: Interval },
    options: CallOptions,
  ): Promise<ReadonlyMap<string, string | null>> {
    const collection = this.#client.resolve(withSlash(agendaId));
    return memberTags({ client: this.#client, collection }, window, options);
  }

  create(request: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    return this.#writes(request.agendaId, options).create(request, options);
  }

  update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    return this.#writes(request.agendaId, options).update(request, options);
  }

  cancel(request: CancelRequest, options: CallOptions): Promise<void> {
    return this.#writes(request.agendaId, options).cancel(request, options);
  }

  find(
    { agendaId, reference }: { readonly agendaId: string; readonly reference: string },
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    return this.#writes(agendaId, options).find(reference, options);
  }

  close(): void {
    this.#client.close();
  }

  #writes(agendaId: string, options: CallOptions): CollectionWrites {
    const reading = async (events: readonly CalendarEvent[], timeZone: string | null): Promise<Reading> => {
      const now = this.#client.now();
      const series = { start: now - SERIES_WINDOW.before, end: now + SERIES_WINDOW.after };
      const zone =
        (timeZone === null ? null : ianaZone(timeZone)) ?? events.find(({ start }) => start.zone)?.start.zone ?? UTC;
      const declined = events.some((event) => event.declined.length > 0);
      return {
        window: isRecurring(events) ? series : ALWAYS,
        local: zone,
        addresses: declined ? await this.#ownAddresses(options) : new Set(),
      };
    };
    return new CollectionWrites({ client: this.#client, reading }, agendaId);
  }

  /**
   * The account's addresses: as entered, else asked for once, and only when an event is seen that somebody declined.
   * When they cannot be told the event stays busy.
   */
  async #ownAddresses(options: CallOptions): Promise<ReadonlySet<string>> {
    if (this.#addresses) return this.#addresses;
    const { auth } = this.#secrets;
    const entered = [
      ...(this.#settings.addresses ?? []),
      ...(auth.type === 'basic' && auth.username.includes('@') ? [auth.username] : []),
    ];
    const set = (more: readonly string[]): Set<string> =>
      new Set([...entered, ...more].map((address) => address.toLowerCase()));
    if (entered.length > 0) return (this.#addresses = set([]));
    try {
      return (this.#addresses = set((await this.#discovery.account(options)).addresses));
    } catch {
      return set([]);
    }
  }
}
