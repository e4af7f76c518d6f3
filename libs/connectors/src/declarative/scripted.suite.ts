import type { PullItem, Session } from '#connector-sdk';
import type { RemoteObject } from '#domain';
import connector from './connector.js';

export const ORIGIN = 'https://agenda.example';
export const BASE = '/api';
export const WINDOW = { start: Date.parse('2027-06-01T00:00:00Z'), end: Date.parse('2027-12-01T00:00:00Z') };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests take documents apart
export type Loose = Record<string, any>;

/** A document of a small agenda, whole and right; tests change parts of it. */
export function smallDocument(): Loose {
  return {
    format: 'rest-agenda-1',
    authentication: { kind: 'bearer' },
    times: { format: 'instant' },
    agendas: { kind: 'fixed', agendas: [{ id: 'a', name: 'Cabinet' }] },
    entry: { id: 'id', start: 'from', end: 'to', title: 'text', reference: 'ref', version: 'v' },
    reading: {
      list: {
        path: '/entries',
        query: { from: '{from}', to: '{to}' },
        items: 'rows',
        paging: { kind: 'page', parameter: 'p', total: 'count' },
      },
      get: { path: '/entries/{id}' },
    },
    writing: {
      create: {
        path: '/entries',
        body: { from: '{start}', to: '{end}', text: '{title}', ref: '{reference}' },
        id: 'id',
      },
      update: { path: '/entries/{id}', body: { v: '{version:number}', from: '{start}', to: '{end}' } },
      cancel: { path: '/entries/{id}' },
    },
    errors: [{ path: 'error', equals: ['gone'], means: 'not_found' }],
  };
}

export function sessionOf(
  document: unknown,
  secrets: object = { token: 'jeton-secret' },
  baseUrl = ORIGIN + BASE,
): Session {
  return connector.open(
    {
      settings: connector.config.settings.parse({ baseUrl, document }),
      secrets: connector.config.secrets.parse(secrets),
    },
    { timeoutMs: 1000, allowPrivateNetworks: true, now: () => Date.parse('2027-06-07T07:00:00Z') },
  );
}

export const options = { signal: AbortSignal.timeout(60_000) };

export const row = (id: string, day: number, more: object = {}): object => ({
  ...{ id, from: `2027-06-0${String(day)}T07:00:00Z`, to: `2027-06-0${String(day)}T07:30:00Z`, text: 'Visite', v: 1 },
  ...more,
});

export interface Pulled {
  readonly objects: readonly RemoteObject[];
  readonly removed: readonly string[];
  readonly end: Extract<PullItem, { type: 'end' }>;
}

export async function pulled(session: Session, known: ReadonlyMap<string, string | null> = new Map()): Promise<Pulled> {
  const request = { agendaId: 'a', cursor: null, window: WINDOW, timeZone: 'Europe/Paris' };
  const items: PullItem[] = [];
  for await (const item of session.pull({ ...request, known: () => Promise.resolve(known) }, options)) items.push(item);
  const changes = items.flatMap((item) => (item.type === 'changes' ? item.changes : []));
  const end = items.at(-1);
  if (end?.type !== 'end') throw new Error('a pull without its end');
  return {
    objects: changes.flatMap((change) => (change.kind === 'upsert' ? [change.object] : [])),
    removed: changes.flatMap((change) => (change.kind === 'removed' ? [change.remoteId] : [])),
    end,
  };
}
