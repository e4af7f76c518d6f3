import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ConnectorError, type Capabilities, type Connector, type RemoteAgenda, type Session } from '#connector-sdk';
import { ConnectorBackends } from './backends.js';
import type { ConnectionStore } from './connections.js';
import type { Backend } from './ports.js';

const AGENDA: RemoteAgenda = { id: 'a', name: 'A', writable: true, timeZone: null };
const options = { signal: AbortSignal.timeout(60_000) };

/** A backend that would take any write, and notes that it was asked. */
function opened(write: Capabilities['write']): { open: () => Promise<Backend>; asked: string[] } {
  const asked: string[] = [];
  const note = (name: string): Promise<never> => {
    asked.push(name);
    return Promise.reject(new ConnectorError('taken', name));
  };
  const session: Session = {
    verify: () => Promise.resolve({ account: 'x' }),
    listAgendas: () => Promise.resolve([AGENDA]),
    pull: async function* () {
      yield { type: 'end' as const, cursor: null, complete: null };
    },
    create: () => note('create'),
    update: () => note('update'),
    cancel: () => note('cancel'),
    store: () => note('store'),
    hold: () => note('hold'),
    changeInstance: () => note('changeInstance'),
    find: () => Promise.resolve(null),
    close: () => undefined,
  };
  const connector: Connector = {
    specification: 'v1',
    id: 'one',
    label: { fr: 'Un', en: 'One' },
    capabilities: { write } as Capabilities,
    config: { settings: z.object({}), secrets: z.object({}) },
    open: () => session,
  };
  const account = { id: 'c', connectorId: 'one', settings: {}, secrets: {}, fingerprint: '1', blockedMs: 0 };
  const store = {
    account: () => Promise.resolve(account),
    begin: () => Promise.resolve({ begun: true, blockedMs: 0 }),
    report: () => Promise.resolve(),
  } as unknown as ConnectionStore;
  const context = { timeoutMs: 1000, allowPrivateNetworks: false, now: Date.now };
  const backends = new ConnectorBackends(store, new Map([['one', connector]]), context);
  return { open: () => backends.open('o', 'c'), asked };
}

async function tried({ session }: Backend): Promise<string[]> {
  const when = { start: 0, end: 1, timeZone: 'UTC', summary: '' };
  const named = { agendaId: 'a', reference: 'r', content: when, remoteId: 'x', version: null };
  const attempts = [session.create(named, options), session.update(named, options), session.cancel(named, options)];
  const outcomes = await Promise.allSettled(attempts);
  return outcomes.map((outcome) =>
    outcome.status === 'rejected' && ConnectorError.is(outcome.reason) ? outcome.reason.kind : outcome.status,
  );
}

describe('a backend', () => {
  test('that takes no writes is never asked for one, and none of its agendas passes for writable', async () => {
    const { open, asked } = opened('none');
    const backend = await open();
    expect(await tried(backend)).toEqual(['forbidden', 'forbidden', 'forbidden']);
    expect(asked).toEqual([]);
    const { store, hold, changeInstance } = backend.session;
    expect([store, hold, changeInstance]).toEqual([undefined, undefined, undefined]);
    expect(await backend.session.listAgendas(options)).toEqual([{ ...AGENDA, writable: false }]);
    expect(await backend.session.find({ agendaId: 'a', reference: 'r' }, options)).toBeNull();
  });

  test('that takes writes is asked', async () => {
    const { open, asked } = opened('full');
    const backend = await open();
    expect(await tried(backend)).toEqual(['taken', 'taken', 'taken']);
    expect(asked).toEqual(['create', 'update', 'cancel']);
    const { store, hold, changeInstance } = backend.session;
    for (const method of [store, hold, changeInstance]) expect(method).toBeDefined();
    expect(await backend.session.listAgendas(options)).toEqual([AGENDA]);
  });
});
