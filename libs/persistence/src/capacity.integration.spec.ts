import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import {
  at,
  createPractice,
  move,
  openPool,
  overlaps,
  place,
  query,
  type Practice,
} from '../../../test/support/practice.js';

const CAPACITY = 3;
const STEP = 5 * 60_000;

/** A small generator with a seed (mulberry32), so that a failure can be replayed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Visit {
  readonly start: number;
  readonly end: number;
}

/** Whether one more visit leaves at most CAPACITY at any time. The most at once is reached where one of them starts. */
function fits(visits: Iterable<Visit>, wanted: Visit): boolean {
  const meeting = [...visits].filter(({ start, end }) => start < wanted.end && wanted.start < end);
  const starts = [wanted.start, ...meeting.map(({ start }) => start)].filter((start) => start >= wanted.start);
  return starts.every(
    (instant) => meeting.filter(({ start, end }) => start <= instant && instant < end).length < CAPACITY,
  );
}

describe('an agenda of several seats', () => {
  let database: TestDatabase;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl, 4);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  /** Motifs of 5 to 90 minutes; index n lasts (n + 1) * 5 minutes. */
  async function motifsOf(practice: Practice): Promise<string[]> {
    const motifs = await query<{ id: string }>(
      pool,
      practice,
      `INSERT INTO motif (organization_id, id, label_fr, label_en, duration_minutes)
       SELECT $1, gen_random_uuid(), 'Consultation', 'Visit', n * 5 FROM generate_series(1, 18) n RETURNING id`,
      [practice.organization],
    );
    await query(
      pool,
      practice,
      `INSERT INTO agenda_motif SELECT organization_id, $1, id FROM motif ON CONFLICT DO NOTHING`,
      [practice.agenda],
    );
    return motifs.map(({ id }) => id);
  }

  const opens = Date.parse(at('08:00'));

  test.each([1, 2])(
    'refuses no booking that fits and takes none that does not, in 500 random requests and moves (seed %i)',
    async (seed) => {
      const random = randomFrom(seed);
      const practice = await createPractice(pool, { capacity: CAPACITY });
      const motifs = await motifsOf(practice);
      const visits = new Map<string, Visit & { readonly version: number }>();
      const wrong: string[] = [];
      for (let request = 0; request < 500; request += 1) {
        const length = random(motifs.length);
        const start = opens + random(110) * STEP;
        const wanted = { start, end: start + (length + 1) * STEP };
        const ids = [...visits.keys()];
        const moved = random(4) === 0 ? ids[random(Math.max(ids.length, 1))] : undefined;
        const others = [...visits].filter(([id]) => id !== moved).map(([, visit]) => visit);
        const target = { start: new Date(start).toISOString(), motif: motifs[length]! };
        const answer =
          moved === undefined
            ? await place(pool, practice, target)
            : await move(pool, practice, moved, { ...target, version: visits.get(moved)!.version });
        if (answer.outcome !== (fits(others, wanted) ? 'placed' : 'taken'))
          wrong.push(`${request}: ${moved === undefined ? 'place' : 'move'} ${answer.outcome}`);
        if (answer.outcome === 'placed') visits.set(answer.record!.id, { ...wanted, version: answer.record!.version });
      }
      expect(wrong).toEqual([]);
      expect(await overlaps(pool, practice)).toBe(0);
      expect(visits.size).toBeGreaterThan(50);
    },
  );

  test('gives a seat to each of as many bookings at once as it has, and no more', async () => {
    const practice = await createPractice(pool, { capacity: CAPACITY });
    const answers = await Promise.all(Array.from({ length: 10 }, () => place(pool, practice, { start: at('10:00') })));
    expect(answers.filter(({ outcome }) => outcome === 'placed')).toHaveLength(CAPACITY);
  });

  test('keeps the old place of a move at the backend, and never counts one appointment twice', async () => {
    const practice = await createPractice(pool, { capacity: 2, master: 'remote' });
    const motifs = await motifsOf(practice);
    const book = async (start: string, minutes: number) => {
      const { resource } = await place(pool, practice, { start: at(start), motif: motifs[minutes / 5 - 1]! });
      await query(pool, practice, `UPDATE appointment SET status = 'confirmed', version = 9 WHERE id = $1`, [resource]);
      return resource!;
    };
    // Two at once until 10:45, then one on the seat of the first: room for an hour from 10:30 needs new seats.
    const first = await book('10:00', 60);
    await book('10:00', 45);
    await book('11:00', 60);
    expect((await move(pool, practice, first, { version: 9, start: at('10:30') })).outcome).toBe('placed');
    const held = await query<{ held: string }>(
      pool,
      practice,
      `SELECT to_char(lower(during) AT TIME ZONE 'UTC', 'HH24:MI') AS held FROM claim WHERE holder = $1 ORDER BY 1`,
      [first],
    );
    expect(held.map((row) => row.held)).toEqual(['10:00', '10:30']);
    expect(await overlaps(pool, practice)).toBe(0);
    expect((await place(pool, practice, { start: at('10:00'), motif: motifs[5]! })).outcome).toBe('taken');
  });
});
