import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, createPractice, inTenant, openPool, place, type Practice } from '../../../test/support/practice.js';

const HALF_HOUR = 1_800_000;

describe('a first read', () => {
  let database: TestDatabase;
  /** One connection, which keeps the plans that it made while tables were nearly empty. */
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl, 1);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  /** A practice whose lane has the fence 1. */
  const opened = async (): Promise<Practice> => {
    const practice = await createPractice(pool, { master: 'remote' });
    await inTenant(pool, practice.organization, (client) =>
      client.query('INSERT INTO agenda_lane (organization_id, agenda_id, fence) VALUES ($1, $2, 1)', [
        ...[practice.organization, practice.agenda],
      ]),
    );
    return practice;
  };

  /** Takes a part in that has these half hours of a day, counted from eight. */
  const apply = (client: pg.ClientBase, practice: Practice, numbers: readonly number[]): Promise<unknown> => {
    const actions = numbers.map((n) => {
      const when = { start: Date.parse(at('08:00')) + n * HALF_HOUR, end: Date.parse(at('08:30')) + n * HALF_HOUR };
      const text = { remoteId: `/${String(n)}.ics`, version: '"1"', contentHash: 'k', summary: null, reference: null };
      return { type: 'mirror', appointmentId: null, object: { ...text, when, recurring: false, busy: [when] } };
    });
    const values = [practice.organization, practice.link, JSON.stringify(actions)];
    return client.query('SELECT apply_sync($1, $2, $3, NULL, 1)', values);
  };

  /** Takes these events in; how many rows were read one after the other for it. */
  const takeIn = (practice: Practice, numbers: readonly number[]): Promise<number> =>
    inTenant(pool, practice.organization, async (client) => {
      const soFar = async (): Promise<number> => {
        const text = `SELECT sum(seq_tup_read)::integer AS n FROM pg_stat_xact_user_tables WHERE relname IN ('mirror', 'claim')`;
        return (await client.query<{ n: number }>(text)).rows[0]!.n;
      };
      const before = await soFar();
      await apply(client, practice, numbers);
      return (await soFar()) - before;
    });

  test('checks what it stores by the keys, even by plans older than nearly everything that is stored', async () => {
    const practice = await opened();
    await takeIn(practice, [0]);
    const owner = openPool(database.ownerUrl, 1);
    await owner.query('ANALYZE mirror, claim');
    await owner.end();
    for (let part = 0; part < 5; part += 1) {
      const numbers = Array.from({ length: 100 }, (_, n) => 1 + part * 100 + n);
      expect(await takeIn(practice, numbers)).toBe(0);
    }
    const kept = await inTenant(pool, practice.organization, async (client) => {
      const text = `SELECT count(*)::integer AS n, count(DISTINCT mirror_id)::integer AS holders FROM claim WHERE authority = 'remote'`;
      return (await client.query(text)).rows[0];
    });
    expect(kept).toEqual({ n: 501, holders: 501 });
  });

  describe('part by part', () => {
    const started: pg.Client[] = [];

    afterEach(async () => {
      await Promise.all(started.splice(0).map((client) => client.end()));
    });

    /** A transaction of this organization, on a connection of its own. */
    const begin = async ({ organization }: Practice): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: database.appUrl });
      started.push(client);
      await client.connect();
      await client.query('BEGIN');
      await client.query(`SELECT set_config('app.organization', $1, true)`, [organization]);
      return client;
    };
    /** `waits` if it is not settled soon. */
    const within = (work: Promise<unknown>): Promise<unknown> =>
      Promise.race([work, new Promise((resolve) => setTimeout(resolve, 100, 'waits'))]);
    const claims = (practice: Practice): Promise<{ authority: string; contested: boolean; n: number }[]> =>
      inTenant(pool, practice.organization, async (client) => {
        const text = 'SELECT authority, contested, count(*)::integer AS n FROM claim GROUP BY 1, 2 ORDER BY 1, 2';
        return (await client.query<{ authority: string; contested: boolean; n: number }>(text)).rows;
      });

    test('two are taken in side by side where nothing of ours stands; a booking waits for both, and finds their time taken', async () => {
      const practice = await opened();
      const [one, two] = [await begin(practice), await begin(practice)];
      await apply(one, practice, [0, 1]);
      await apply(two, practice, [2, 3]);
      const booking = place(pool, practice, { start: at('09:00') });
      expect(await within(booking)).toBe('waits');
      await one.query('COMMIT');
      expect(await within(booking)).toBe('waits');
      await two.query('COMMIT');
      expect(await booking).toMatchObject({ outcome: 'taken', code: 'BUSY' });
      expect(await claims(practice)).toEqual([{ authority: 'remote', contested: false, n: 4 }]);
    });

    test('one waits for the other where something of ours stands', async () => {
      const practice = await opened();
      expect(await place(pool, practice, { start: at('12:00') })).toMatchObject({ outcome: 'placed' });
      const [one, two] = [await begin(practice), await begin(practice)];
      await apply(one, practice, [0]);
      const second = apply(two, practice, [1]);
      expect(await within(second)).toBe('waits');
      await one.query('COMMIT');
      await second;
      await two.query('COMMIT');
      expect(await claims(practice)).toMatchObject([{ authority: 'hub' }, { authority: 'remote', n: 2 }]);
    });

    test('what is booked while two wait for the agenda is met by one after the other', async () => {
      const practice = await opened();
      const [desk, one, two] = [await begin(practice), await begin(practice), await begin(practice)];
      await desk.query('SELECT 1 FROM agenda WHERE id = $1 FOR UPDATE', [practice.agenda]);
      const parts = [apply(one, practice, [0, 4]), apply(two, practice, [5, 9])];
      expect(await within(Promise.race(parts))).toBe('waits');
      expect(await place(desk, practice, { start: at('10:00') })).toMatchObject({ outcome: 'placed' });
      await desk.query('COMMIT');
      const first = await Promise.race(parts.map((part, index) => part.then(() => index)));
      expect(await within(parts[1 - first]!)).toBe('waits');
      await [one, two][first]!.query('COMMIT');
      await parts[1 - first];
      await [two, one][first]!.query('COMMIT');
      // Nobody had told the practitioner's tool of it yet.
      const { rows } = await inTenant(pool, practice.organization, (client) =>
        client.query('SELECT status FROM appointment'),
      );
      expect(rows).toEqual([{ status: 'refused' }]);
      expect(await claims(practice)).toEqual([{ authority: 'remote', contested: false, n: 4 }]);
    });
  });
});
