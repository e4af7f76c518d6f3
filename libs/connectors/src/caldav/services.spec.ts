import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import nock from 'nock';
import { DavClient } from './client.js';
import connector from './connector.js';
import { Discovery } from './discovery.js';
import { announcedAddress, type ServiceNames } from './services.js';

const srv = (name: string, port = 443, priority = 0, weight = 0) => ({ name, port, priority, weight });

function records(services: ReturnType<typeof srv>[], texts: string[][] = []): ServiceNames & { asked: string[] } {
  const asked: string[] = [];
  const answer = <T>(name: string, found: T[]): Promise<T[]> => {
    asked.push(name);
    return found.length > 0 ? Promise.resolve(found) : Promise.reject(new Error('ENOTFOUND'));
  };
  return { asked, resolveSrv: (name) => answer(name, services), resolveTxt: (name) => answer(name, texts) };
}

const address = async (...given: Parameters<typeof records>): Promise<string | null> =>
  (await announcedAddress('exemple.fr', records(...given)))?.href ?? null;

describe('what a domain announces', () => {
  it('is a host, its port and the path, the first by priority and weight', async () => {
    const several = [srv('c.exemple.fr', 443, 5), srv('B.exemple.fr.', 8443, 1, 2), srv('a.exemple.fr', 443, 1, 1)];
    expect(await address(several, [['v=1'], ['path=/', 'dav/anne']])).toBe('https://b.exemple.fr:8443/dav/anne');
    expect(await address([srv('a.exemple.fr')])).toBe('https://a.exemple.fr/.well-known/caldav');
  });

  it.each([
    ['nothing', []],
    ['that there is none', [srv('.')]],
    ['no name of a host', [srv('a.exemple.fr/x?y')]],
    ['no port', [srv('a.exemple.fr', 0)]],
  ])('is nothing when it says %s', async (_, services) => {
    expect(await address(services, [['path=/dav/']])).toBeNull();
  });

  it('takes no path that is none, and asks nothing of an address', async () => {
    expect(await address([srv('a.exemple.fr')], [['path=//x\\y'], ['path=dav']])).toBe(
      'https://a.exemple.fr/.well-known/caldav',
    );
    const dns = records([srv('a.exemple.fr')]);
    for (const host of ['192.0.2.1', '[2001:db8::1]', 'localhost'])
      expect(await announcedAddress(host, dns)).toBeNull();
    expect(dns.asked).toEqual([]);
  });
});

describe('finding calendars by what the domain announces', () => {
  beforeAll(() => nock.disableNetConnect());
  afterEach(() => nock.cleanAll());
  afterAll(() => {
    nock.enableNetConnect();
    nock.restore();
  });

  const call = { signal: new AbortController().signal };
  function discovery(dns: ServiceNames): Discovery {
    const settings = connector.config.settings.parse({ url: 'https://exemple.fr/' });
    const secrets = connector.config.secrets.parse({ auth: { type: 'basic', username: 'anne', password: 'secret' } });
    const context = { timeoutMs: 5000, allowPrivateNetworks: false, now: () => 0 };
    return new Discovery(new DavClient(settings, secrets, context), settings, dns);
  }

  it('names another host to the administrator, and asks nothing there', async () => {
    const web = nock('https://exemple.fr')
      .intercept(/.*/, 'PROPFIND')
      .replyWithError({ code: 'ECONNREFUSED' } as never);
    const far = nock('https://agenda.autre.fr').intercept(/.*/, 'PROPFIND').reply(207, '');
    const dns = records([srv('agenda.autre.fr')], [['path=/dav/']]);
    await expect(discovery(dns).account(call)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('https://agenda.autre.fr/dav/'),
    });
    expect(dns.asked).toEqual(['_caldavs._tcp.exemple.fr', '_caldavs._tcp.exemple.fr']);
    expect([web.isDone(), far.isDone()]).toEqual([true, false]);
  });

  it('goes to the announced path of the host that was entered', async () => {
    nock('https://exemple.fr').intercept('/.well-known/caldav', 'PROPFIND').reply(404);
    nock('https://exemple.fr').intercept('/', 'PROPFIND').reply(405);
    const principal = '<d:current-user-principal><d:href>/p/anne/</d:href></d:current-user-principal>';
    const body = `<d:multistatus xmlns:d="DAV:"><d:response><d:href>/dav/</d:href><d:propstat><d:prop>${principal}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`;
    nock('https://exemple.fr').intercept('/dav/', 'PROPFIND').reply(207, body);
    nock('https://exemple.fr').intercept('/p/anne/', 'PROPFIND').reply(207, body);
    const { principal: found } = await discovery(records([srv('exemple.fr')], [['path=/dav/']])).account(call);
    expect(found?.href).toBe('https://exemple.fr/p/anne/');
  });

  it('says what was the matter where nothing is announced', async () => {
    nock('https://exemple.fr').intercept(/.*/, 'PROPFIND').times(2).reply(404);
    await expect(discovery(records([])).account(call)).rejects.toMatchObject({ status: 404 });
  });
});
