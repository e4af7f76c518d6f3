import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Session } from '#connector-sdk';
import { CalendarApplication } from '../../../../test/support/caldav-client.js';
import { CyrusServer } from '../../../../test/support/cyrus.js';
import { DavProxy } from '../../../../test/support/dav-proxy.js';
import { describeOnServers } from '../../../../test/support/dav-servers.js';
import connector from './connector.js';

const NOON = Date.parse('2027-06-07T10:00:00Z');
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const USERS = { anne: 'mot de passe', remplacante: 'un autre' };
const call = { signal: new AbortController().signal };

describeOnServers(
  'a calendar that is shared for reading alone',
  () => {
    let server: CyrusServer;
    let proxy: DavProxy;
    let session: Session;
    let shared: string;

    beforeAll(async () => {
      server = await CyrusServer.start(USERS);
      proxy = await DavProxy.start(server.url);
      const calendar = await server.makeCalendar('anne', 'agenda');
      const application = new CalendarApplication(server, 'anne', calendar);
      await application.create({ start: NOON, end: NOON + 900_000, title: 'Privé' });
      shared = await server.share('anne', 'agenda', 'remplacante');
      const auth = { type: 'basic', username: 'remplacante', password: USERS.remplacante } as const;
      const settings = connector.config.settings.parse({ url: new URL(shared, proxy.url).href });
      const context = { timeoutMs: 60_000, allowPrivateNetworks: true, now: Date.now };
      session = connector.open({ settings, secrets: { auth } }, context);
    });
    afterAll(async () => {
      session?.close();
      await proxy?.stop();
      await server?.stop();
    });

    it('is read, and called what it is', async () => {
      expect(await session.listAgendas(call)).toMatchObject([{ id: shared, writable: false }]);
      const request = { agendaId: shared, cursor: null, window: WINDOW, timeZone: 'Europe/Paris' };
      let count = 0;
      for await (const item of session.pull({ ...request, known: () => Promise.resolve(new Map()) }, call))
        if (item.type === 'changes') count += item.changes.length;
      expect(count).toBe(1);
    });

    it('is not written, and the probe does not try', async () => {
      const content = { start: NOON, end: NOON + 900_000, timeZone: 'Europe/Paris', summary: 'Consultation' };
      const asked = session.create({ agendaId: shared, reference: 'rdv-1', content }, call);
      await expect(asked).rejects.toMatchObject({ kind: 'forbidden' });
      proxy.take();
      await session.probe!({ agendaId: shared, write: false }, call);
      expect(proxy.take().filter((method) => method === 'PUT' || method === 'DELETE')).toEqual([]);
      expect(await session.probe!({ agendaId: shared, write: true }, call)).toMatchObject({ staleChanges: null });
    });
  },
  ['Cyrus'],
);
