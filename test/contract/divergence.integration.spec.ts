import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ConnectorError, type CallOptions, type Session } from '#connector-sdk';
import { connectors } from '#connectors';
import type { Interval, RemoteObject } from '#domain';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { DavProxy } from '../support/dav-proxy.js';
import { controlOf } from './simulator-target.js';
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
  /** What is asked for of a long time with much in it, piece by piece; how many pieces at least. */
  readonly pieces: readonly [RegExp, number];
  /** "Not so fast", or a wall: how it comes about, what is answered, and what the hub takes it for. None where nobody says so. */
  readonly throttles: readonly Throttle[];
}

interface Throttle {
  /** What is asked of the simulator's control. */
  readonly when: readonly (readonly [action: string, body: object])[];
  readonly said: RegExp;
  readonly kind: 'rate_limited' | 'unavailable' | 'forbidden';
}

const DAY = '2027-01-19';
const DAY_MS = 86_400_000;
/** Whose quota is used up after one call. */
const KELDOC_SPENT = {
  accounts: [
    {
      ...{ accessKeyId: 'SCENEKEY42', secret: 'scene-keldoc-secret-0123456789' },
      ...{ agendaIds: [4552], dailyQuota: 1 },
    },
  ],
};
const PARIS_HOUR = Number(new Date().toLocaleString('en-GB', { timeZone: 'Europe/Paris', hour: '2-digit' }));
const AT_NIGHT = { advanceMs: ((27 - PARIS_HOUR) % 24) * 3_600_000 };

/**
 * One row for each backend, one column for each way in which they diverge: timestamp, session, conflict, deletion, "nothing
 * here", id, window, throttle. Each backend's README says where that is from.
 */
const IDIOMS: Readonly<Record<string, Idiom>> = {
  'in-house': {
    instant: /"start":1800347400000\b/,
    session: /^authorization: Bearer /m,
    conflict: /^409 .*"overlap"/m,
    removal: /^DELETE \/in-house\/api\/agendas\/dr\/entries\//m,
    nothing: /"items":\[\],"next":null/,
    id: /^[0-9a-f]{8}-[0-9a-f-]{27}$/,
    pieces: [/[?&]limit=500\b/g, 1],
    throttles: [{ when: [['faults', { faults: [{ kind: 'rate-limit' }] }]], said: /^429 /m, kind: 'rate_limited' }],
  },
  doctolib: {
    instant: /2027-01-19T09:30:00\.000\+01:00/,
    session: /^authorization: Bearer /m,
    conflict: /^200 .*\{"error":/m,
    removal: /^PUT .*\n(.*\n)*.*"status":"deleted"/m,
    nothing: /\{"total":0,"appointments":\[\]\}/,
    id: /^\d+$/,
    pieces: [/start_date=[\d-]+&limit=(1[0-5]|\d)\b/g, 6],
    throttles: [
      { when: [['seed', { quota: 1 }]], said: /^429 .*too_many_requests/m, kind: 'rate_limited' },
      { when: [['ban', {}]], said: /^403 <!doctype html>.*Anti dDos/m, kind: 'unavailable' },
      {
        when: [['waiting-room', { seconds: 42 }]],
        said: /^200 <!doctype html>.*wait-time-value/m,
        kind: 'unavailable',
      },
    ],
  },
  maiia: {
    instant: /2027-01-19T08:30:00\.000Z/,
    session: /^authorization: Bearer [\w-]+\.[\w-]+\.[\w-]+/m,
    conflict: /^409 .*"code":/m,
    removal: /"status":"CANCELLED"/,
    nothing: /\{"items":\[\],"total":0\}/,
    id: /^[0-9a-f]{24}$/,
    pieces: [/[?&]page=\d+&limit=100\b/g, 2],
    throttles: [
      { when: [['seed', { requestsPerMinute: 1 }]], said: /^429 .*TOO_MANY_REQUESTS/m, kind: 'rate_limited' },
    ],
  },
  keldoc: {
    instant: /2027-01-19T09:30:00(\.\d+)?\+0100/,
    session: /^authorization: Bearer SCENEKEY42:/m,
    conflict: /^422 /m,
    removal: /^DELETE \/keldoc\/partners\/appointments\//m,
    nothing: /\{"appointments":\[\]\}/,
    id: /^\d+$/,
    pieces: [/[?&]start_date=[^&]+&end_date=[^&\s]+/g, 2],
    throttles: [{ when: [['seed', KELDOC_SPENT]], said: /^402 /m, kind: 'rate_limited' }],
  },
  'libre-rdv': {
    instant: /19-01-2027 09:30/,
    session: /[?&]apikey=/,
    conflict: /^(200 .*"status":"error"|500 ERREUR)/m,
    removal: /method=/,
    nothing: /"total":0,.*"appointments":null/,
    id: /^\d+/,
    pieces: [/[?&]page=\d+/g, 3],
    throttles: [],
  },
  'clic-rdv': {
    instant: /2027-01-19 09:30:00"/,
    session: /^authorization: Basic .*$/m,
    conflict: null,
    removal: /^DELETE (.*\n)*.*"deleted":true/m,
    nothing: /"totalRecords":0/,
    id: /^\d+$/,
    pieces: [/%5Bvalue%5D=\d+&calendar_id=338&sort=id&dir=asc&results=100/g, 2],
    throttles: [],
  },
  'mon-docteur': {
    instant: /debut="2027-01-19 09:30:00"/,
    session: /^authorization: Basic /m,
    conflict: /^200 .*\n<Reponse><Faute><Code>CRENEAU_OCCUPE/m,
    removal: /^POST \/mon-docteur\/ws\/rdv\/supprimer/m,
    nothing: /<Journee [^>]*nombre="0">/,
    id: /^\d+$/,
    pieces: [/<Du>[\d-]+<\/Du>/g, 3],
    throttles: [
      {
        when: [
          ['nights', { on: true }],
          ['clock', AT_NIGHT],
        ],
        said: /^503 /m,
        kind: 'unavailable',
      },
      { when: [['addresses', { addresses: ['192.0.2.1'] }]], said: /^403 Adresse/m, kind: 'forbidden' },
    ],
  },
  'rdv-service-public': {
    instant: /"first_day":"2027-01-19".*"start_time":"09:30/,
    session: /^access-token: [^\n]+\n(.*\n)*client: /m,
    conflict: null,
    removal: /^DELETE \/rdv-service-public\/api\/v1\/absences\//m,
    nothing: /"absences":\[\],"meta":.*"total_count":0/,
    id: /^absence_\d+$/,
    pieces: [/absences\?[^\n]*page=\d+/g, 2],
    throttles: [],
  },
  'agenda-file': {
    instant: /19\/01\/2027;09:30|19\/01\/2027 09:30/,
    session: /^authorization: Basic /m,
    conflict: /\.rej/,
    removal: /SUPPR|ANNUL/i,
    nothing: /FIN;0|;0\r?$/m,
    id: /./,
    pieces: [/^GET .*\/DR\.csv/gm, 1],
    throttles: [],
  },
};

const at = (time: string): number => Date.parse(`${DAY}T${time}:00+01:00`);
const NINE: Interval = { start: at('09:30'), end: at('10:00') };
const TWO: Interval = { start: at('14:00'), end: at('14:30') };
const WINDOW: Interval = { start: at('00:00'), end: at('00:00') + 7 * DAY_MS };
const QUARTER: Interval = { start: at('00:00'), end: at('00:00') + 90 * DAY_MS };
const ZONE = 'Europe/Paris';

const call = (): CallOptions => ({ signal: AbortSignal.timeout(20_000) });

describe.each(VENDOR_ROWS.map((row) => [row.id, row] as const))('the words of %s', (id, row) => {
  const server = createMockVendors();
  const connector = connectors.get(id)!;
  const idiom = IDIOMS[id]!;
  let relay: DavProxy;
  let agenda: VendorAgenda;
  let session: Session;
  let origin: string;

  beforeAll(async () => {
    origin = await server.listen({ host: '127.0.0.1', port: 0 });
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

  const pulled = async (window = WINDOW): Promise<RemoteObject[]> => {
    const found: RemoteObject[] = [];
    const request = { agendaId: row.agendaId, cursor: null, window, timeZone: ZONE };
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

  test('more than anybody asked for, as the next version of the software may say it', async () => {
    await agenda.arm([{ kind: 'drift' }]);
    const { remoteId } = await create(TWO, 'c-1');
    expect((await pulled()).map((object) => object.remoteId)).toEqual([remoteId]);
    await session.cancel({ agendaId: row.agendaId, reference: 'c-1', remoteId, version: null }, call());
    expect(relay.heard.includes('"futur":')).toBe(relay.heard.includes('\n200 {'));
    expect(await pulled()).toEqual([]);
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

  test('a quarter with much in it, piece by piece', async () => {
    const starts = Array.from(
      { length: 120 },
      (_, n) => at('09:00') + (n % 40) * 2 * DAY_MS + Math.floor(n / 40) * 3_600_000,
    );
    for (const start of starts) await agenda.put('practitioner', { start, end: start + 1_800_000, title: 'Privé' });
    relay.heard = '';
    const found = (await pulled(QUARTER)).filter(({ busy }) => busy.length > 0);
    expect(found.map(({ when }) => when?.start).sort()).toEqual(starts.sort());
    const [said, least] = idiom.pieces;
    expect(new Set(relay.heard.match(said)).size).toBeGreaterThanOrEqual(least);
  });

  const throttled = idiom.throttles.length === 0 ? test.skip : test;
  throttled('whoever asks too often, or at the wrong time, is told so', async () => {
    for (const { when, said, kind } of idiom.throttles) {
      await agenda.begin();
      for (const [action, body] of when) await controlOf(origin, id)('POST', action, body);
      relay.heard = '';
      const refusals: unknown[] = [];
      for (let tries = 0; tries < 6 && refusals.length === 0; tries += 1)
        await pulled().catch((error: unknown) => refusals.push(ConnectorError.is(error) ? error.kind : error));
      expect(refusals).toEqual([kind]);
      expect(relay.heard).toMatch(said);
    }
  });
});
