import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeConnectorConformance, type BackdoorEntry, type Harness } from '#connector-testkit';
import connector from './connector.js';

const AGENDA = 'agenda-1';
const KEY = 'conformance-key-1';

/** A stand-in for the vendor that knows what client.ts asks. Better: his test server, or a simulator in mock-vendors. */
async function start(): Promise<Harness> {
  const entries = new Map<string, BackdoorEntry>();
  let nextId = 1;
  const answers: Record<string, () => unknown> = {
    '/account': () => ({ name: 'Dr Conformance' }),
    '/agendas': () => [{ id: AGENDA, name: 'Cabinet' }],
    [`/agendas/${AGENDA}/entries`]: () => ({
      entries: [...entries.values()].map(({ remoteId: id, start, end, title }) => ({ id, start, end, title })),
    }),
  };
  const server = createServer(({ headers, url }, response) => {
    const allowed = headers.authorization === `Bearer ${KEY}`;
    const answer = answers[url ?? ''];
    const status = allowed ? (answer ? 200 : 404) : 401;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === 200 ? answer?.() : { error: 'no' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    settings: { baseUrl: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` },
    secrets: { apiKey: KEY },
    wrongSecrets: { apiKey: 'another-key-2' },
    agendaId: AGENDA,
    unknownAgendaId: 'nobody',
    remote: {
      async put(entry) {
        const remoteId = `e${String(nextId++)}`;
        entries.set(remoteId, { ...entry, remoteId });
        return { remoteId };
      },
      async move(remoteId, to) {
        entries.set(remoteId, { remoteId, title: '', ...entries.get(remoteId), ...to });
      },
      async remove(remoteId) {
        entries.delete(remoteId);
      },
      list: async () => [...entries.values()],
    },
    async reset() {
      entries.clear();
    },
    fault: () => Promise.reject(new Error('this stand-in has no faults')),
    clearFaults: () => Promise.resolve(),
    expireCursors: () => Promise.resolve(),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describeConnectorConformance({ connector, faults: [], expiresCursors: false, manyEntries: 300, start });
