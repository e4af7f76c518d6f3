import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  appointment,
  claim,
  createAgendas,
  decide,
  onClaim,
  refusedWith,
  update,
  type Agendas,
} from '../../../test/support/claims.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import {
  at,
  confirm,
  createPractice,
  during,
  inTenant,
  place,
  query,
  type Practice,
} from '../../../test/support/practice.js';

const halves = refusedWith('23514', [
  {
    name: 'a live appointment without a claim',
    write: (c, s) => appointment(c, s, { during: during('08:00', '08:30') }),
    constraint: 'appointment_live_has_claim',
  },
  {
    name: 'a hold without a claim',
    write: (c, s) => appointment(c, s, { status: 'held', during: during('08:00', '08:30'), holdUntil: at('07:00') }),
    constraint: 'appointment_live_has_claim',
  },
  {
    name: 'a claim taken from under a live appointment',
    write: (c, s) => onClaim(c, 'DELETE FROM claim', s.live),
    constraint: 'appointment_live_has_claim',
  },
  {
    name: 'a claim that changes to another agenda than its appointment',
    write: (c, s) => onClaim(c, `UPDATE claim SET agenda_id = '${s.otherAgenda}', seat = 1`, s.live),
    constraint: 'appointment_live_has_claim',
  },
  {
    name: 'an appointment that changes its agenda without its claim',
    write: (c, s) => update(c, `agenda_id = '${s.otherAgenda}'`, s.live),
    constraint: 'appointment_live_has_claim',
  },
  {
    name: 'an appointment claimed on another agenda only',
    write: async (c, s) => {
      const id = await appointment(c, s, { during: during('08:00', '08:30') });
      await claim(c, s, { agenda: s.otherAgenda, during: during('08:00', '08:30'), appointment: id });
    },
    constraint: 'appointment_live_has_claim',
  },
  {
    name: 'a claim handed from a live appointment to a dead one',
    write: async (c, s) => {
      const id = await appointment(c, s, { status: 'cancelled', during: during('10:00', '10:30') });
      await onClaim(c, `UPDATE claim SET appointment_id = '${id}', holder = '${id}'`, s.live);
    },
    constraint: 'appointment_dead_has_none',
  },
  {
    name: 'a live appointment without a claim, in a transaction that goes on to another organization',
    write: async (c, s) => {
      await appointment(c, s, { during: during('08:00', '08:30') });
      await c.query(`SELECT set_config('app.organization', $1, true)`, [s.stranger.organization]);
    },
    constraint: 'appointment_live_has_claim',
  },
  {
    name: 'a claim removed, in a transaction that ends without an organization',
    write: async (c, s) => {
      await onClaim(c, 'DELETE FROM claim', s.live);
      await c.query(`SELECT set_config('app.organization', '', true)`);
    },
    constraint: 'appointment_live_has_claim',
  },
  {
    name: 'a dead appointment that keeps its claim',
    write: (c, s) => update(c, `status = 'cancelled'`, s.live),
    constraint: 'appointment_dead_has_none',
  },
  {
    name: 'a claim for a dead appointment',
    write: (c, s) => claim(c, s, { during: during('11:00', '11:30'), appointment: s.dead }),
    constraint: 'appointment_dead_has_none',
  },
  {
    name: 'a dead appointment that keeps its old place',
    write: async (c, s) => {
      await update(c, `status = 'cancelled'`, s.moving);
      await c.query('DELETE FROM claim WHERE appointment_id = $1', [s.moving]);
    },
    constraint: 'appointment_dead_has_none',
  },
  {
    name: 'the old place given up while the backend may still hold it',
    write: (c, s) => c.query('DELETE FROM claim WHERE departing_id = $1', [s.moving]),
    constraint: 'appointment_departing_has_claim',
  },
  {
    name: 'a departure without keeping the old place',
    write: (c, s) =>
      c.query(
        `INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id, departing, departing_visit) VALUES ($1, $2, $3, $4, $5, $5)`,
        [s.organization, s.live, s.agenda, s.link, during('08:00', '08:30')],
      ),
    constraint: 'appointment_departing_has_claim',
  },
  {
    name: 'a dead appointment revived',
    write: (c, s) => update(c, `status = 'confirmed'`, s.dead),
    constraint: 'appointment_dead_stays_dead',
  },
  {
    name: 'a dead appointment dead in another way',
    write: (c, s) => update(c, `status = 'refused'`, s.dead),
    constraint: 'appointment_dead_stays_dead',
  },
  {
    name: 'an exemption nobody decided',
    write: (c, s) => onClaim(c, 'UPDATE claim SET overbooked = true', s.live),
    constraint: 'claim_exemption_decided',
  },
  {
    name: 'a contest nobody decided',
    write: (c, s) => onClaim(c, 'UPDATE claim SET contested = true', s.live),
    constraint: 'claim_exemption_decided',
  },
  {
    name: 'an overbooked claim nobody decided',
    write: async (c, s) => {
      const id = await appointment(c, s, { during: during('10:00', '10:30') });
      await claim(c, s, { during: during('10:00', '10:30'), appointment: id, overbooked: true });
    },
    constraint: 'claim_exemption_decided',
  },
  {
    name: 'an exemption by an unknown decision',
    write: async (c, s) => {
      await decide(c, 'please');
      await onClaim(c, 'UPDATE claim SET overbooked = true', s.live);
    },
    constraint: 'claim_exemption_decided',
  },
]);

describe('an appointment and its claims', () => {
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

  test.each(halves)('$constraint refuses $name', async ({ write, code, constraint }) => {
    expect(await agendas.attempt(write)).toEqual({ code, constraint });
  });

  test('are told at the end of the statement, or at the commit where two writes belong together', async () => {
    const write = inTenant(agendas.pool, agendas.state.organization, (client) =>
      appointment(client, agendas.state, { during: during('08:00', '08:30') }),
    );
    await expect(write).rejects.toMatchObject({ code: '23514', constraint: 'appointment_live_has_claim' });
  });

  test('two transactions that each take one of two claims away take turns, and the second is refused', async () => {
    const practice = await createPractice(agendas.pool, { capacity: 2 });
    const id = (await place(agendas.pool, practice, { start: at('10:00') })).resource!;
    await query(
      agendas.pool,
      practice,
      `INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id)
      SELECT organization_id, agenda_id, 2, during, authority, holder, appointment_id FROM claim WHERE holder = $1`,
      [id],
    );
    const [first, second] = [await agendas.pool.connect(), await agendas.pool.connect()];
    try {
      for (const [client, seat] of [
        [first, 1],
        [second, 2],
      ] as const) {
        await client.query('BEGIN');
        await client.query(`SELECT set_config('app.organization', $1, true)`, [practice.organization]);
        await client.query('DELETE FROM claim WHERE holder = $1 AND seat = $2', [id, seat]);
      }
      await first.query('SET CONSTRAINTS ALL IMMEDIATE');
      // Waits for the first, then sees what it did.
      const late = second.query('COMMIT').catch((error: unknown) => error);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await first.query('COMMIT');
      expect(await late).toMatchObject({ constraint: 'appointment_live_has_claim' });
    } finally {
      first.release();
      second.release();
    }
  });

  describe('of a hold', () => {
    let practice: Practice;

    beforeEach(async () => {
      practice = await createPractice(agendas.pool);
    });

    const passed = (id: string) =>
      query(
        agendas.pool,
        practice,
        `UPDATE appointment SET hold_until = clock_timestamp() - interval '1 ms' WHERE id = $1`,
        [id],
      );

    test('complaint 8: end by the clock of the database, with no worker running; the hold can no longer be confirmed', async () => {
      const hold = await place(agendas.pool, practice, { start: at('10:00'), holdSeconds: 120 });
      expect(hold).toMatchObject({ outcome: 'placed', record: { status: 'held' } });
      expect(await place(agendas.pool, practice, { start: at('10:15') })).toMatchObject({
        outcome: 'taken',
        code: 'HELD',
      });
      await passed(hold.resource!);
      expect((await place(agendas.pool, practice, { start: at('10:15') })).outcome).toBe('placed');
      expect((await confirm(agendas.pool, practice, hold.resource!)).outcome).toBe('hold-ended');
      expect(await query(agendas.pool, practice, 'SELECT status FROM appointment ORDER BY created_at')).toEqual([
        { status: 'expired' },
        { status: 'confirmed' },
      ]);
    });

    test('complaint 8: a hold that ended unnoticed cannot be confirmed, even where nobody took its place', async () => {
      const hold = (await place(agendas.pool, practice, { start: at('10:00'), holdSeconds: 120 })).resource!;
      await passed(hold);
      expect((await confirm(agendas.pool, practice, hold)).outcome).toBe('hold-ended');
      expect(
        await query(
          agendas.pool,
          practice,
          'SELECT status, (SELECT count(*)::int FROM claim) AS claims FROM appointment',
        ),
      ).toEqual([{ status: 'expired', claims: 0 }]);
      expect(await query(agendas.pool, practice, 'SELECT type FROM event ORDER BY id')).toEqual([
        { type: 'appointment-held' },
        { type: 'appointment-expired' },
      ]);
    });

    test('really wait for the clock', async () => {
      const hold = (await place(agendas.pool, practice, { start: at('10:00'), holdSeconds: 1 })).resource!;
      expect((await place(agendas.pool, practice, { start: at('10:00') })).outcome).toBe('taken');
      await new Promise((resolve) => setTimeout(resolve, 1100));
      expect((await place(agendas.pool, practice, { start: at('10:00') })).outcome).toBe('placed');
      expect((await confirm(agendas.pool, practice, hold)).outcome).toBe('hold-ended');
    });
  });
});
