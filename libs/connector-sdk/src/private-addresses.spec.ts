import type { LookupAddress } from 'node:dns';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHttp, guardedLookup, isPrivateAddress } from './http.js';

/** 127.0.0.1, ::1 and what stands for them or for other private places, as hosts of URLs. */
const HOSTS = [
  ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.0.0.1', '0177.0.0.1', '017700000001', '0'],
  ...[
    '0.0.0.0',
    '127.0.0.1.',
    '127.127.127.127',
    'localhost',
    'LOCALHOST',
    'localhost.',
    '%31%32%37.0.0.1',
    '①②⑦.0.0.1',
  ],
  ...[
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
  ],
  ...[
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[fe80::1]',
    '[fd00::1]',
    '[fec0::1]',
    '[ff02::1]',
  ],
  ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '169.254.169.254', '[fd00:ec2::254]', '100.64.0.1'],
  ...['198.18.0.1', '192.0.2.1', '203.0.113.1', '224.0.0.1', '255.255.255.255', 'user:word@127.0.0.1', '[100::1]'],
];

const context = { timeoutMs: 2_000, allowPrivateNetworks: false, now: () => Date.now() };
const servers: Server[] = [];
let connections = 0;
let port: number;

const listen = (server: Server, at: string, on = 0): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(on, at, () => {
      servers.push(server);
      resolve((server.address() as AddressInfo).port);
    });
  });

const counting = (): Server =>
  createServer((socket) => {
    connections += 1;
    socket.destroy();
  });

beforeAll(async () => {
  port = await listen(counting(), '127.0.0.1');
  // Machines without IPv6 have no ::1 to reach either.
  await listen(counting(), '::1', port).catch(() => undefined);
});

afterAll(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

const send = async (url: string, given = context): Promise<unknown> => {
  const http = createHttp(given);
  try {
    return await http.send({ method: 'GET', url, write: false, signal: AbortSignal.timeout(5_000) });
  } finally {
    http.close();
  }
};

describe('what points into the house', () => {
  it.each(HOSTS)('is not connected to: %s', async (host) => {
    for (const scheme of ['http', 'https'])
      await expect(send(`${scheme}://${host}:${String(port)}/`)).rejects.toMatchObject({ name: 'ConnectorError' });
    expect(connections).toBe(0);
  });

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'gopher://127.0.0.1/', 'data:text/plain,x', 'unix:/tmp/x'])(
    'nor is another scheme: %s',
    async (url) => {
      await expect(send(url)).rejects.toMatchObject({ name: 'ConnectorError' });
    },
  );

  it('is not followed to: a redirect is an answer', async () => {
    const server = createHttpServer((_, reply) => {
      reply.writeHead(302, { location: `http://127.0.0.1:${String(port)}/` }).end();
    });
    const from = await listen(server, '127.0.0.1');
    const answer = await send(`http://127.0.0.1:${String(from)}/`, { ...context, allowPrivateNetworks: true });
    expect([(answer as { status: number }).status, connections]).toEqual([302, 0]);
  });
});

describe('a name', () => {
  const PUBLIC: LookupAddress = { address: '93.184.215.14', family: 4 };
  const PRIVATE: LookupAddress = { address: '127.0.0.1', family: 4 };
  const asked = (lookup: ReturnType<typeof guardedLookup>, all: boolean): Promise<unknown> =>
    new Promise((resolve) => {
      lookup('agenda.example', { all }, (error, address) => resolve(error?.code ?? address));
    });
  const resolving = (...answers: LookupAddress[][]) =>
    guardedLookup((_name, _options, callback) => {
      callback(null, answers.shift() ?? []);
    });

  it('is judged by the very addresses that are connected to, each time anew', async () => {
    const rebound = resolving([PUBLIC], [PRIVATE], [PUBLIC]);
    expect(await asked(rebound, false)).toBe(PUBLIC.address);
    expect(await asked(rebound, false)).toBe('EADDRNOTALLOWED');
    expect(await asked(rebound, true)).toEqual([PUBLIC]);
  });

  it('that has one private address among public ones is refused, and so is one without any', async () => {
    expect(await asked(resolving([PUBLIC, PRIVATE]), true)).toBe('EADDRNOTALLOWED');
    expect(await asked(resolving([]), false)).toBe('EADDRNOTALLOWED');
  });
});

it('public addresses are public', () => {
  for (const address of ['93.184.215.14', '8.8.8.8', '2606:2800:21f:cb07:6820:80da:af6b:8b2c', '::ffff:8.8.8.8'])
    expect([address, isPrivateAddress(address)]).toEqual([address, false]);
});
