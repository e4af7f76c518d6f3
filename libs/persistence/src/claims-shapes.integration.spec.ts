import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  appointment,
  capacity,
  claim,
  claimOf,
  claimed,
  closed,
  createAgendas,
  mirrored,
  onClaim,
  refusedWith,
  update,
  type Agendas,
  type Write,
} from '../../../test/support/claims.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, during } from '../../../test/support/practice.js';

const visit =
  (range: string): Write =>
  (client, state) =>
    appointment(client, state, { during: range, occupies: during('07:00', '09:00') });
const remote =
  (range: string): Write =>
  async (client, state) =>
    claim(client, state, { during: range, mirror: await mirrored(client, state) });
const EMPTY = `[${at('08:00')},${at('08:00')})`;
const CLOSED = `[${at('08:00')},${at('08:30')}]`;

const shapes = refusedWith('23514', [
  { name: 'an empty visit', write: visit(EMPTY), constraint: 'appointment_range' },
  { name: 'a visit without an end', write: visit(`[${at('08:00')},)`), constraint: 'appointment_occupied_range' },
  {
    name: 'a visit that ends at infinity',
    write: visit(`[${at('08:00')},infinity)`),
    constraint: 'appointment_occupied_range',
  },
  { name: 'a visit without a start', write: visit(`(,${at('08:00')})`), constraint: 'appointment_occupied_range' },
  { name: 'a visit that holds its end', write: visit(CLOSED), constraint: 'appointment_range' },
  {
    name: 'a visit that leaves out its start',
    write: visit(`(${at('08:00')},${at('08:30')})`),
    constraint: 'appointment_range',
  },
  {
    name: 'a visit of more than 24 hours',
    write: (c, s) => {
      const range = `[${at('08:00')},${at('08:01', 1)})`;
      return appointment(c, s, { during: range, occupies: range });
    },
    constraint: 'appointment_range',
  },
  {
    name: 'a visit longer than what it occupies',
    write: (c, s) => appointment(c, s, { during: during('08:00', '09:00'), occupies: during('08:00', '08:30') }),
    constraint: 'appointment_occupied_range',
  },
  {
    name: 'occupied time that holds its end',
    write: (c, s) => appointment(c, s, { during: during('08:00', '08:30'), occupies: CLOSED }),
    constraint: 'appointment_occupied_range',
  },
  {
    name: 'occupied time without an end',
    write: (c, s) => appointment(c, s, { during: during('08:00', '08:30'), occupies: `[${at('08:00')},)` }),
    constraint: 'appointment_occupied_range',
  },
  { name: 'an empty claim', write: remote(EMPTY), constraint: 'claim_range' },
  { name: 'a claim without an end', write: remote(`[${at('08:00')},)`), constraint: 'claim_range' },
  { name: 'a claim until infinity', write: remote(`[${at('08:00')},infinity)`), constraint: 'claim_range' },
  { name: 'a claim of all time', write: remote('(,)'), constraint: 'claim_range' },
  { name: 'a claim that holds its end', write: remote(CLOSED), constraint: 'claim_range' },
  {
    name: 'a claim that leaves out its start',
    write: remote(`(${at('08:00')},${at('08:30')}]`),
    constraint: 'claim_range',
  },
  { name: 'an endless closure', write: (c, s) => closed(c, s, `[${at('08:00')},)`), constraint: 'closure_range' },
  { name: 'an empty closure', write: (c, s) => closed(c, s, EMPTY), constraint: 'closure_range' },
  {
    name: 'two holders',
    write: claimOf((s) => ({ during: claimed, appointment: s.live, closure: s.closure })),
    constraint: 'claim_one_holder',
  },
  { name: 'no holder', write: claimOf((s) => ({ during: claimed, holder: s.live })), constraint: 'claim_one_holder' },
  {
    name: 'another holder than what holds it',
    write: claimOf((s) => ({ during: claimed, appointment: s.live, holder: s.dead })),
    constraint: 'claim_one_holder',
  },
  {
    name: 'a booking that calls itself remote',
    write: claimOf((s) => ({ during: claimed, appointment: s.live, authority: 'remote' })),
    constraint: 'claim_authority_value',
  },
  {
    name: 'a booking renamed to remote',
    write: (c, s) => onClaim(c, `UPDATE claim SET authority = 'remote'`, s.live),
    constraint: 'claim_authority_value',
  },
  {
    name: 'a mirror that calls itself ours',
    write: claimOf((s) => ({ during: during('12:00', '13:00'), mirror: s.mirror, authority: 'hub' })),
    constraint: 'claim_authority_value',
  },
  {
    name: 'a third authority',
    write: claimOf((s) => ({ during: claimed, appointment: s.live, authority: 'nobody' })),
    constraint: 'claim_authority_value',
  },
  {
    name: 'a hold without an end',
    write: (c, s) => appointment(c, s, { status: 'held', during: claimed }),
    constraint: 'appointment_hold_ends',
  },
  {
    name: 'a booking that ends like a hold',
    write: (c, s) => update(c, `hold_until = now()`, s.live),
    constraint: 'appointment_hold_ends',
  },
  {
    name: 'an unknown state',
    write: (c, s) => update(c, `status = 'maybe'`, s.live),
    constraint: 'appointment_status_value',
  },
  {
    name: 'a removal without its ending',
    write: (c, s) => update(c, `status = 'compensating'`, s.live),
    constraint: 'appointment_ending_value',
  },
  {
    name: 'an ending without a removal',
    write: (c, s) => update(c, `ending = 'cancelled'`, s.live),
    constraint: 'appointment_ending_value',
  },
  {
    name: 'an old place without its visit',
    write: (c, s) => c.query('UPDATE remote_write SET departing_visit = NULL WHERE appointment_id = $1', [s.moving]),
    constraint: 'remote_write_departing_both',
  },
  { name: 'no capacity at all', write: (c, s) => capacity(c, s, 0), constraint: 'agenda_capacity_range' },
]);

describe('the shape of claims and appointments', () => {
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

  test.each(shapes)('$constraint refuses $name', async ({ write, code, constraint }) => {
    expect(await agendas.attempt(write)).toEqual({ code, constraint });
  });
});
