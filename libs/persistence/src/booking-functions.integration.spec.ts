import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import {
  at,
  confirm,
  count,
  createPractice,
  openPool,
  overlaps,
  place,
  query,
  tally,
  twins,
} from '../../../test/support/practice.js';

describe('booking', () => {
  let database: TestDatabase;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl, 32);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  test('answers with the appointment, and leaves an event, a claim and the patient', async () => {
    const practice = await createPractice(pool, { bufferBefore: 5, bufferAfter: 10 });
    const id = randomUUID();
    const answer = await place(pool, practice, { id, start: at('10:00'), patient: Buffer.from('sealed') });
    expect(answer).toMatchObject({ outcome: 'placed', resource: id, status: 201, remote: false });
    expect(answer.record).toMatchObject({
      id,
      status: 'confirmed',
      start: Date.parse(at('10:00')),
      end: Date.parse(at('10:30')),
      version: 1,
    });
    expect(await query(pool, practice, 'SELECT lower(during) AS from, upper(during) AS to, seat FROM claim')).toEqual([
      { from: new Date(at('09:55')), to: new Date(at('10:40')), seat: 1 },
    ]);
    expect(await query(pool, practice, 'SELECT sealed FROM patient_identity')).toEqual([
      { sealed: Buffer.from('sealed') },
    ]);
    const [event] = await query<{ type: string; data: unknown }>(pool, practice, 'SELECT type, data FROM event');
    expect(event).toEqual({ type: 'appointment-confirmed', data: answer.record });
  });

  test('on an agenda mastered by its backend is pending, and due there at once', async () => {
    const practice = await createPractice(pool, { master: 'remote' });
    const answer = await place(pool, practice, { start: at('10:00') });
    expect(answer).toMatchObject({ outcome: 'placed', remote: true, record: { status: 'pending' } });
    expect(await query(pool, practice, 'SELECT appointment_id, state FROM remote_write')).toEqual([
      { appointment_id: answer.resource, state: 'due' },
    ]);
    await query(pool, practice, `UPDATE link SET direction = 'read-only'`);
    expect((await place(pool, practice, { start: at('11:00') })).outcome).toBe('unlinked');
  });

  describe('within the rules', () => {
    const refusal = async (set: string | null, start = at('10:00')) => {
      const practice = await createPractice(pool);
      if (set !== null) await query(pool, practice, set);
      const { outcome, code } = await place(pool, practice, { start });
      expect(await count(pool, practice)).toBe(0);
      return { outcome, code };
    };

    test.each([
      ['AGENDA_DISABLED', 'UPDATE agenda SET active = false', at('10:00')],
      ['MOTIF_NOT_ALLOWED', 'DELETE FROM agenda_motif', at('10:00')],
      ['NOTICE_TOO_SHORT', null, '2020-01-06T10:00:00Z'],
      ['HORIZON', null, at('23:45', 29)],
      ['CLOSED', 'DELETE FROM opening_occurrence', at('10:00')],
    ])('refuses with %s', async (code, set, start) => {
      expect(await refusal(set, start)).toEqual({ outcome: 'rule', code });
    });

    test('knows no motif that is not active', async () => {
      expect((await refusal('UPDATE motif SET active = false')).outcome).toBe('motif-unknown');
    });

    test('a visit must lie in openings, be they one or several that touch; its buffers may stick out', async () => {
      const practice = await createPractice(pool, { bufferBefore: 30, bufferAfter: 30 });
      await query(pool, practice, `UPDATE opening_occurrence SET during = $1`, [`[${at('09:00')},${at('12:00')})`]);
      await query(
        pool,
        practice,
        `INSERT INTO opening_occurrence SELECT organization_id, opening_id, $1, agenda_id FROM opening_occurrence`,
        [`[${at('12:00')},${at('14:00')})`],
      );
      const outcomes = [];
      for (const start of ['08:59', '09:00', '11:45', '13:30', '13:31'])
        outcomes.push((await place(pool, practice, { start: at(start) })).outcome);
      expect(outcomes).toEqual(['rule', 'placed', 'placed', 'placed', 'rule']);
    });

    test('tells a closure from a booking and from a hold', async () => {
      const practice = await createPractice(pool);
      const closure = randomUUID();
      const range = `[${at('12:00')},${at('13:00')})`;
      await query(pool, practice, `INSERT INTO closure VALUES ($1, $2, $3, $4, 'Repas')`, [
        practice.organization,
        closure,
        practice.agenda,
        range,
      ]);
      await query(
        pool,
        practice,
        `INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, closure_id) VALUES ($1, $2, 1, $3, 'hub', $4, $4)`,
        [...[practice.organization, practice.agenda, range, closure]],
      );
      await place(pool, practice, { start: at('11:30') });
      await place(pool, practice, { start: at('13:00'), holdSeconds: 60 });
      const code = async (start: string) => (await place(pool, practice, { start: at(start) })).code;
      expect([await code('11:15'), await code('11:45'), await code('12:45'), await code('13:15')]).toEqual([
        'BUSY',
        'CLOSED',
        'CLOSED',
        'HELD',
      ]);
    });
  });

  describe('under concurrency', () => {
    test('complaint 1: 50 bookings of one slot at once make one appointment; the others are told the same', async () => {
      const practice = await createPractice(pool);
      const outcomes = await twins(50, () => place(pool, practice, { start: at('10:00') }));
      expect(tally(outcomes)).toEqual({ placed: 1, taken: 49 });
      expect(new Set(outcomes.filter(({ outcome }) => outcome === 'taken').map(({ code }) => code))).toEqual(
        new Set(['BUSY']),
      );
      expect(await count(pool, practice)).toBe(1);
    });

    test('complaint 2: an overlap of another duration is taken, what touches is free', async () => {
      const practice = await createPractice(pool);
      await place(pool, practice, { start: at('14:00') });
      const other = async (minutes: number, start: string) => {
        await query(pool, practice, 'UPDATE motif SET duration_minutes = $1', [minutes]);
        return (await place(pool, practice, { start: at(start) })).outcome;
      };
      expect(await other(60, '13:45')).toBe('taken');
      expect(await other(10, '14:10')).toBe('taken');
      expect(await other(30, '14:30')).toBe('placed');
      expect(await other(30, '13:30')).toBe('placed');
    });

    test('complaint 5: a pending booking keeps its slot, and of two made at once one is refused before either is confirmed', async () => {
      const practice = await createPractice(pool, { master: 'remote' });
      const outcomes = await twins(2, (index) => place(pool, practice, { start: at(index === 0 ? '10:00' : '10:15') }));
      expect(tally(outcomes)).toEqual({ placed: 1, taken: 1 });
      expect((await place(pool, practice, { start: at('10:10') })).outcome).toBe('taken');
      expect(await query(pool, practice, 'SELECT status FROM appointment')).toEqual([{ status: 'pending' }]);
    });

    test('complaint 8: 20 holds of one slot at once make one hold; confirming it 20 times at once makes one appointment', async () => {
      const practice = await createPractice(pool);
      const holds = await twins(20, () => place(pool, practice, { start: at('10:00'), holdSeconds: 60 }));
      expect(tally(holds)).toEqual({ placed: 1, taken: 19 });
      const id = holds.find(({ outcome }) => outcome === 'placed')!.resource!;
      expect(tally(await twins(20, () => confirm(pool, practice, id)))).toEqual({ placed: 1, 'hold-ended': 19 });
      expect(await query(pool, practice, 'SELECT status, version FROM appointment')).toEqual([
        { status: 'confirmed', version: 2 },
      ]);
    });

    test('200 bookings on one agenda by 32 connections: no overlap, no deadlock, no error', async () => {
      const practice = await createPractice(pool, { capacity: 2, bufferAfter: 5 });
      const admin = openPool(database.adminUrl, 1);
      const deadlocks = async () =>
        (
          await admin.query<{ n: string }>(
            'SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()',
          )
        ).rows[0]!.n;
      const before = await deadlocks();
      const outcomes = await twins(200, (index) => {
        const start = new Date(Date.parse(at('08:00')) + ((index * 37) % 120) * 5 * 60_000).toISOString();
        return place(pool, practice, { start, ...(index % 3 === 0 && { holdSeconds: 1 }) });
      });
      expect(Object.keys(tally(outcomes)).sort()).toEqual(['placed', 'taken']);
      expect(await overlaps(pool, practice)).toBe(0);
      expect(await deadlocks()).toBe(before);
      await admin.end();
    });
  });

  describe('after a hold', () => {
    test('confirms it, with the patient told then or at the hold', async () => {
      const practice = await createPractice(pool);
      const patient = Buffer.from('first');
      const early = (await place(pool, practice, { start: at('10:00'), holdSeconds: 60, patient })).resource!;
      const late = (await place(pool, practice, { start: at('11:00'), holdSeconds: 60 })).resource!;
      expect(await confirm(pool, practice, early, { patient: null })).toMatchObject({
        outcome: 'placed',
        record: { status: 'confirmed', version: 2 },
      });
      expect((await confirm(pool, practice, late)).outcome).toBe('placed');
      const other = (await place(pool, practice, { start: at('12:00'), holdSeconds: 60, patient })).resource!;
      await confirm(pool, practice, other, { patient: Buffer.from('corrected') });
      const sealed = await query<{ sealed: Buffer }>(
        pool,
        practice,
        'SELECT sealed FROM patient_identity JOIN appointment a ON a.id = appointment_id ORDER BY a.during',
      );
      expect(sealed.map((row) => row.sealed.toString())).toEqual(['first', 'sealed', 'corrected']);
    });

    test('on an agenda mastered by its backend becomes pending and due', async () => {
      const practice = await createPractice(pool, { master: 'remote' });
      const hold = (await place(pool, practice, { start: at('10:00'), holdSeconds: 60 })).resource!;
      expect(await count(pool, practice, 'remote_write')).toBe(0);
      expect(await confirm(pool, practice, hold)).toMatchObject({
        outcome: 'placed',
        remote: true,
        record: { status: 'pending' },
      });
      expect(await count(pool, practice, 'remote_write')).toBe(1);
    });

    test('knows no hold that never was', async () => {
      const practice = await createPractice(pool);
      expect((await confirm(pool, practice, randomUUID())).outcome).toBe('hold-unknown');
    });
  });
});
