import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import type { Interferer } from '../support/dav-proxy.js';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { HOUR, TEN } from '../support/loop.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, query, type Practice } from '../support/practice.js';
import type { RadicaleServer } from '../support/radicale.js';
import { openCalendar, startRadicale, type RemoteCalendar } from '../support/remotes.js';

const DAY = 24 * HOUR;
/** A server that answers a dead token with a healthy, empty list: what changed since is never told. */
const NOTHING_NEW: Interferer = ({ body }) => {
  const [, token] = /sync-collection.*<sync-token>(.+)<\/sync-token>/.exec(body) ?? [];
  if (token === undefined) return undefined;
  return { status: 207, body: `<multistatus xmlns="DAV:"><sync-token>${token}</sync-token></multistatus>` };
};
/** 31 days behind, 183 ahead. */
const WEEKS = Math.ceil((31 + 183) / 7);

describe('the daily comparison with a calendar server', () => {
  let radicale: RadicaleServer;
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let practice: Practice;
  let remote: RemoteCalendar;
  let linkId: string;
  let asked: string[] = [];
  let ids: string[] = [];

  const listen = (also: Interferer = () => undefined): void => {
    asked = [];
    remote.interfere((request) => {
      asked.push(request.body);
      return also(request);
    });
  };
  const run = (sync: 'delta' | 'reconcile') =>
    hub.lanes.run({ organizationId: practice.organization, agendaId: practice.agenda, sync });
  const sql = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
    query<Row>(pool, practice, text, values);
  /** A day after the last comparison. */
  const reconcile = async (also?: Interferer) => {
    await sql(`UPDATE link SET reconciled_at = clock_timestamp() - interval '1 day' WHERE id = $1`, [linkId]);
    listen(also);
    expect(await run('reconcile')).toBe('done');
    const [row] = await sql<{ report: object }>('SELECT reconcile_report AS report FROM link WHERE id = $1', [linkId]);
    return row?.report;
  };
  const queries = () => asked.filter((body) => body.includes('time-range'));
  /** Members whose bodies were asked for. */
  const bodies = () => asked.flatMap((body) => body.match(/<href>[^<]*<\/href>/g) ?? []);
  /** Listings of everything, with its data. */
  const whole = () => asked.filter((body) => /<sync-token><\/sync-token>.*calendar-data/.test(body));
  const holds = async () =>
    (await sql<{ id: string }>('SELECT remote_id AS id FROM mirror WHERE link_id = $1 AND gone_at IS NULL', [linkId]))
      .map(({ id }) => id)
      .sort();
  const stands = async () => (await remote.entries()).map(({ id }) => id).sort();
  beforeAll(async () => {
    radicale = await startRadicale();
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    hub = await openHub({ url: database.appUrl, timeoutMs: 20_000 });
  });
  afterAll(async () => {
    await hub.close();
    await radicale.stop();
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    practice = await createPractice(pool);
    await hub.housekeeping.extendOpenings(practice.organization, practice.agenda);
    remote = await openCalendar(radicale);
    ids = [];
    for (let week = 0; week < 12; week += 1) {
      const start = TEN + week * 7 * DAY;
      ids.push(await remote.create({ start, end: start + HOUR, title: 'Privé' }));
    }
    linkId = await linkAgenda(hub, practice, remote.account);
    await run('reconcile');
  });
  afterEach(() => remote.close());

  it('of an unchanged calendar reads no event, series included', async () => {
    const start = new Date(TEN + 2 * DAY).toISOString().replace(/[-:]|\.\d+/g, '');
    const event = [`UID:garde`, `DTSTAMP:${start}`, `DTSTART:${start}`, 'DURATION:PT1H', 'RRULE:FREQ=WEEKLY;COUNT=20'];
    const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Ailleurs//FR', 'BEGIN:VEVENT', ...event, 'END:VEVENT'];
    const { status } = await radicale.request(remote.access.user, 'PUT', `${remote.access.calendar}garde.ics`, {
      headers: { 'Content-Type': 'text/calendar' },
      body: [...lines, 'END:VCALENDAR', ''].join('\r\n'),
    });
    expect(status).toBe(201);
    await run('delta');
    expect(await reconcile()).toMatchObject({ weeks: WEEKS, readAgain: 1, repaired: 0 });
    // The one read again is the last, which lay in part beyond yesterday's window; nothing stands there.
    expect(queries()).toHaveLength(WEEKS + 1);
    expect([...bodies(), ...whole()]).toEqual([]);
  });

  it('of a calendar with one lost change reads that week alone', async () => {
    const [, , third] = ids;
    await remote.move(third!, TEN + 14 * DAY + HOUR, TEN + 14 * DAY + 2 * HOUR);
    expect(await reconcile(NOTHING_NEW)).toMatchObject({ readAgain: 2, repaired: 1 });
    expect(bodies()).toEqual([`<href>${third!}</href>`]);
    const made = await remote.create({ start: TEN + 31 * DAY, end: TEN + 31 * DAY + HOUR, title: 'Privé' });
    await remote.remove(ids[8]!);
    expect(await reconcile(NOTHING_NEW)).toMatchObject({ readAgain: 3, repaired: 2 });
    expect(bodies().length).toBeLessThanOrEqual(4);
    expect(whole()).toEqual([]);
    expect(await holds()).toEqual([...ids.filter((id) => id !== ids[8]), made].sort());
    expect(await holds()).toEqual(await stands());
    expect(await reconcile(NOTHING_NEW)).toMatchObject({ readAgain: 1, repaired: 0 });
    expect(bodies()).toEqual([]);
  });

  it('learns a version that the server did not tell when it was written, once', async () => {
    await sql('UPDATE mirror SET version = NULL WHERE link_id = $1 AND remote_id = $2', [linkId, ids[4]]);
    expect(await reconcile()).toMatchObject({ readAgain: 2 });
    expect(bodies()).toEqual([`<href>${ids[4]!}</href>`]);
    expect(await reconcile()).toMatchObject({ readAgain: 1 });
    expect(bodies()).toEqual([]);
  });

  it.each<[string, Interferer]>([
    ['has no time ranges', ({ body }) => (body.includes('time-range') ? { status: 403 } : undefined)],
    ['cuts listings short', ({ body }) => (body.includes('time-range') ? { status: 507 } : undefined)],
  ])('with a server that %s reads everything, as without versions', async (_, also) => {
    const made = await remote.create({ start: TEN + 31 * DAY, end: TEN + 31 * DAY + HOUR, title: 'Privé' });
    await reconcile((request) => NOTHING_NEW(request) ?? also(request));
    expect(queries()).toHaveLength(1);
    expect(whole()).toHaveLength(1);
    expect(await holds()).toEqual([...ids, made].sort());
  });
});
