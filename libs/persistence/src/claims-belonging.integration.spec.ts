import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  appointment,
  booked,
  capacity,
  claimOf,
  claimed,
  createAgendas,
  onClaim,
  refusedWith,
  update,
  type Agendas,
  type Case,
} from '../../../test/support/claims.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { during } from '../../../test/support/practice.js';

const belonging = refusedWith('23503', [
  {
    name: 'a claim at another time than its appointment',
    write: claimOf((s) => ({ during: during('08:00', '08:30'), appointment: s.live })),
    constraint: 'claim_appointment_fk',
  },
  {
    name: 'a claim that moves without its appointment',
    write: (c, s) => onClaim(c, `UPDATE claim SET during = '${during('08:00', '08:30')}'`, s.live),
    constraint: 'claim_appointment_fk',
  },
  {
    name: 'a claim of no appointment',
    write: claimOf(() => ({ during: claimed, appointment: randomUUID(), seat: 2 })),
    constraint: 'claim_appointment_fk',
  },
  {
    name: `a claim of another organization's appointment`,
    write: claimOf((s) => ({ during: claimed, appointment: s.stranger.live, seat: 2 })),
    constraint: 'claim_appointment_fk',
  },
  {
    name: 'a claim at another time than its closure',
    write: claimOf((s) => ({ during: during('08:00', '08:30'), closure: s.closure })),
    constraint: 'claim_closure_fk',
  },
  {
    name: 'a claim of no closure',
    write: claimOf(() => ({ during: during('08:00', '08:30'), closure: randomUUID() })),
    constraint: 'claim_closure_fk',
  },
  {
    name: 'a claim of no mirror',
    write: claimOf(() => ({ during: during('08:00', '08:30'), mirror: randomUUID() })),
    constraint: 'claim_mirror_fk',
  },
  {
    name: 'a claim at another time than the old place',
    write: claimOf((s) => ({ during: during('08:00', '08:30'), departing: s.moving })),
    constraint: 'claim_departing_fk',
  },
  {
    name: 'an old place of what does not move',
    write: claimOf((s) => ({ during: claimed, departing: s.live, seat: 2 })),
    constraint: 'claim_departing_fk',
  },
  {
    name: 'a departure forgotten while its place is kept',
    write: (c, s) =>
      c.query('UPDATE remote_write SET departing = NULL, departing_visit = NULL WHERE appointment_id = $1', [s.moving]),
    constraint: 'claim_departing_fk',
  },
  {
    name: 'a seat beyond the capacity',
    write: (c, s) => booked(c, s, during('08:00', '08:30'), 3),
    constraint: 'claim_seat_fk',
  },
  { name: 'seat 0', write: (c, s) => booked(c, s, during('08:00', '08:30'), 0), constraint: 'claim_seat_fk' },
  {
    name: 'a capacity cut below use',
    write: async (c, s) => {
      await booked(c, s, during('10:00', '10:30'), 2);
      await capacity(c, s, 1);
    },
    constraint: 'claim_seat_fk',
  },
  {
    name: `a claim on another organization's agenda`,
    write: claimOf((s) => ({ agenda: s.stranger.agenda, during: claimed, appointment: s.live })),
    constraint: 'claim_seat_fk',
  },
  {
    name: `an appointment on another organization's agenda`,
    write: (c, s) => appointment(c, s, { during: claimed, agenda: s.stranger.agenda }),
    constraint: 'appointment_agenda_fk',
  },
  {
    name: `an appointment for another organization's motif`,
    write: (c, s) => appointment(c, s, { during: claimed, motif: s.stranger.motif }),
    constraint: 'appointment_motif_fk',
  },
  {
    name: `a patient of another organization's appointment`,
    write: (c, s) =>
      c.query(`INSERT INTO patient_identity VALUES ($1, $2, '\\x00')`, [s.organization, s.stranger.live]),
    constraint: 'patient_identity_appointment_fk',
  },
  {
    name: `a write to another organization's link`,
    write: (c, s) =>
      c.query(
        'INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id) VALUES ($1, $2, $3, $4)',
        [s.organization, s.live, s.agenda, s.stranger.link],
      ),
    constraint: 'remote_write_link_fk',
  },
  {
    name: `a motif of another organization`,
    write: (c, s) =>
      c.query('INSERT INTO agenda_motif VALUES ($1, $2, $3)', [s.organization, s.agenda, s.stranger.motif]),
    constraint: 'agenda_motif_motif_fk',
  },
]);

/** Refused, but by something that has no constraint name. */
const nameless: (Case & { readonly code: string })[] = [
  { name: 'a claim without a range', code: '23502', write: claimOf((s) => ({ during: null, appointment: s.live })) },
  {
    name: 'a claim without an agenda',
    code: '23502',
    write: (c, s) => onClaim(c, 'UPDATE claim SET agenda_id = NULL', s.live),
  },
  {
    name: 'a claim without a seat',
    code: '23502',
    write: (c, s) => onClaim(c, 'UPDATE claim SET seat = NULL', s.live),
  },
  {
    name: 'a claim without an exemption flag',
    code: '23502',
    write: (c, s) => onClaim(c, 'UPDATE claim SET overbooked = NULL', s.live),
  },
  { name: 'a visit without a range', code: '23502', write: (c, s) => update(c, 'during = NULL', s.live) },
  { name: 'a reversed range', code: '22000', write: (c, s) => appointment(c, s, { during: during('09:00', '08:00') }) },
  { name: 'an event rewritten', code: '42501', write: (c) => c.query(`UPDATE event SET data = '{}'`) },
  { name: 'an event removed', code: '42501', write: (c) => c.query('DELETE FROM event') },
  { name: 'claims truncated', code: '42501', write: (c) => c.query('TRUNCATE claim') },
  {
    name: 'the overlap constraint dropped',
    code: '42501',
    write: (c) => c.query('ALTER TABLE claim DROP CONSTRAINT claim_hub_overlap'),
  },
  {
    name: 'the triggers switched off',
    code: '42501',
    write: (c) => c.query('SET LOCAL session_replication_role = replica'),
  },
  { name: 'the migration log rewritten', code: '42501', write: (c) => c.query('DELETE FROM migrations') },
  {
    name: `a row of another organization`,
    code: '42501',
    write: (c, s) =>
      c.query(`INSERT INTO location VALUES ($1, $2, 'Lyon', 'Europe/Paris')`, [s.stranger.organization, randomUUID()]),
  },
  {
    name: `a claim given to another organization`,
    code: '42501',
    write: (c, s) => onClaim(c, `UPDATE claim SET organization_id = '${s.stranger.organization}'`, s.live),
  },
];

describe('what a claim belongs to', () => {
  let database: TestDatabase;
  let agendas: Agendas;

  beforeAll(async () => {
    database = await createTestDatabase();
    agendas = await createAgendas(database.appUrl);
  });

  afterAll(async () => {
    await agendas.pool.end();
    await database.drop();
  });

  test.each(belonging)('$constraint refuses $name', async ({ write, code, constraint }) => {
    expect(await agendas.attempt(write)).toEqual({ code, constraint });
  });

  test.each(nameless)('$code refuses $name', async ({ write, code }) => {
    expect((await agendas.attempt(write))?.code).toBe(code);
  });
});
