import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { ConnectorError, type Session } from '#connector-sdk';
import inHouse from '../../libs/connectors/src/in-house/connector.js';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { Authority, type Certified } from '../support/certificates.js';

const AGENDA = 'cabinet-sud';
const HUB = { commonName: 'hub.exemple', unit: 'Télésecrétariat' };
const START = Date.parse('2027-06-07T07:00:00Z');
const BOOKING = {
  agendaId: AGENDA,
  reference: 'r-1',
  content: { start: START, end: START + 1_800_000, timeZone: 'Europe/Paris', summary: 'Visite' },
};

describe('an in-house agenda behind mutual TLS', () => {
  const ours = new Authority('Autorité du cabinet');
  const foreign = new Authority('Une autre autorité');
  const server = ours.issue({ commonName: 'agenda.exemple' });
  /** Lets everybody connect and asks for the certificate with each request, as a reverse proxy does. */
  let asking: FastifyInstance;
  let origin: string;
  /** Ends every handshake with this alert (RFC 8446 6.2). */
  let alert = 0;
  let refusing: Server;
  let refusingOrigin: string;
  const sessions: Session[] = [];

  beforeAll(async () => {
    const keys = { cert: server.certificate, key: server.privateKey, ca: ours.certificate };
    asking = createMockVendors({}, { ...keys, requestCert: true, rejectUnauthorized: false });
    origin = (await asking.listen({ host: '127.0.0.1', port: 0 })).replace(/^http:/, 'https:');
    const certificate = HUB;
    const agenda = {
      id: AGENDA,
      name: 'Dr Sud',
      zone: 'Europe/Paris',
      apiKey: 'unused-key-of-the-agenda',
      certificate,
    };
    const seeded = await asking.inject({
      method: 'POST',
      url: '/in-house/__control/seed',
      payload: { agendas: [agenda] },
    });
    expect(seeded.statusCode).toBe(200);
    refusing = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, alert])));
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    refusingOrigin = `https://127.0.0.1:${String((refusing.address() as AddressInfo).port)}`;
  });
  afterAll(async () => {
    for (const session of sessions) session.close();
    await asking.close();
    await new Promise((resolve) => refusing.close(resolve));
  });

  interface Shown {
    readonly at?: string;
    readonly secrets?: object;
    readonly authority?: string | undefined;
    readonly now?: () => number;
  }
  function open({ at = `${origin}/in-house/api`, secrets = {}, now = Date.now, ...given }: Shown): Session {
    const authority = 'authority' in given ? given.authority : ours.certificate;
    const account = {
      settings: inHouse.config.settings.parse({ baseUrl: at, ...(authority === undefined ? {} : { authority }) }),
      secrets: inHouse.config.secrets.parse(secrets),
    };
    const session = inHouse.open(account, { timeoutMs: 5_000, allowPrivateNetworks: true, now });
    sessions.push(session);
    return session;
  }
  const call = () => ({ signal: AbortSignal.timeout(20_000) });
  const failure = async (attempt: Promise<unknown>): Promise<readonly [kind: string, message: string]> => {
    const error: unknown = await attempt.then(
      () => new Error('it succeeded'),
      (thrown: unknown) => thrown,
    );
    if (!ConnectorError.is(error)) throw error;
    return [error.kind, error.message];
  };
  const pemOf = ({ certificate, privateKey }: Certified): object => ({ certificate, privateKey });

  it('opens to whom its certificate is for, and to a newer one of his beside it', async () => {
    // Certificates count in seconds.
    const until = Math.ceil(Date.now() / 1000) * 1000 + 20 * 86_400_000;
    const valid = { from: Date.now() - 86_400_000, until };
    for (const secrets of [pemOf(ours.issue(HUB, valid)), pemOf(ours.issue(HUB, valid))]) {
      const session = open({ secrets });
      expect(await session.verify(call())).toEqual({ account: 'Dr Sud', expiresAt: until });
      expect(await session.listAgendas(call())).toMatchObject([{ id: AGENDA, writable: true }]);
      const made = await session.create(BOOKING, call());
      expect(await session.find(BOOKING, call())).toMatchObject({ remoteId: made.remoteId, version: made.version });
    }
  });

  it('says that a certificate is wanted, or that this one opens nothing', async () => {
    expect(await failure(open({ secrets: { apiKey: 'unused-key-of-the-agenda' } }).verify(call()))).toEqual([
      'auth',
      'the backend refused the API key',
    ]);
    const strangers = [ours.issue({ ...HUB, unit: 'Facturation' }), ours.issue({ commonName: HUB.commonName })];
    for (const stranger of strangers)
      expect(await failure(open({ secrets: pemOf(stranger) }).verify(call()))).toEqual([
        'auth',
        'the backend opens no agenda to this client certificate',
      ]);
    const forged = open({ secrets: pemOf(foreign.issue(HUB)) });
    expect(await failure(forged.verify(call()))).toEqual(['auth', 'the backend wants a client certificate']);
  });

  it.each([
    ['bad certificate', 42, 'auth'],
    ['certificate expired', 45, 'auth'],
    ['unknown authority', 48, 'auth'],
    ['certificate required', 116, 'auth'],
    ['handshake failure', 40, 'unavailable'],
  ])(
    'that ends the handshake with the alert "%s" has read nothing: a write is not unknown',
    async (_name, code, kind) => {
      alert = code;
      const session = open({ at: refusingOrigin, secrets: pemOf(foreign.issue(HUB)) });
      const expected = [
        kind,
        expect.stringContaining(
          kind === 'auth' ? `refused the client certificate (TLS alert ${String(code)})` : 'no usable answer',
        ),
      ];
      expect(await failure(session.verify(call()))).toEqual(expected);
      expect(await failure(session.create(BOOKING, call()))).toEqual(expected);
    },
  );

  it('is not spoken to where its own certificate is of an authority that is not believed', async () => {
    for (const authority of [undefined, foreign.certificate]) {
      const session = open({ secrets: pemOf(ours.issue(HUB)), authority });
      const expected = ['unavailable', expect.stringContaining("the backend's certificate is not believed")];
      expect(await failure(session.verify(call()))).toEqual(expected);
      expect(await failure(session.create({ ...BOOKING, reference: 'r-2' }, call()))).toEqual(expected);
    }
    expect(await open({ secrets: pemOf(ours.issue(HUB)) }).find({ ...BOOKING, reference: 'r-2' }, call())).toBeNull();
  });

  it('is tried with a certificate that has ended: its last day is told', async () => {
    const until = Date.parse('2026-03-31T10:00:00Z');
    const ended = ours.issue(HUB, { from: Date.parse('2025-03-31T10:00:00Z'), until });
    const session = open({ secrets: pemOf(ended) });
    expect(await failure(session.verify(call()))).toEqual(['auth', 'the client certificate ended on 2026-03-31']);
    const before = open({ secrets: pemOf(ended), now: () => until - 1 });
    expect(await failure(before.verify(call()))).toEqual(['auth', 'the backend wants a client certificate']);
  });

  it('has settings that are refused by the field that is wrong, before anything is asked', () => {
    const [one, other] = [ours.issue(HUB), ours.issue(HUB)];
    const wrong = (secrets: object) =>
      inHouse.config.secrets.safeParse(secrets).error?.issues.map(({ path, message }) => [path.join('.'), message]);
    expect(wrong({})).toEqual([['apiKey', 'a key or a certificate is needed']]);
    expect(wrong({ certificate: one.certificate })).toEqual([
      ['privateKey', 'not the private key of this certificate'],
    ]);
    expect(wrong({ ...one, privateKey: other.privateKey })).toEqual([
      ['privateKey', 'not the private key of this certificate'],
    ]);
    expect(wrong({ ...one, certificate: one.privateKey })).toEqual([['certificate', 'not a certificate in PEM']]);
    expect(wrong({ ...one, privateKey: 'rien' })).toEqual([
      ['privateKey', 'not a private key in PEM without a passphrase'],
    ]);
    const settings = inHouse.config.settings.safeParse({ baseUrl: origin, authority: 'rien' });
    expect(settings.error?.issues.map(({ path }) => path.join('.'))).toEqual(['authority']);
  });
});
