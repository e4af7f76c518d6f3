import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type ConnectorContext,
  type CreateRequest,
  type InstanceChange,
  type Manners,
  type ProbeRequest,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type SeriesSplit,
  type Session,
  type UpdateRequest,
} from '#connector-sdk';
import type { Interval, RemoteObject } from '#domain';
import { ianaZone } from '#icalendar';
import { DavClient } from './client.js';
import type { Secrets, Settings } from './config.js';
import { Discovery } from './discovery.js';
import { withSlash } from './hrefs.js';
import { memberTags } from './listing.js';
import { Probe } from './probe.js';
import type { ObjectReading } from './reading.js';
import { CollectionSync, type Listings } from './sync.js';
import { CollectionWrites } from './writes.js';

const DAY = 86_400_000;
/** Busy time told of a series that is read outside a pull. */
const SERIES_WINDOW = { before: 31 * DAY, after: 400 * DAY };

/** A conversation with one CalDAV account. */
export class CaldavSession implements Session {
  readonly #client: DavClient;
  readonly #discovery: Discovery;
  readonly #settings: Settings;
  readonly #secrets: Secrets;
  readonly #listings: Listings = { withData: true, atOnce: true, late: false };
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
    const { window, timeZone } = request;
    if (ianaZone(timeZone) === null) throw new ConnectorError('invalid', 'an unknown time zone');
    const reading = async (answer: string | Uint8Array, call: CallOptions): Promise<ObjectReading> => {
      return { window, timeZone, addresses: await this.#addressesFor(answer, call) };
    };
    yield* new CollectionSync({ client: this.#client, listings: this.#listings, reading }, request).pull(options);
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

  store(request: CreateRequest | UpdateRequest, options: CallOptions): Promise<RemoteObject | null> {
    return this.#writes(request.agendaId, options).store(request, options);
  }

  changeInstance(request: InstanceChange, options: CallOptions): Promise<RemoteObject> {
    return this.#writes(request.agendaId, options).changeInstance(request, options);
  }

  splitSeries(
    request: SeriesSplit,
    options: CallOptions,
  ): Promise<{ before: RemoteObject; after: RemoteObject | null }> {
    return this.#writes(request.agendaId, options).splitSeries(request, options);
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

  probe({ agendaId, write }: ProbeRequest, options: CallOptions): Promise<Manners> {
    return new Probe(this.#client, agendaId).run({ write }, options);
  }

  close(): void {
    this.#client.close();
  }

  #writes(agendaId: string, options: CallOptions): CollectionWrites {
    const reading = async (body: string, timeZone: string | null): Promise<ObjectReading> => {
      const now = this.#client.now();
      const window = { start: now - SERIES_WINDOW.before, end: now + SERIES_WINDOW.after };
      return { window, seriesOnly: true, timeZone, addresses: await this.#addressesFor(body, options) };
    };
    return new CollectionWrites({ client: this.#client, reading }, agendaId);
  }

  async #addressesFor(text: string | Uint8Array, options: CallOptions): Promise<ReadonlySet<string>> {
    return tellsOfDeclining(text) ? this.#ownAddresses(options) : new Set();
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

/** Characters of an answer looked through at a time. */
const AT_A_TIME = 64 * 1024;
const DECLINED = 'DECLINED';

function tellsOfDeclining(text: string | Uint8Array): boolean {
  for (let at = 0; at < text.length; at += AT_A_TIME) {
    const to = at + AT_A_TIME + DECLINED.length;
    const piece = typeof text === 'string' ? text.slice(at, to) : Buffer.from(text.subarray(at, to)).toString('latin1');
    if (/DECLINED/i.test(piece)) return true;
  }
  return false;
}
