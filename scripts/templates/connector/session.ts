import {
  ConnectorError,
  createHttp,
  type CallOptions,
  type ConnectorContext,
  type PullItem,
  type PullRequest,
  type RemoteAgenda,
  type Session,
} from '#connector-sdk';
import type { Interval, RemoteChange, RemoteObject } from '#domain';
import { Client } from './client.js';
import type { Secrets, Settings } from './config.js';
import { unreadable } from './errors.js';
import { toChange } from './mapping.js';

/** Reads the whole agenda each time, and writes nothing (`capabilities.write: 'none'`). */
export class __Name__Session implements Session {
  readonly #client: Client;

  constructor(settings: Settings, secrets: Secrets, context: ConnectorContext) {
    this.#client = new Client(settings, secrets, { http: createHttp(context), context });
  }

  async verify(options: CallOptions): Promise<{ readonly account: string }> {
    return { account: (await this.#client.account(options)).name };
  }

  async listAgendas(options: CallOptions): Promise<readonly RemoteAgenda[]> {
    const agendas = await this.#client.agendas(options);
    return agendas.map(({ id, name }) => ({ id, name, writable: false, timeZone: null }));
  }

  async *pull(request: PullRequest, options: CallOptions): AsyncGenerator<PullItem> {
    const { agendaId, window } = request;
    const entries = await this.#client.entries(agendaId, options);
    const versions = await request.known();
    const present = new Set<string>();
    const changes: RemoteChange[] = [];
    for (const entry of entries) {
      const change = toChange(entry, window);
      if (change === null) throw unreadable(200);
      const remoteId = change.kind === 'upsert' ? change.object.remoteId : change.remoteId;
      present.add(remoteId);
      if (!isKnown(change, versions, window)) changes.push(change);
    }
    if (changes.length > 0) yield { type: 'changes', changes };
    yield { type: 'end', cursor: null, complete: { window, present } };
  }

  create(): Promise<RemoteObject> {
    return Promise.reject(readOnly());
  }

  update(): Promise<RemoteObject> {
    return Promise.reject(readOnly());
  }

  cancel(): Promise<void> {
    return Promise.reject(readOnly());
  }

  /** Nothing was ever written under a reference; but only a backend that answers says so. */
  async find(request: { readonly agendaId: string }, options: CallOptions): Promise<RemoteObject | null> {
    await this.#client.entries(request.agendaId, options);
    return null;
  }

  close(): void {
    this.#client.close();
  }
}

/** What the hub has already as it is. What the window cuts may be cut elsewhere today. */
function isKnown(change: RemoteChange, versions: ReadonlyMap<string, string | null>, window: Interval): boolean {
  if (change.kind !== 'upsert') return false;
  const { remoteId, version, when } = change.object;
  const isWhole = when !== null && when.start >= window.start && when.end <= window.end;
  return isWhole && versions.get(remoteId) === version;
}

function readOnly(): ConnectorError {
  return new ConnectorError('forbidden', 'this backend is read-only');
}
