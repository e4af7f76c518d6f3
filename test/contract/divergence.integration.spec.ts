import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ConnectorError, type CallOptions, type Session } from '#connector-sdk';
import { connectors } from '#connectors';
import type { Interval, RemoteObject } from '#domain';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { DavProxy } from '../support/dav-proxy.js';
import { VendorAgenda } from '../support/vendor-agenda.js';
import { VENDOR_ROWS } from '../support/vendor-rows.js';

/** How a backend says what all of them say: as it goes over the wire, in words that no other of these uses. */
interface Idiom {
  /** An instant: 09:30 in Paris, on a winter's day. */
  readonly instant: RegExp;
  /** Who is asking. */
  readonly session: RegExp;
  /** "That time is taken": what is answered; `null` = it says nothing, and takes both. */
  readonly conflict: RegExp | null;
  /** How ours is removed: what is asked. */
  readonly removal: RegExp;
  /** "Nothing stands there", which a wall or a broken page must never pass for. */
  readonly nothing: RegExp;
  /** The name by which the hub knows an object. */
  readonly id: RegExp;
}

const DAY = '2027-01-19';

/** Timestamps, sessions, conflicts, deletions and ids, as they diverge; each backend's README says where that is from. */
const IDIOMS: Readonly<Record<string, Idiom>> = {
  'in-house': {
    instant: /"start":1800347400000\b/,
    session: /^authorization: Bearer /m,
    conflict: /^409 .*"overlap"/m,
    removal: /^DELETE \/in-house\/api\/agendas\/dr\/entries\//m,
    nothing: /"items":\[\],"next":null/,
    id: /^[0-9a-f]{8}-[0-9a-f-]{27}$/,
  },
  doctolib: {
    instant: /2027-01-19T09:30:00\.000\+01:00/,
    session: /^authorization: Bearer /m,
    conflict: /^200 .*\{"error":/m,
    removal: /^PUT .*\n(.*\n)*.*"status":"deleted"/m,
    nothing: /\{"total":0,"appointments":\[\]\}/,
    id: /^\d+$/,
  },
  maiia: {
    instant: /2027-01-19T08:30:00\.000Z/,
    session: /^authorization: Bearer [\w-]+\.[\w-]+\.[\w-]+/m,
    conflict: /^409 .*"code":/m,
    removal: /"status":"CANCELLED"/,
    nothing: /\{"items":\[\],"total":0\}/,
    id: /^[0-9a-f]{24}$/,
  },
  keldoc: {
    instant: /2027-01-19T09:30:00(\.\d+)?\+0100/,
    session: /^authorization: Bearer SCENEKEY42:/m,
    conflict: /^422 /m,
    removal: /^DELETE \/keldoc\/partners\/appointments\//m,
    nothing: /\{"appointments":\[\]\}/,
    id: /^\d+$/,
  },
  'libre-rdv': {
    instant: /19-01-2027 09:30/,
    session: /[?&]apikey=/,
    conflict: /^(200 .*"status":"error"|500 ERREUR)/m,
    removal: /method=/,
    nothing: /"total":0,.*"appointments":null/,
    id: /^\d+/,
  },
  'clic-rdv': {
    instant: /2027-01-19 09:30:00"/,
    session: /^authorization: Basic .*$/m,
    conflict: null,
    removal: /^DELETE (.*\n)*.*"deleted":true/m,
    nothing: /"totalRecords":0/,
    id: /^\d+$/,
  },
  'mon-docteur': {
    instant: /debut="2027-01-19 09:30:00"/,
    session: /^authorization: Basic /m,
    conflict: /^200 .*\n<Reponse><Faute><Code>CRENEAU_OCCUPE/m,
    removal: /^POST \/mon-docteur\/ws\/rdv\/supprimer/m,
    nothing: /<Journee [^>]*nombre="0">/,
    id: /^\d+$/,
  },
  'rdv-service-public': {
    instant: /"first_day":"2027-01-19".*"start_time":"09:30/,
    session: /^access-token: [^\n]+\n(.*\n)*client: /m,
    conflict: null,
    removal: /^DELETE \/rdv-service-public\/api\/v1\/absences\//m,
    nothing: /"absences":\[\],"meta":.*"total_count":0/,
    id: /^absence_\d+$/,
  },
  'agenda-file': {
    instant: /19\/01\/2027;09:30|19\/01\/2027 09:30/,
    session: /^authorization: Basic /m,
    conflict: /\.rej/,
    removal: /SUPPR|ANNUL/i,
    nothing: /FIN;0|;0\r?$/m,
    id: /./,
  },
};

const at = (time: string): number => Date.parse(`${DAY}T${time}:00+01:00`);
const NINE: Interval = { start: at('09:30'), end: at('10:00') };
const TWO: Interval = { start: at('14:00'), end: at('14:30') };
const WINDOW: Interval = { start: at('00:00'), end: at('00:00') + 7 * 86_400_000 };
const ZONE = 'Europe/Paris';

const call = (): CallOptions => ({ signal: AbortSignal.timeout(20_000) });

describe.each(VENDOR_ROWS.map((row) => [row.id, row] as const))('the words of %s', (id, row) => {
  const server = createMockVendors();
  const connector = connectors.get(id)!;
  const idiom = IDIOMS[id]!;
  let relay: DavProxy;
  let agenda: VendorAgenda;
  let session: Session;

  beforeAll(async () => {
    const origin = await server.listen({ host: '127.0.0.1', port: 0 });
    relay = await DavProxy.start(origin);
    relay.listens = true;
    agenda = new VendorAgenda(row, origin);
  });
  afterAll(async () => {
    await relay.stop();
    await server.close();
  });
  beforeEach(async () => {
    await agenda.begin();
    const account = {
      settings: connector.config.settings.parse(row.settings(relay.url.replace(/\/$/, ''))),
      secrets: connector.config.secrets.parse(row.secrets),
    };
    session = connector.open(account, { timeoutMs: 5_000, allowPrivateNetworks: true, now: Date.now });
    relay.heard = '';
  });

  const pulled = async (): Promise<RemoteObject[]> => {
    const found: RemoteObject[] = [];
    const request = { agendaId: row.agendaId, cursor: null, window: WINDOW, timeZone: ZONE };
    for await (const item of session.pull({ ...request, known: () => Promise.resolve(new Map()) }, call()))
      if (item.type === 'changes')
        for (const change of item.changes) if (change.kind === 'upsert') found.push(change.object);
    return found;
  };
  const create = (when: Interval, reference: string): Promise<RemoteObject> =>
    session.create(
      { agendaId: row.agendaId, reference, content: { ...when, timeZone: ZONE, summary: 'Z. D.' } },
      call(),
    );

  test('an instant, an id, and who is asking', async () => {
    await agenda.put('practitioner', { ...NINE, title: 'Réunion' });
    const [found] = (await pulled()).filter(({ busy }) => busy.length > 0);
    expect(found?.when).toEqual(NINE);
    expect(found?.remoteId).toMatch(idiom.id);
    expect(relay.heard).toMatch(idiom.instant);
    expect(relay.heard).toMatch(idiom.session);
  });

  test('nothing, and nobody to be asked', async () => {
    expect(await pulled()).toEqual([]);
    expect(relay.heard).toMatch(idiom.nothing);
    relay.interfere = () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Patientez</html>' });
    const walled = await pulled().catch((error: unknown) => (ConnectorError.is(error) ? error.kind : error));
    relay.interfere = () => undefined;
    expect(walled).toBe('unavailable');
  });

  test('a time that is taken, and one that was ours', async () => {
    await agenda.put('practitioner', { ...NINE, title: 'Réunion' });
    const refused = await create(NINE, 'a-1').then(
      () => null,
      (error: unknown) => (ConnectorError.is(error) ? error.kind : error),
    );
    expect(refused).toBe(idiom.conflict === null ? null : 'taken');
    if (idiom.conflict !== null) expect(relay.heard).toMatch(idiom.conflict);
    const ours = await create(TWO, 'b-1');
    relay.heard = '';
    await session.cancel({ agendaId: row.agendaId, reference: 'b-1', remoteId: ours.remoteId, version: null }, call());
    expect(relay.heard).toMatch(idiom.removal);
    expect((await agenda.standing()).filter(({ start }) => start === TWO.start)).toEqual([]);
  });
});
