import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import {
  at,
  createPractice,
  inTenant,
  openPool,
  place,
  refusalOf,
  type Practice,
} from '../../../test/support/practice.js';

interface Table {
  readonly table: string;
  readonly columns: readonly string[];
}

const TABLES = `SELECT c.relname AS table, array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attidentity = '' AND a.attgenerated = '') AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'migrations' GROUP BY c.relname ORDER BY 1`;

/** What the application adds to, and can neither change nor remove. */
const APPEND_ONLY = new Set(['event', 'trace', 'audit_entry', 'audit_subject', 'audit_seal']);

/** At least one row in every table that a booking does not fill by itself. */
async function fill(
  client: pg.PoolClient,
  { organization, agenda, link, motif, collaborator }: Practice,
): Promise<void> {
  const id = randomUUID();
  const values: [string, string, unknown[]][] = [
    [
      'api_key',
      'organization_id, id, label, secret_hash, scopes',
      [organization, id, 'Clé', Buffer.alloc(32), ['agendas']],
    ],
    [
      'failed_attempt',
      'organization_id, id, credential, address',
      [organization, id, Buffer.alloc(32), Buffer.alloc(32)],
    ],
    ['identity_provider', 'organization_id, id, label, issuer, client_id', [organization, id, 'A', 'https://id', 'u']],
    [
      'identity',
      'organization_id, id, provider_id, collaborator_id, subject, scopes',
      [organization, id, id, collaborator, 'claire', []],
    ],
    ['seen_credential', 'organization_id, credential, address', [organization, Buffer.alloc(32), Buffer.alloc(32)]],
    [
      'closure',
      'organization_id, id, agenda_id, during, label',
      [organization, id, agenda, `[${at('08:00')},${at('09:00')})`, 'Congés'],
    ],
    [
      'reserve',
      'organization_id, id, agenda_id, label, rrule, starts_local, duration_minutes, time_zone, kept_for, release',
      [organization, id, agenda, 'Urgences', 'FREQ=DAILY', '2026-01-05T11:00', 60, 'Europe/Paris', {}, '[]'],
    ],
    [
      'reserve_occurrence',
      'organization_id, reserve_id, during, agenda_id',
      [organization, id, `[${at('11:00')},${at('12:00')})`, agenda],
    ],
    [
      'substitution',
      'organization_id, id, agenda_id, during, display_name',
      [organization, id, agenda, `[${at('08:00')},${at('18:00')})`, 'Dr Rempla'],
    ],
    [
      'series',
      'organization_id, id, agenda_id, motif_id, mode, state, actor',
      [organization, id, agenda, motif, 'report', 'settling', {}],
    ],
    [
      'bulk_cancellation',
      'organization_id, id, agenda_ids, during, reason, actor',
      [organization, id, [agenda], `[${at('08:00')},${at('18:00')})`, {}, {}],
    ],
    ['organization_key', 'organization_id, version, wrapped, wrapped_by', [organization, 1, Buffer.alloc(1), 'k1']],
    [
      'erasure',
      'organization_id, id, appointment_ids, entry_ids, quarantined, copies, actor',
      [organization, id, [], [], 0, 0, {}],
    ],
    ['patient_key', 'organization_id, id, wrapped', [organization, id, Buffer.alloc(1)]],
    ['key_rotation', 'organization_id, id, to_version, total', [organization, id, 1, 0]],
    ['mirror', 'organization_id, id, link_id, remote_id, content_hash', [organization, id, link, '1', 'hash']],
    [
      'quarantine',
      'organization_id, link_id, remote_id, reason, raw_sealed',
      [organization, link, '2', 'unreadable', Buffer.alloc(1)],
    ],
    ['push_hint', 'organization_id, link_id, hint_id', [organization, link, '3']],
    ['held_deletion', 'organization_id, link_id, remote_id', [organization, link, '4']],
    ['push_secret', 'organization_id, link_id, id, hash', [organization, link, id, 'hash']],
    ['agenda_lane', 'organization_id, agenda_id', [organization, agenda]],
    [
      'feed',
      'organization_id, id, agenda_id, label, disclosure, token_hash',
      [organization, id, agenda, 'Téléphone', 'busy', Buffer.alloc(32)],
    ],
    ['link_plan', 'organization_id, link_id, version, digest, plan', [organization, link, 1, '', {}]],
    ['link_watch', 'organization_id, link_id', [organization, link]],
    [
      'waiting_entry',
      'organization_id, id, sealed, motif_ids, availability, priority, audience, created_by',
      [organization, id, Buffer.alloc(1), [motif], {}, 'soon', 'SECRETARIAT', collaborator],
    ],
    ['waiting_wish', 'organization_id, entry_id, agenda_id', [organization, id, agenda]],
    [
      'waiting_offer',
      'organization_id, id, entry_id, agenda_id, motif_id, starts_at, ends_at',
      [organization, id, id, agenda, motif, at('08:00'), at('09:00')],
    ],
    ['vacancy', 'organization_id, agenda_id', [organization, agenda]],
    [
      'audit_entry',
      'organization_id, seq, transaction_id, source_id, at, action, objects, patients, actor_kind, hash',
      [organization, 1, 1, 1, at('08:00'), 'test', [], [], 'system', Buffer.alloc(32)],
    ],
    ['audit_subject', 'organization_id, subject_id, seq', [organization, agenda, 1]],
    [
      'audit_seal',
      'organization_id, kind, seq, transaction_id, source_id, hash, key_id, signature',
      [organization, 'hourly', 1, 1, 1, Buffer.alloc(32), 't1', Buffer.alloc(64)],
    ],
    [
      'disconnection',
      'organization_id, link_id, agenda_id, connection_id, remote_agenda_id, remote, state',
      [organization, id, agenda, id, '1', 'remove', 'removing'],
    ],
    [
      'disconnection_object',
      'organization_id, link_id, reference, appointment_id, during, state',
      [organization, id, `${id}-1`, id, `[${at('08:00')},${at('09:00')})`, 'due'],
    ],
    ['team', 'organization_id, id, name', [organization, id, 'Accueil']],
    ['team_member', 'organization_id, team_id, collaborator_id', [organization, id, collaborator]],
    [
      'mandate',
      'organization_id, id, secretariat_id, label, staffing, team_id, starts_at',
      [organization, id, randomUUID(), 'Télésecrétariat', 'shared', id, at('08:00')],
    ],
    [
      'access_grant',
      'organization_id, id, team_id, actions, state',
      [organization, id, id, ['see-busy', 'create'], 'active'],
    ],
    [
      'grant_use',
      'organization_id, grant_id, action, local_day, key',
      [organization, id, 'create', '2031-01-06', 'key'],
    ],
    ['grant_notice', 'organization_id, id, grant_id, agenda_id, change', [organization, id, id, agenda, 'issued']],
  ];
  for (const [table, columns, row] of values) {
    await client.query(
      `INSERT INTO ${table} (${columns}) VALUES (${row.map((_, index) => `$${index + 1}`).join(', ')})`,
      row,
    );
  }
  for (const rows of [
    `consent (organization_id, connection_id, state_hash, verifier_sealed, actor, expires_at) SELECT organization_id, id, $1, $1, '{}', now() FROM connection`,
    `access_token (organization_id, id, api_key_id, secret_hash, scopes, expires_at) SELECT organization_id, id, id, $1, '{}', now() FROM api_key`,
    `sign_in (organization_id, id, provider_id, state_hash, browser_hash, return_to, expires_at) SELECT organization_id, id, id, $1, $1, '/', now() FROM identity_provider`,
    `session (organization_id, id, identity_id, secret_hash, id_token_sealed, expires_at) SELECT organization_id, id, id, $1, $1, now() FROM identity`,
  ])
    await client.query(`INSERT INTO ${rows}`, [Buffer.alloc(32)]);
  // The functions below are called as for an agenda without rules of its own.
  await client.query('UPDATE agenda SET ruled = false WHERE id = $1', [agenda]);
  const hold = [organization, randomUUID(), agenda, motif, `[${at('07:00')},${at('07:30')})`, collaborator];
  await client.query(
    `INSERT INTO appointment (organization_id, id, agenda_id, motif_id, status, during, occupies, hold_until, created_by) VALUES ($1, $2, $3, $4, 'held', $5, $5, now(), $6)`,
    hold,
  );
  await client.query('INSERT INTO overbooking_notice (organization_id, appointment_id, during) VALUES ($1, $2, $3)', [
    organization,
    hold[1],
    hold[4],
  ]);
  await client.query(
    'INSERT INTO bulk_item (organization_id, bulk_id, appointment_id, version) VALUES ($1, $2, $3, 1)',
    [organization, id, hold[1]],
  );
  await client.query(
    `INSERT INTO text_due (organization_id, appointment_id, link_id, former) VALUES ($1, $2, $3, '{}')`,
    [organization, hold[1], link],
  );
  for (const [table, columns, given] of [
    ['conflict', 'reason, ours', `'both-moved', '{}'`],
    ['callback_task', 'reason, created_by', `'moved', '{}'`],
  ] as const) {
    await client.query(
      `INSERT INTO ${table} (organization_id, id, appointment_id, agenda_id, ${columns}) VALUES ($1, $2, $3, $4, ${given})`,
      [organization, id, hold[1], agenda],
    );
  }
  await client.query(
    `INSERT INTO claim (organization_id, agenda_id, seat, during, authority, holder, appointment_id) SELECT organization_id, agenda_id, 1, occupies, 'hub', id, id FROM appointment WHERE status = 'held'`,
  );
}

describe('the isolation of organizations', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let mine: Practice;
  let theirs: Practice;
  let tables: Table[];
  /** As the superuser counts them. */
  let all: Record<string, number>;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    mine = await createPractice(pool, { master: 'remote' });
    theirs = await createPractice(pool, { master: 'remote' });
    for (const practice of [mine, theirs]) {
      await place(pool, practice, { start: at('10:00'), patient: Buffer.from('sealed'), key: 'same-key' });
      await inTenant(pool, practice.organization, (client) => fill(client, practice));
    }
    const admin = openPool(database.adminUrl, 1);
    tables = (await admin.query<Table>(TABLES)).rows;
    all = await counts(admin);
    await admin.end();
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  async function counts(client: pg.Pool | pg.PoolClient): Promise<Record<string, number>> {
    const union = tables
      .map(({ table }) => `SELECT '${table}' AS table, count(*)::int AS n FROM ${table}`)
      .join(' UNION ALL ');
    const { rows } = await client.query<{ table: string; n: number }>(union);
    return Object.fromEntries(rows.map(({ table, n }) => [table, n]));
  }

  const nothing = () => Object.fromEntries(tables.map(({ table }) => [table, 0]));
  const asDispatcher = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN; SET LOCAL ROLE unisson_dispatcher');
      return await work(client);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  };

  test('has rows of both in every table, or the rest proves nothing', () => {
    for (const { table } of tables) expect({ table, enough: (all[table] ?? 0) >= 2 }).toEqual({ table, enough: true });
  });

  test('shows no row of any table without an organization', async () => {
    expect(await counts(pool)).toEqual(nothing());
  });

  test('shows no row of any table to an organization that does not exist', async () => {
    expect(await inTenant(pool, randomUUID(), counts)).toEqual(nothing());
  });

  test('shows each organization its own half of every table', async () => {
    const [first, second] = [
      await inTenant(pool, mine.organization, counts),
      await inTenant(pool, theirs.organization, counts),
    ];
    for (const { table } of tables)
      expect({ table, n: first[table]! + second[table]! }).toEqual({ table, n: all[table] });
    expect(first).toEqual(second);
  });

  test.each(['SELECT', 'UPDATE', 'DELETE', 'INSERT', 'UPSERT', 'GIVE'] as const)(
    'refuses %s of another organization’s row, in every table',
    async (verb) => {
      for (const { table, columns } of tables) {
        const foreign = `WHERE organization_id = '${theirs.organization}'`;
        const copy = columns
          .map((column) => (column === 'organization_id' ? `'${theirs.organization}'::uuid` : `${table}.${column}`))
          .join(', ');
        const write = {
          SELECT: `SELECT 1 FROM ${table} ${foreign}`,
          UPDATE: `UPDATE ${table} SET organization_id = organization_id ${foreign}`,
          DELETE: `DELETE FROM ${table} ${foreign}`,
          INSERT: `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${copy} FROM ${table}`,
          UPSERT: `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${copy} FROM ${table} ON CONFLICT DO NOTHING`,
          GIVE: `UPDATE ${table} SET organization_id = '${theirs.organization}'`,
        }[verb];
        let touched = 0;
        const refusal = await refusalOf(pool, mine.organization, async (client) => {
          touched = (await client.query(write)).rowCount ?? 0;
        });
        // Rows that are not seen are not touched; rows that would become theirs are refused by the policy or the grant.
        const kept = APPEND_ONLY.has(table) || (verb === 'DELETE' && ['access_grant', 'mandate'].includes(table));
        const invisible = verb === 'SELECT' || ((verb === 'UPDATE' || verb === 'DELETE') && !kept);
        expect({ table, touched, code: refusal?.code }).toEqual({
          table,
          touched: 0,
          code: invisible ? undefined : '42501',
        });
      }
    },
  );

  test('does not leave the organization on the connection', async () => {
    const single = openPool(database.appUrl, 1);
    try {
      expect((await inTenant(single, mine.organization, counts))['agenda']).toBe(1);
      expect(await counts(single)).toEqual(nothing());
      await place(single, mine, { start: at('11:00') });
      expect(await counts(single)).toEqual(nothing());
      await expect(inTenant(single, mine.organization, (client) => client.query('SELECT 1/0'))).rejects.toThrow(
        'division by zero',
      );
      expect(await counts(single)).toEqual(nothing());
    } finally {
      await single.end();
    }
  });

  test('holds for the functions: an id of another organization is unknown', async () => {
    expect((await place(pool, { ...mine, agenda: theirs.agenda }, { start: at('15:00') })).outcome).toBe(
      'agenda-unknown',
    );
    expect((await place(pool, mine, { start: at('15:00'), motif: theirs.motif })).outcome).toBe('motif-unknown');
    const key = await place(pool, mine, { start: at('10:00'), key: 'same-key' });
    const other = await place(pool, theirs, { start: at('10:00'), key: 'same-key' });
    expect([key.outcome, other.outcome]).toEqual(['running', 'running']);
    expect(key.resource).not.toBe(other.resource);
  });

  test('binds even the owner of the tables', async () => {
    const owner = openPool(database.ownerUrl, 1);
    try {
      expect(await counts(owner)).toEqual(nothing());
    } finally {
      await owner.end();
    }
  });

  describe('for the dispatcher', () => {
    const GRANTED: Record<string, string> = {
      agenda: 'organization_id, id, opened_until, horizon_days',
      appointment: 'organization_id, id, agenda_id, status, hold_until, held_there_until',
      audit_entry: 'organization_id, transaction_id, source_id',
      bulk_cancellation: 'organization_id, id, state, due_at',
      connection: 'organization_id, id, blocked_until',
      disconnection: 'organization_id, link_id, agenda_id, state, due_at',
      event: 'organization_id, transaction_id, id',
      key_rotation: 'organization_id, state, due_at',
      grant_notice: 'organization_id, due_at, told_at',
      link: 'organization_id, id, agenda_id, connection_id, status, poll_at, reconciled_at, subscription_until, phase, paused_at, resubscribe_at',
      organization: 'organization_id',
      overbooking_notice: 'organization_id, due_at, told_at',
      remote_write: 'organization_id, appointment_id, agenda_id, state, due_at',
      series: 'organization_id, id, state, due_at',
      trace: 'organization_id, transaction_id, id',
      vacancy: 'organization_id, agenda_id, due_at',
    };

    test('shows which rows are due in every organization, and only those', async () => {
      const organizations = (sql: string) =>
        asDispatcher(async (client) =>
          (await client.query<{ organization_id: string }>(sql)).rows.map((row) => row.organization_id).sort(),
        );
      const both = [mine.organization, theirs.organization].sort();
      for (const table of ['agenda', 'link', 'organization'])
        expect(await organizations(`SELECT organization_id FROM ${table}`)).toEqual(both);
      expect(await organizations('SELECT DISTINCT organization_id FROM remote_write')).toEqual(both);
      expect(await organizations('SELECT organization_id FROM appointment')).toEqual(both);
      const states = await asDispatcher((client) =>
        client.query('SELECT DISTINCT status FROM appointment UNION SELECT DISTINCT state FROM remote_write'),
      );
      expect(states.rows).toEqual(expect.arrayContaining([{ status: 'held' }, { status: 'due' }]));
      expect(states.rows).toHaveLength(2);
    });

    test('refuses every column and table that was not granted, and every write', async () => {
      for (const { table, columns } of tables) {
        const granted = (GRANTED[table] ?? '').split(', ');
        for (const column of columns) {
          const read = asDispatcher((client) => client.query(`SELECT ${column} FROM ${table}`));
          if (granted.includes(column)) await expect(read).resolves.toBeDefined();
          else await expect(read).rejects.toMatchObject({ code: '42501' });
        }
        for (const write of [
          `DELETE FROM ${table}`,
          `UPDATE ${table} SET organization_id = organization_id`,
          `INSERT INTO ${table} DEFAULT VALUES`,
          `SELECT * FROM ${table} FOR UPDATE`,
        ]) {
          await expect(asDispatcher((client) => client.query(write))).rejects.toMatchObject({ code: '42501' });
        }
      }
    });

    test('lends nothing to the application: without taking the role on, its rows stay hidden', async () => {
      for (const [table, columns] of Object.entries(GRANTED)) {
        expect((await pool.query(`SELECT ${columns} FROM ${table}`)).rows).toEqual([]);
      }
    });

    test('ends with the transaction', async () => {
      const single = openPool(database.appUrl, 1);
      try {
        await single.query('BEGIN; SET LOCAL ROLE unisson_dispatcher; COMMIT');
        expect((await single.query('SELECT current_user AS role')).rows).toEqual([{ role: 'unisson_app' }]);
        expect((await single.query('SELECT organization_id FROM organization')).rows).toEqual([]);
      } finally {
        await single.end();
      }
    });
  });
});
