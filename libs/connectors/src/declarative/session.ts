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
import { isTimeZone, type RemoteObject } from '#domain';
import { Client } from './client.js';
import type { Secrets, Settings } from './config.js';
import { unlike } from './errors.js';
import { idOf, textOf } from './mapping.js';
import { pages } from './pages.js';
import type { AgendaDocument } from './parts.js';
import { at } from './paths.js';
import { pull } from './pull.js';
import { Reader } from './reader.js';
import { Writer } from './writer.js';

type Listed = Extract<AgendaDocument['agendas'], { kind: 'list' }>;

/** A conversation with an agenda that a document describes. */
export class DeclarativeSession implements Session {
  readonly #client: Client;
  readonly #document: AgendaDocument;
  readonly #reader: Reader;
  readonly #writer: Writer;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new Client(settings, secrets, context);
    this.#document = settings.document;
    this.#reader = new Reader(settings.document, this.#client);
    this.#writer = new Writer(this.#reader, () => context.now());
  }

  /** Without an account to ask, that the agendas can be listed is what shows that the credentials are good. */
  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    const { account } = this.#document;
    if (!account) {
      await this.#probe(options);
      return { account: this.#client.host };
    }
    const answer = await this.#client.json('account', { method: 'GET', path: account.path, values: {} }, options);
    const name = textOf(at(answer, account.name));
    if (name === null) throw unlike('account.name', { write: false });
    return { account: name };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const { agendas, times } = this.#document;
    const zone = times.format === 'local' ? times.zone : null;
    if (agendas.kind === 'fixed')
      return agendas.agendas.map((one) => ({ ...one, writable: this.#writes, timeZone: zone }));
    const found: RemoteAgenda[] = [];
    const walk = { client: this.#client, options, where: 'agendas', listing: agendas, values: {} };
    for await (const { items } of pages(walk)) for (const item of items) found.push(this.#agenda(agendas, item, zone));
    return found;
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull({ reader: this.#reader, request, options });
  }

  create(request: CreateRequest, options: CallOptions): Promise<RemoteObject> {
    return this.#writer.create(request, options);
  }

  update(request: UpdateRequest, options: CallOptions): Promise<RemoteObject> {
    return this.#writer.update(request, options);
  }

  cancel(request: CancelRequest, options: CallOptions): Promise<void> {
    return this.#writer.cancel(request, options);
  }

  async find(
    { agendaId, reference }: { agendaId: string; reference: string },
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    return this.#document.writing ? this.#writer.find(agendaId, reference, options) : null;
  }

  close(): void {
    this.#client.close();
  }

  get #writes(): boolean {
    return this.#document.writing !== undefined;
  }

  /** With neither an account nor a list of agendas, a day of the first agenda is read. */
  async #probe(options: CallOptions): Promise<void> {
    const [first] = await this.listAgendas(options);
    if (this.#document.agendas.kind === 'list') return;
    if (!first) throw new ConnectorError('invalid', 'the document names no agenda');
    await this.#reader.list(first.id, { start: 0, end: DAY_MS }, options);
  }

  #agenda(fields: Listed, item: unknown, zone: string | null): RemoteAgenda {
    const id = idOf(at(item, fields.id));
    const name = textOf(at(item, fields.name));
    if (id === null || name === null) throw unlike(id === null ? 'agendas.id' : 'agendas.name', { write: false });
    const said = fields.zone === undefined ? null : at(item, fields.zone);
    const allowed = fields.writable === undefined || at(item, fields.writable) === true;
    return {
      id,
      name,
      writable: this.#writes && allowed,
      timeZone: typeof said === 'string' && isTimeZone(said) ? said : zone,
    };
  }
}

const DAY_MS = 86_400_000;
