import {
  ConnectorError,
  type CallOptions,
  type CancelRequest,
  type ConnectorContext,
  type CreateRequest,
  type HoldRequest,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type RemoteContent,
  type Session,
  type SubscribeRequest,
  type Subscription,
  type UpdateRequest,
  orGone,
  proven,
  unproven,
} from '#connector-sdk';
import type { BackendRules, Interval, RemoteObject } from '#domain';
import { Client } from './client.js';
import { certificateIn, type Secrets, type Settings } from './config.js';
import { senseless } from './errors.js';
import { toRemoteObject } from './mapping.js';
import { parsePush } from './push.js';
import { pull } from './pull.js';
import { versions } from './versions.js';
import * as schemas from './schemas.js';

interface Named {
  readonly agendaId: string;
  readonly reference: string;
}

/** A conversation with one account of the in-house agenda. */
export class InHouseSession implements Session {
  readonly #client: Client;
  readonly #certificate: string | undefined;
  readonly #now: () => number;
  /** Only where the agenda keeps intervals. */
  readonly hold?: NonNullable<Session['hold']>;
  readonly parsePush = parsePush;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new Client(settings, secrets, context);
    this.#certificate = secrets.certificate;
    this.#now = () => context.now();
    if (settings.leases === true) this.hold = (request, options) => this.#lease(request, options);
  }

  /** A certificate that has ended is told by itself: what a server says of it differs from one to the next. */
  async verify(options: CallOptions): Promise<{ readonly account: string; readonly expiresAt: number | null }> {
    const ends = this.#certificate === undefined ? undefined : certificateIn(this.#certificate)?.validTo;
    const expiresAt = ends === undefined ? null : Date.parse(ends);
    if (expiresAt !== null && expiresAt <= this.#now())
      throw new ConnectorError(
        'auth',
        `the client certificate ended on ${new Date(expiresAt).toISOString().slice(0, 10)}`,
      );
    const { account } = await this.#client.json(schemas.account, { method: 'GET', path: ['account'] }, options);
    return { account, expiresAt };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const found: RemoteAgenda[] = [];
    let after: string | undefined;
    do {
      const page = await this.#client.json(
        schemas.agendas,
        { method: 'GET', path: ['agendas'], query: { after } },
        options,
      );
      for (const { id, name, zone, writable } of page.items)
        found.push({ id, name, writable: writable ?? false, timeZone: zone ?? null });
      if (page.next != null && page.next === after) throw senseless(false, 200);
      after = page.next ?? undefined;
    } while (after !== undefined);
    return found;
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull({ client: this.#client, request, options });
  }

  versions(
    request: { readonly agendaId: string; readonly window: Interval },
    options: CallOptions,
  ): Promise<ReadonlyMap<string, string | null>> {
    return versions(this.#client, request, options);
  }

  async rules(
    { agendaId, window }: { readonly agendaId: string; readonly window: Interval },
    options: CallOptions,
  ): Promise<BackendRules> {
    const query = { from: window.start, to: window.end };
    const path = ['agendas', agendaId, 'rules'];
    const told = await this.#client.json(schemas.rules, { method: 'GET', path, query }, options);
    const age = told.ages && { minYears: told.ages.min, maxYears: told.ages.max };
    return { newPatients: told.newPatients, age, openings: told.openings };
  }

  async create({ agendaId, reference, content }: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    const written = await this.#client.json(
      schemas.entry,
      {
        method: 'POST',
        path: ['agendas', agendaId, 'entries'],
        headers: { 'idempotency-key': reference },
        body: { ...shown(content), reference },
      },
      options,
    );
    return this.#readBack(agendaId, written.id, options);
  }

  async update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    const { agendaId, remoteId } = request;
    const version = request.version ?? (await this.#get(agendaId, remoteId, options)).version;
    await this.#client.json(
      schemas.entry,
      {
        method: 'PATCH',
        path: ['agendas', agendaId, 'entries', remoteId],
        headers: ifMatch(version),
        body: shown(request.content),
      },
      options,
    );
    return this.#readBack(agendaId, remoteId, options);
  }

  async cancel({ agendaId, reference, remoteId, version }: CancelRequest, options: CallOptions): Promise<void> {
    const id = remoteId ?? (await this.find({ agendaId, reference }, options))?.remoteId;
    if (id === undefined) return this.#release({ agendaId, reference }, options);
    const headers = version === null ? {} : ifMatch(version);
    try {
      await this.#client.nothing({ method: 'DELETE', path: ['agendas', agendaId, 'entries', id], headers }, options);
    } catch (error) {
      if (isGone(error)) return;
      throw error;
    }
    if (await this.#stillThere(agendaId, id, options)) throw unproven('the entry is still there after its deletion');
  }

  async find({ agendaId, reference }: Named, options: CallOptions): Promise<RemoteObject | null> {
    const page = await this.#client.json(
      schemas.listing.extend({ items: schemas.entry.array() }),
      { method: 'GET', path: ['agendas', agendaId, 'entries'], query: { reference } },
      options,
    );
    const found = page.items.find((entry) => entry.reference === reference);
    return found ? toRemoteObject(found, null) : null;
  }

  async subscribe({ agendaId, callbackUrl, secret }: SubscribeRequest, options: CallOptions): Promise<Subscription> {
    const body = { url: callbackUrl, secret };
    const made = await this.#client.json(
      schemas.subscription,
      { method: 'POST', path: ['agendas', agendaId, 'subscriptions'], body },
      options,
    );
    return { id: made.id, expiresAt: made.expiresAt ?? null };
  }

  async renew(
    request: SubscribeRequest & { readonly subscriptionId: string },
    options: CallOptions,
  ): Promise<Subscription> {
    const body = { url: request.callbackUrl, secret: request.secret };
    const path = ['subscriptions', request.subscriptionId, 'renew'];
    const made = await this.#client.json(schemas.subscription, { method: 'POST', path, body }, options);
    return { id: made.id, expiresAt: made.expiresAt ?? null };
  }

  async unsubscribe({ subscriptionId }: { readonly subscriptionId: string }, options: CallOptions): Promise<void> {
    try {
      await this.#client.nothing({ method: 'DELETE', path: ['subscriptions', subscriptionId] }, options);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  close(): void {
    this.#client.close();
  }

  /** Asked again under one reference, the agenda keeps it from now on, and where it is said now. */
  #lease({ agendaId, reference, when: { start, end } }: HoldRequest, options: CallOptions): Promise<{ until: number }> {
    const path = ['agendas', agendaId, 'leases', reference];
    return this.#client.json(schemas.lease, { method: 'PUT', path, body: { start, end } }, options);
  }

  async #release({ agendaId, reference }: Named, options: CallOptions): Promise<void> {
    if (this.hold === undefined) return;
    const path = ['agendas', agendaId, 'leases', reference];
    await orGone(this.#client.nothing({ method: 'DELETE', path }, options));
  }

  #get(agendaId: string, id: string, options: CallOptions): Promise<schemas.Entry> {
    return this.#client.json(schemas.entry, { method: 'GET', path: ['agendas', agendaId, 'entries', id] }, options);
  }

  /** The write was accepted; whatever now prevents reading it leaves its outcome unproven. */
  async #readBack(agendaId: string, id: string, options: CallOptions): Promise<RemoteObject> {
    const entry = await proven('the entry was written but could not be read back', this.#get(agendaId, id, options));
    return toRemoteObject(entry, null);
  }

  async #stillThere(agendaId: string, id: string, options: CallOptions): Promise<boolean> {
    const message = 'the entry was deleted but this could not be checked';
    return (await proven(message, orGone(this.#get(agendaId, id, options)))) !== null;
  }
}

function shown({ start, end, summary }: RemoteContent): object {
  return { start, end, title: summary };
}

function ifMatch(version: string | number): Record<string, string> {
  return { 'if-match': `"${String(version)}"` };
}

function isGone(error: unknown): boolean {
  return ConnectorError.is(error) && error.kind === 'not_found';
}
