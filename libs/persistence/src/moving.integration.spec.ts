import { randomUUID } from 'node:crypto';
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
  type PracticeOptions,
} from '../../../test/support/practice.js';

describe('moving', () => {
  let database: TestDatabase;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl, 20);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  /** A practice with one confirmed appointment at 10:00, version 9. */
  async function booked(options: PracticeOptions = {}): Promise<{ practice: Practice; id: string }> {
    const practice = await createPractice(pool, options);
    const id = (await place(pool, practice, { start: at('10:00') })).resource!;
    await query(pool, practice, `UPDATE appointment SET status = 'confirmed', version = 9`);
    await query(pool, practice, `UPDATE remote_write SET state = 'settled', attempts = 1`);
    return { practice, id };
  }

  const claims = async (practice: Practice): Promise<string[]> => {
    const rows = await query<{ line: string }>(
      pool,
      practice,
      `SELECT to_char(lower(during) AT TIME ZONE 'UTC', 'HH24:MI') || CASE WHEN departing_id IS NULL THEN '' ELSE ' departing' END AS line FROM claim ORDER BY 1`,
    );
    return rows.map(({ line }) => line);
  };
  const status = async (practice: Practice, id: string) =>
    (
      await query<{ status: string; version: number; motif_id: string }>(
        pool,
        practice,
        'SELECT status, version, motif_id FROM appointment WHERE id = $1',
        [id],
      )
    )[0]!;
  const revert = async (practice: Practice, id: string) =>
    (
      await query<{ record: { start: number; motifId: string } | null }>(
        pool,
        practice,
        `SELECT revert_move($1, '{"code":"BUSY"}') AS record`,
        [id],
      )
    )[0]!.record;
  const longMotif = async (practice: Practice, minutes = 60): Promise<string> => {
    const id = randomUUID();
    await query(
      pool,
      practice,
      `INSERT INTO motif (organization_id, id, label_fr, label_en, duration_minutes) VALUES ($1, $2, 'Longue', 'Long', $3)`,
      [practice.organization, id, minutes],
    );
    await query(pool, practice, 'INSERT INTO agenda_motif VALUES ($1, $2, $3)', [
      practice.organization,
      practice.agenda,
      id,
    ]);
    return id;
  };

  test('on an agenda of the hub is done at once, onto its own old place too', async () => {
    const { practice, id } = await booked();
    const answer = await move(pool, practice, id, { version: 9, start: at('10:15') });
    expect(answer).toMatchObject({
      outcome: 'placed',
      remote: false,
      record: { status: 'confirmed', version: 10, start: Date.parse(at('10:15')) },
    });
    expect(await claims(practice)).toEqual(['10:15']);
    expect((await place(pool, practice, { start: at('09:45') })).outcome).toBe('placed');
  });

  test('at a backend keeps the old place until the practitioner’s agenda has followed', async () => {
    const { practice, id } = await booked({ master: 'remote' });
    expect(await move(pool, practice, id, { version: 9, start: at('16:00') })).toMatchObject({
      outcome: 'placed',
      remote: true,
      record: { status: 'pending' },
    });
    expect(await claims(practice)).toEqual(['10:00 departing', '16:00']);
    expect((await place(pool, practice, { start: at('10:00') })).outcome).toBe('taken');
    expect((await place(pool, practice, { start: at('16:00') })).outcome).toBe('taken');
    expect(await query(pool, practice, 'SELECT state, attempts FROM remote_write')).toEqual([
      { state: 'due', attempts: 0 },
    ]);
    expect((await move(pool, practice, id, { version: 10, start: at('17:00') })).outcome).toBe('busy');
  });

  test('that the backend refused goes back: place, motif and claims as before', async () => {
    const { practice, id } = await booked({ master: 'remote' });
    const motif = await longMotif(practice);
    await move(pool, practice, id, { version: 9, start: at('16:00'), motif });
    expect(await revert(practice, id)).toMatchObject({
      start: Date.parse(at('10:00')),
      end: Date.parse(at('10:30')),
      motifId: practice.motif,
      status: 'confirmed',
    });
    expect(await claims(practice)).toEqual(['10:00']);
    expect(await status(practice, id)).toEqual({ status: 'confirmed', version: 11, motif_id: practice.motif });
    expect((await place(pool, practice, { start: at('16:00') })).outcome).toBe('placed');
    const types = await query<{ type: string }>(
      pool,
      practice,
      'SELECT type FROM event WHERE subject_id = $1 ORDER BY id',
      [id],
    );
    expect(types.map(({ type }) => type)).toEqual([
      'appointment-pending',
      'appointment-moving',
      'appointment-move-refused',
    ]);
    expect(await revert(practice, id)).toBeNull();
  });

  test('onto its own old place at a backend, and back, overlaps nobody', async () => {
    const { practice, id } = await booked({ master: 'remote' });
    expect((await move(pool, practice, id, { version: 9, start: at('10:15') })).outcome).toBe('placed');
    expect(await claims(practice)).toEqual(['10:00 departing', '10:15']);
    await revert(practice, id);
    expect(await claims(practice)).toEqual(['10:00']);
    expect(await overlaps(pool, practice)).toBe(0);
  });

  test('an appointment made before its agenda was linked writes it to the backend', async () => {
    const { practice, id } = await booked({ master: 'remote' });
    await query(pool, practice, 'DELETE FROM remote_write');
    expect((await move(pool, practice, id, { version: 9, start: at('16:00') })).outcome).toBe('placed');
    expect(await query(pool, practice, 'SELECT appointment_id, link_id, state FROM remote_write')).toEqual([
      { appointment_id: id, link_id: practice.link, state: 'due' },
    ]);
  });

  test('of the motif alone keeps the start and takes the new duration', async () => {
    const { practice, id } = await booked();
    const motif = await longMotif(practice);
    expect(await move(pool, practice, id, { version: 9, motif })).toMatchObject({
      outcome: 'placed',
      record: { start: Date.parse(at('10:00')), end: Date.parse(at('11:00')), motifId: motif },
    });
  });

  test('keeps a motif that is no longer offered, but takes none on', async () => {
    const { practice, id } = await booked();
    const other = await longMotif(practice);
    await query(pool, practice, 'UPDATE motif SET active = false');
    expect((await move(pool, practice, id, { version: 9, motif: other })).outcome).toBe('motif-unknown');
    expect((await move(pool, practice, id, { version: 9, start: at('12:00') })).outcome).toBe('placed');
  });

  test('is refused where the new place is taken or breaks a rule, and changes nothing', async () => {
    const { practice, id } = await booked();
    await place(pool, practice, { start: at('11:00') });
    expect(await move(pool, practice, id, { version: 9, start: at('10:45') })).toMatchObject({
      outcome: 'taken',
      code: 'BUSY',
    });
    expect(await move(pool, practice, id, { version: 9, start: at('10:00', 60) })).toMatchObject({
      outcome: 'rule',
      code: 'HORIZON',
    });
    expect((await move(pool, practice, id, { version: 9, motif: randomUUID() })).outcome).toBe('motif-unknown');
    expect((await move(pool, practice, randomUUID(), { version: 9, start: at('12:00') })).outcome).toBe('unknown');
    expect((await move(pool, practice, id, { version: 8, start: at('12:00') })).outcome).toBe('stale');
    expect(await status(practice, id)).toMatchObject({ status: 'confirmed', version: 9 });
    expect(await claims(practice)).toEqual(['10:00', '11:00']);
  });

  test('of one appointment by 20 at once is done once; the others are stale', async () => {
    const { practice, id } = await booked();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        move(pool, practice, id, { version: 9, start: at(`1${index % 5}:00`, 1) }),
      ),
    );
    expect(answers.filter(({ outcome }) => outcome === 'placed')).toHaveLength(1);
    expect(answers.filter(({ outcome }) => outcome === 'stale')).toHaveLength(19);
    expect(await claims(practice)).toHaveLength(1);
  });

  test('two appointments onto each other’s place at once never overlap and never deadlock', async () => {
    const { practice, id } = await booked();
    const other = (await place(pool, practice, { start: at('11:00') })).resource!;
    for (let round = 0; round < 10; round += 1) {
      const versions = await Promise.all([status(practice, id), status(practice, other)]);
      await Promise.all([
        move(pool, practice, id, { version: versions[0].version, start: at(round % 2 === 0 ? '11:00' : '12:00') }),
        move(pool, practice, other, { version: versions[1].version, start: at(round % 2 === 0 ? '12:00' : '11:00') }),
      ]);
      expect(await overlaps(pool, practice)).toBe(0);
      expect(await claims(practice)).toHaveLength(2);
    }
  });
});
