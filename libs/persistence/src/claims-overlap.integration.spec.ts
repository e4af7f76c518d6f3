import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  appointment,
  booked,
  capacity,
  claim,
  closed,
  createAgendas,
  decide,
  mirrored,
  onClaim,
  refusedBy,
  update,
  type Agendas,
  type Case,
} from '../../../test/support/claims.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, during, inTenant } from '../../../test/support/practice.js';

const overlapping = refusedBy('23P01', 'claim_hub_overlap', [
  { name: 'hub over hub on the same seat', write: (c, s) => booked(c, s, during('10:15', '10:45')) },
  { name: 'hub inside hub', write: (c, s) => booked(c, s, during('10:10', '10:20')) },
  { name: 'hub around hub', write: (c, s) => booked(c, s, during('09:00', '11:00')) },
  { name: 'the same range twice', write: (c, s) => booked(c, s, during('10:00', '10:30')) },
  {
    name: 'a hold over a booking',
    write: async (c, s) => {
      const id = await appointment(c, s, { status: 'held', during: during('10:00', '10:30'), holdUntil: at('09:00') });
      await claim(c, s, { during: during('10:00', '10:30'), appointment: id });
    },
  },
  { name: 'a closure over a booking', write: (c, s) => closed(c, s, during('09:00', '18:00'), 2) },
  { name: 'a booking in a closure', write: (c, s) => booked(c, s, during('14:30', '15:30')) },
  { name: 'a booking over the old place of a moving one', write: (c, s) => booked(c, s, during('16:00', '16:30')) },
  {
    name: 'a claim moved onto a taken seat',
    write: async (c, s) => {
      await booked(c, s, during('10:00', '10:30'), 2);
      await onClaim(c, 'UPDATE claim SET seat = 2', s.live);
    },
  },
  {
    name: 'a longer appointment, its claim following by cascade',
    write: async (c, s) => {
      await booked(c, s, during('10:30', '11:00'));
      await update(c, `occupies = '${during('10:00', '10:45')}'`, s.live);
    },
  },
  {
    name: 'a claim that loses its exemption over another',
    write: async (c, s) => {
      await decide(c, 'overbook');
      const id = await appointment(c, s, { during: during('10:00', '10:30') });
      await claim(c, s, { during: during('10:00', '10:30'), appointment: id, overbooked: true });
      await onClaim(c, 'UPDATE claim SET overbooked = false', id);
    },
  },
]);

const overlappingRemote = refusedBy('23P01', 'claim_remote_overlap', [
  { name: 'hub over remote', write: (c, s) => booked(c, s, during('12:30', '13:30'), 2) },
  {
    name: 'remote over hub',
    write: async (c, s) => claim(c, s, { during: during('10:15', '10:20'), mirror: await mirrored(c, s) }),
  },
  {
    name: 'remote over a closure',
    write: async (c, s) => claim(c, s, { during: during('14:00', '14:10'), mirror: await mirrored(c, s) }),
  },
]);

const allowed: Case[] = [
  {
    name: 'what touches a booking before and after',
    write: async (c, s) => {
      await booked(c, s, during('09:30', '10:00'));
      await booked(c, s, during('10:30', '11:00'));
    },
  },
  { name: 'the same time on the other seat', write: (c, s) => booked(c, s, during('10:00', '10:30'), 2) },
  {
    name: 'remote over remote: he may double-book himself',
    write: async (c, s) => claim(c, s, { during: during('12:30', '13:30'), mirror: await mirrored(c, s) }),
  },
  { name: 'the place of a cancelled appointment', write: (c, s) => booked(c, s, during('11:00', '11:30')) },
  {
    name: 'overbooking by decision',
    write: async (c, s) => {
      await decide(c, 'overbook');
      const id = await appointment(c, s, { during: during('10:00', '10:30') });
      await claim(c, s, { during: during('10:00', '10:30'), appointment: id, overbooked: true });
    },
  },
  {
    name: 'a cancellation that frees its claim',
    write: async (c, s) => {
      await update(c, `status = 'cancelled'`, s.live);
      await onClaim(c, 'DELETE FROM claim', s.live);
    },
  },
  {
    name: 'an appointment and its claim changing the agenda together',
    write: async (c, s) => {
      await update(c, `agenda_id = '${s.otherAgenda}'`, s.live);
      await onClaim(c, `UPDATE claim SET agenda_id = '${s.otherAgenda}'`, s.live);
    },
  },
  {
    name: 'a moving appointment that overlaps its old place',
    write: (c, s) =>
      update(c, `during = '${during('16:15', '16:45')}', occupies = '${during('16:15', '16:45')}'`, s.moving),
  },
  {
    name: 'two seats changed round in one transaction',
    write: async (c, s) => {
      const id = await booked(c, s, during('10:00', '10:30'), 2);
      await c.query('SET CONSTRAINTS claim_hub_overlap DEFERRED');
      await onClaim(c, 'UPDATE claim SET seat = 2', s.live);
      await onClaim(c, 'UPDATE claim SET seat = 1', id);
    },
  },
  {
    name: 'a smaller capacity where the others fit: they move down, closures give up the seat',
    write: async (c, s) => {
      const id = await booked(c, s, during('08:00', '08:30'), 2);
      await capacity(c, s, 1);
      const seats = await c.query('SELECT DISTINCT seat FROM claim WHERE agenda_id = $1', [s.agenda]);
      expect(seats.rows).toEqual([{ seat: 1 }]);
      expect((await c.query('SELECT seat FROM claim WHERE holder = $1', [id])).rows).toEqual([{ seat: 1 }]);
    },
  },
  {
    name: 'a greater capacity: a closure and the practitioner’s own time take the new seat too',
    write: async (c, s) => {
      await capacity(c, s, 3);
      for (const holder of [s.closure, s.mirror]) {
        expect((await c.query('SELECT seat FROM claim WHERE holder = $1 ORDER BY seat', [holder])).rows).toEqual([
          { seat: 1 },
          { seat: 2 },
          { seat: 3 },
        ]);
      }
    },
  },
];

describe('claims that overlap', () => {
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

  test.each([...overlapping, ...overlappingRemote])(
    '$constraint refuses $name',
    async ({ write, code, constraint }) => {
      expect(await agendas.attempt(write)).toEqual({ code, constraint });
    },
  );

  test.each(allowed)('allows $name', async ({ write }) => {
    expect(await agendas.attempt(write)).toBeNull();
  });

  test('are hidden from every refusal: no range and no id of the other booking in the message', async () => {
    const error: unknown = await inTenant(agendas.pool, agendas.state.organization, (client) =>
      booked(client, agendas.state, during('10:15', '10:45')),
    ).catch((caught: unknown) => caught);
    expect((error as Error).message).toBe('conflicting key value violates exclusion constraint "claim_hub_overlap"');
  });
});
