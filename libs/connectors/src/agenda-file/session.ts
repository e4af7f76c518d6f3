import {
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
import type { RemoteObject } from '#domain';
import type { Secrets, Settings } from './config.js';
import { Folder } from './folder.js';
import { Orders } from './orders.js';
import { pull } from './pull.js';
import { Reader } from './reader.js';
import { Writer } from './writer.js';

/** A conversation with one desktop program by files. */
export class FileSession implements Session {
  readonly #folder: Folder;
  readonly #reader: Reader;
  readonly #writer: Writer;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#folder = new Folder(settings, secrets, context);
    this.#reader = new Reader(this.#folder, settings);
    const orders = new Orders(this.#folder, settings.patienceSeconds * 1000);
    this.#writer = new Writer(this.#reader, orders, settings.timeZone);
  }

  /** The list of agendas is signed: that it can be read shows that account and signing key are right. */
  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    const { practice } = await this.#reader.agendas(options);
    return { account: practice };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    return (await this.#reader.agendas(options)).agendas;
  }

  pull(request: PullRequest, options: CallOptions): AsyncIterable<PullItem> {
    return pull(this.#reader, request, options);
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

  find(
    { agendaId, reference }: { readonly agendaId: string; readonly reference: string },
    options: CallOptions,
  ): Promise<RemoteObject | null> {
    return this.#writer.find(agendaId, reference, options);
  }

  close(): void {
    this.#folder.close();
  }
}
