import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, createPractice, openPool, query, type Practice } from '../../../test/support/practice.js';

/** What is kept while an appointment goes elsewhere, and what it comes back to. */
describe('places that are kept', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let practice: Practice;
  let laser: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl, 4);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const sql = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
    query<Row>(pool, practice, text, values);
  const terms = (): object => ({
    durationMinutes: 30,
    bufferBeforeMinutes: 0,
    bufferAfterMinutes: 0,
    equipment: [laser],
  });
  /** Another agenda of the practice, where the motif can be booked all day. */
  async function anotherAgenda(): Promise<string> {
    const id = randomUUID();
    await sql(
      `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, opened_until) SELECT organization_id, $1, practitioner_id, location_id, 'B', opened_until FROM agenda WHERE id = $2`,
      [id, practice.agenda],
    );
    await sql('INSERT INTO agenda_motif (organization_id, agenda_id, motif_id, rules) VALUES ($1, $2, $3, $4)', [
      ...[practice.organization, id, practice.motif],
      { equipment: [laser] },
    ]);
    return id;
  }
  async function start(options: Parameters<typeof createPractice>[1] = {}, rules: object = {}): Promise<void> {
    practice = await createPractice(pool, options);
    laser = randomUUID();
    await sql(
      `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name) SELECT organization_id, $1, practitioner_id, location_id, 'Laser' FROM agenda WHERE id = $2`,
      [laser, practice.agenda],
    );
    await sql('UPDATE agenda_motif SET rules = $1', [{ equipment: [laser], ...rules }]);
  }

  interface Answer extends pg.QueryResultRow {
    outcome: string;
    code: string | null;
    resource: string;
    record: { status: string; overbooked: boolean; overbooking?: string };
  }
  async function place(time: string, more: object = {}, on = practice.agenda, holdSeconds: number | null = null) {
    const { organization, motif, collaborator } = practice;
    const values = [organization, randomUUID(), on, motif, at(time), holdSeconds, collaborator, {}];
    const text = 'SELECT * FROM place_appointment($1, $2, $3, $4, $5, $6, $7, $8, NULL, NULL, NULL, true, $9)';
    return (await sql<Answer>(text, [...values, { terms: terms(), ...more }]))[0]!;
  }
  async function booked(time: string, more: object = {}): Promise<string> {
    const { outcome, resource } = await place(time, more);
    expect(outcome).toBe('placed');
    await sql(`UPDATE appointment SET status = 'confirmed' WHERE id = $1`, [resource]);
    await sql(`UPDATE remote_write SET state = 'settled'`);
    return resource;
  }
  async function move(id: string, time: string, more: object = {}): Promise<Answer> {
    const [{ version } = { version: 0 }] = await sql<{ version: number }>(
      'SELECT version FROM appointment WHERE id = $1',
      [id],
    );
    const values = [practice.organization, id, version, at(time), {}, { terms: terms(), ...more }];
    return (await sql<Answer>('SELECT * FROM move_appointment($1, $2, $3, $4, NULL, $5, true, $6)', values))[0]!;
  }
  const revert = (id: string): Promise<unknown> => sql(`SELECT revert_move($1, '{"code":"REMOTE_REFUSED"}')`, [id]);
  const claims = async (agenda: string): Promise<string[]> =>
    (
      await sql<{ line: string }>(
        `SELECT to_char(lower(during) AT TIME ZONE 'UTC', 'HH24:MI') || '-' || to_char(upper(during) AT TIME ZONE 'UTC', 'HH24:MI')
           || CASE WHEN departing_id IS NULL THEN '' ELSE ' departing' END || CASE WHEN overbooked THEN ' overbooked' ELSE '' END
           || CASE WHEN contested THEN ' contested' ELSE '' END AS line FROM claim WHERE agenda_id = $1 ORDER BY 1`,
        [agenda],
      )
    ).map(({ line }) => line);

  test('a move that the backend has not answered keeps the equipment of both places, and comes back to it', async () => {
    await start({ master: 'remote' });
    const other = await anotherAgenda();
    const id = await booked('10:00');
    expect((await move(id, '14:00')).outcome).toBe('placed');
    expect(await claims(laser)).toEqual(['10:00-10:30 departing', '14:00-14:30']);
    await expect(place('10:00', {}, other)).rejects.toMatchObject({ code: '40001' });
    await revert(id);
    expect([await claims(practice.agenda), await claims(laser)]).toEqual([['10:00-10:30'], ['10:00-10:30']]);
  });

  test('a retreat keeps the equipment of the place that it comes from', async () => {
    await start({ master: 'remote' });
    const id = await booked('10:00');
    await move(id, '14:00');
    await sql('SELECT retreat_move($1)', [id]);
    expect(await claims(laser)).toEqual(['10:00-10:30', '14:00-14:30 departing']);
  });

  test('a move that was refused comes back beside another that was decided to stand there', async () => {
    await start({ master: 'remote' }, { equipment: [] });
    laser = randomUUID();
    const alone = { terms: { ...terms(), equipment: [] } };
    await booked('10:00', alone);
    const id = await booked('10:00', { ...alone, overbooking: 'Décidé' });
    // As a double-booking is accepted: by a decision about the claim alone.
    await sql('UPDATE appointment SET overbooking = NULL WHERE id = $1', [id]);
    expect((await move(id, '14:00', alone)).outcome).toBe('placed');
    await revert(id);
    expect(await claims(practice.agenda)).toEqual(['10:00-10:30', '10:00-10:30 overbooked']);
  });

  test('a refused move to a place beside another leaves no mark, and nobody is told', async () => {
    await start({ master: 'remote' }, { equipment: [] });
    const alone = { terms: { ...terms(), equipment: [] } };
    await booked('14:00', alone);
    const id = await booked('10:00', alone);
    const moved = await move(id, '14:00', { ...alone, overbooking: 'Urgence' });
    expect(moved.record).toMatchObject({ status: 'pending', overbooking: 'Urgence' });
    await revert(id);
    expect(await sql('SELECT overbooking FROM appointment WHERE id = $1', [id])).toEqual([{ overbooking: null }]);
    expect(await sql('SELECT 1 FROM overbooking_notice')).toEqual([]);
  });

  test('an overbooked one that stands alone again is a visit like any other', async () => {
    await start({ capacity: 2 }, { equipment: [] });
    const alone = { terms: { ...terms(), equipment: [] } };
    const ids = [await booked('10:00', alone), await booked('10:00', alone)];
    await booked('10:00', { ...alone, overbooking: 'Urgence' });
    await sql(`SELECT end_appointment($1, ARRAY['confirmed'], 'cancelled', '{"code":"CANCELLED"}', '{}')`, [ids[1]]);
    expect(await claims(practice.agenda)).toEqual(['10:00-10:30', '10:00-10:30']);
    expect(await place('10:00', alone)).toMatchObject({ outcome: 'taken', code: 'BUSY' });
  });

  test('a hold of another agenda that has ended does not keep the equipment', async () => {
    await start();
    const other = await anotherAgenda();
    expect((await place('10:00', {}, other, 60)).outcome).toBe('placed');
    await sql(`UPDATE appointment SET hold_until = clock_timestamp() - interval '1 second' WHERE status = 'held'`);
    expect((await place('10:00')).outcome).toBe('placed');
    expect(await claims(laser)).toEqual(['10:00-10:30']);
  });

  test('where the practitioner puts a visit, its equipment and the buffers of the rules go with it', async () => {
    await start({ master: 'remote' }, { bufferAfterMinutes: 15 });
    const buffered = { terms: { ...terms(), bufferAfterMinutes: 15 } };
    const id = await booked('10:00', buffered);
    await booked('16:00', { terms: { ...terms(), equipment: [] } });
    const follow = (from: string, to: string): Promise<unknown> =>
      sql('SELECT follow_move(g, $1, tstzrange($2, $3)) FROM agenda g WHERE g.id = $4', [
        ...[id, at(from), at(to), practice.agenda],
      ]);
    await follow('12:00', '12:30');
    expect([await claims(practice.agenda), await claims(laser)]).toEqual([
      ['12:00-12:45', '16:00-16:30'],
      ['12:00-12:45'],
    ]);
    await follow('16:00', '16:30');
    expect([await claims(practice.agenda), await claims(laser)]).toEqual([
      ['16:00-16:30', '16:00-16:30 contested'],
      ['16:00-16:30'],
    ]);
  });
});
