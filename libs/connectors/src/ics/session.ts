import { createHash } from 'node:crypto';
import {
  ConnectorError,
  type CallOptions,
  type ConnectorContext,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type Session,
} from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { ianaZone } from '#icalendar';
import { readApart } from './apart.js';
import { FeedClient, type Fetched } from './client.js';
import type { Secrets, Settings } from './config.js';
import { readCursor, writeCursor, type Cursor } from './cursor.js';
import { aboutFeed, feedParts, withReference, type FeedReading } from './reading.js';

/** The one agenda of a feed. */
const AGENDA = 'feed';
const DAY = 86_400_000;
/** Busy time told of an object that is looked for outside a pull. */
const LOOK = { before: 31 * DAY, after: 400 * DAY };

/** A conversation with one published calendar. */
export class FeedSession implements Session {
  readonly #client: FeedClient;
  readonly #context: ConnectorContext;
  readonly #addresses: ReadonlySet<string>;
  /** Names what is read and how, without telling the address. */
  readonly #source: string;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new FeedClient(secrets, context);
    this.#context = context;
    this.#addresses = new Set(settings.addresses?.map((address) => address.toLowerCase()));
    this.#source = digest(JSON.stringify([secrets.url, [...this.#addresses]])).slice(0, 22);
  }

  async verify(options: CallOptions): Promise<{ account: string }> {
    await this.#about(options);
    return { account: this.#client.address.hostname };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const { name, timeZone } = await this.#about(options);
    return [{ id: AGENDA, name: name ?? this.#client.address.hostname, writable: false, timeZone }];
  }

  /**
   * Either nothing has changed, which ends an empty delta, or the whole feed is read, as a complete listing of the
   * window. A window that has moved is always read anew: what lay beyond the old one was never looked at.
   */
  async *pull(request: PullRequest, options: CallOptions): AsyncGenerator<PullItem> {
    const reading = this.#reading(request);
    const read = `${this.#source} ${String(request.window.start)} ${String(request.window.end)} ${request.timeZone}`;
    const last = readCursor(request.cursor);
    const base = last?.read === read ? last : null;
    const fetched = await this.#client.fetch(base, options);
    const cursor = fetched === null ? base : cursorOf(fetched, read);
    if (fetched === null || cursor?.body === base?.body) {
      yield { type: 'end', cursor: cursor && writeCursor(cursor), complete: null };
      return;
    }
    const input = { body: fetched.body, reading, known: await request.known(), anew: base === null };
    const present = yield* this.#parts(input, options);
    yield { type: 'end', cursor: cursor && writeCursor(cursor), complete: { window: request.window, present } };
  }

  /** What is new in a feed; returns the ids of what is there. */
  async *#parts(input: Parameters<typeof feedParts>[0], options: CallOptions): AsyncGenerator<PullItem, Set<string>> {
    const present = new Set<string>();
    for await (const part of readApart(feedParts, input, options)) {
      for (const id of part.present) present.add(id);
      if (part.changes.length > 0) yield { type: 'changes', changes: part.changes };
    }
    return present;
  }

  create(): Promise<never> {
    return readOnly();
  }

  update(): Promise<never> {
    return readOnly();
  }

  cancel(): Promise<never> {
    return readOnly();
  }

  /** What the hub wrote elsewhere may come back through a feed. */
  async find(
    { agendaId, reference }: { readonly agendaId: string; readonly reference: string },
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    const now = this.#context.now();
    const window = { start: now - LOOK.before, end: now + LOOK.after };
    const reading = this.#reading({ agendaId, window, timeZone: 'UTC' });
    const body = await this.#body(options);
    for await (const object of readApart(withReference, { body, reading, reference }, options)) return object;
    return null;
  }

  close(): void {
    this.#client.close();
  }

  async #about(options: CallOptions): Promise<{ name: string | null; timeZone: string | null }> {
    const body = await this.#body(options);
    for await (const about of readApart(aboutFeed, { body }, options)) return about;
    return { name: null, timeZone: null };
  }

  async #body(options: CallOptions): Promise<Uint8Array> {
    return (await this.#client.fetch(null, options))?.body ?? new Uint8Array();
  }

  #reading({ agendaId, window, timeZone }: Pick<PullRequest, 'agendaId' | 'window' | 'timeZone'>): FeedReading {
    if (agendaId !== AGENDA) throw new ConnectorError('not_found', 'a feed holds one agenda only');
    if (ianaZone(timeZone) === null) throw new ConnectorError('invalid', 'an unknown time zone');
    return { window, timeZone, addresses: this.#addresses };
  }
}

function cursorOf({ body, etag, lastModified }: Fetched, read: string): Cursor {
  return { read, etag, lastModified, body: digest(body) };
}

function digest(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url');
}

function readOnly(): Promise<never> {
  return Promise.reject(new ConnectorError('forbidden', 'a published calendar cannot be written'));
}
