import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { CalendarApplication } from './caldav-client.js';
import type { DavServer } from './dav-server.js';
import { describeOnServers } from './dav-servers.js';

const TEN = Date.parse('2027-06-07T08:00:00Z');

describeOnServers('a server of the tests', (kind) => {
  let server: DavServer;
  beforeAll(async () => {
    server = await kind.start({ martin: 'mot de passe' });
  });
  afterAll(() => server?.stop());

  it('keeps what it was given over a restart', async () => {
    const application = new CalendarApplication(server, 'martin', await server.makeCalendar('martin', 'agenda'));
    await application.create({ start: TEN, end: TEN + 1_800_000, title: 'Privé' });
    await server.down();
    await server.up();
    expect(await application.entries()).toMatchObject([{ start: TEN, end: TEN + 1_800_000, title: 'Privé' }]);
  });
});
