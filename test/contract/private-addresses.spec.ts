import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Connector } from '#connector-sdk';
import { connectors } from '#connectors';
import { documentOfGuide } from './declarative-target.js';

/** What the connectors ask for besides addresses, by the names they give it. */
const GIVEN: Readonly<Record<string, unknown>> = {
  ...{ username: 'essai', password: 'mot-de-passe-d-essai', login: 'essai', email: 'essai@example.invalid' },
  ...{
    apiKey: 'cle-d-essai-0123',
    signingKey: 'cle-de-signature-0123',
    token: 'jeton-d-essai-0123',
    key: 'cle-d-essai-0123',
  },
  ...{
    clientId: 'client-essai',
    clientSecret: 'secret-d-essai',
    accessKeyId: 'ABCD1234',
    secretAccessKey: 'secret-d-essai',
  },
  ...{ motif: 'Consultation', profile: '1', groupId: 1, interventionId: 1, ficheId: 1, organisationIds: [1] },
};
const AUTHS = [
  { type: 'basic', username: 'essai', password: 'mot-de-passe-d-essai' },
  { type: 'oauth', clientId: 'essai', clientSecret: 'secret', refreshToken: 'jeton' },
];
const HOSTS = ['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', '0.0.0.0'];

let connections = 0;
let port: number;
const listener = createServer((socket) => {
  connections += 1;
  socket.destroy();
});

beforeAll(
  () =>
    new Promise<void>((resolve) => {
      listener.listen(0, '127.0.0.1', () => {
        port = (listener.address() as AddressInfo).port;
        resolve();
      });
    }),
);

afterAll(() => new Promise((resolve) => void listener.close(resolve)));

interface Field {
  readonly type?: string;
  readonly format?: string;
}

/** Every address of a configuration, as `host` has it. */
function filled(schema: z.ZodType, host: string): { values: object; addresses: string[] } {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, Field>;
  };
  const addresses = Object.entries(properties).flatMap(([name, { format }]) => (format === 'uri' ? [name] : []));
  const values = Object.keys(properties).flatMap((name): [string, unknown][] => {
    if (addresses.includes(name)) return [[name, `http://${host}:${String(port)}/`]];
    if (name === 'document') return [[name, documentOfGuide('in-house')]];
    return name in GIVEN ? [[name, GIVEN[name]]] : [];
  });
  return { values: Object.fromEntries(values), addresses };
}

function opened(connector: Connector, host: string): { verify(): Promise<unknown>; addresses: number } {
  const [settings, secrets] = [filled(connector.config.settings, host), filled(connector.config.secrets, host)];
  const given = [{}, ...AUTHS.map((auth) => ({ auth }))]
    .map((more) => connector.config.secrets.safeParse({ ...secrets.values, ...more }))
    .find(({ success }) => success);
  if (given?.success !== true) throw new Error(`${connector.id}: what its secrets need is not known here`);
  const account = { settings: connector.config.settings.parse(settings.values), secrets: given.data };
  const context = { timeoutMs: 2_000, allowPrivateNetworks: false, now: () => Date.now() };
  return {
    addresses: settings.addresses.length + secrets.addresses.length,
    verify: () => connector.open(account, context).verify({ signal: AbortSignal.timeout(5_000) }),
  };
}

test.each([...connectors.entries()])(
  '%s connects to nothing in the house, whatever its settings say',
  async (_, connector) => {
    for (const host of HOSTS) {
      const { verify, addresses } = opened(connector, host);
      expect(addresses).toBeGreaterThan(0);
      await expect(verify()).rejects.toThrow();
    }
    expect(connections).toBe(0);
  },
);
