import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { EVERYTHING } from '../../../test/support/grants.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, createPractice, openPool, place, query } from '../../../test/support/practice.js';
import { migrate } from './migrate.js';
import { migrations } from './migrations/index.js';

/** The migrations of the first hub that held appointments. */
const FIRST = 10;

describe('a hub that is brought to this version', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database.drop());

  const urlOf = (url: string, name: string): string => {
    const other = new URL(url);
    other.pathname = `/${name}`;
    return other.href;
  };

  test('keeps what is booked and who may book, and books around it', async () => {
    const name = `upgrade_${randomUUID().replaceAll('-', '')}`;
    const urls = { ownerUrl: urlOf(database.ownerUrl, name), appUrl: urlOf(database.appUrl, name) };
    const server = await new DataSource({ type: 'postgres', url: database.adminUrl }).initialize();
    await server.query(`CREATE DATABASE ${name} OWNER ${new URL(database.ownerUrl).username}`);
    const before = await new DataSource({
      type: 'postgres',
      url: urls.ownerUrl,
      migrations: migrations.slice(0, FIRST),
      migrationsTransactionMode: 'each',
    }).initialize();
    const pool = openPool(urls.appUrl, 2);
    try {
      await before.runMigrations();
      const practice = await createPractice(pool);
      const placed = await place(pool, practice, { start: at('10:00') });
      expect(placed.outcome).toBe('placed');
      await query(pool, practice, `UPDATE appointment SET status = 'conflict', reason = '{"code":"REMOTE_REFUSED"}'`);
      const [gone, key, revoked] = [randomUUID(), randomUUID(), randomUUID()];
      const { organization, collaborator } = practice;
      await query(
        pool,
        practice,
        'INSERT INTO collaborator (organization_id, id, display_name, active) VALUES ($1, $2, $3, false)',
        [...[organization, gone, 'Partie']],
      );
      await query(
        pool,
        practice,
        `INSERT INTO api_key (organization_id, id, label, secret_hash, scopes, revoked_at) VALUES ($1, $2, 'Clé', $4, '{}', NULL), ($1, $3, 'Ancienne', $4, '{}', now())`,
        [organization, key, revoked, Buffer.alloc(32)],
      );
      await migrate(urls);
      // Who worked here goes on working; a key by itself reads, as it did.
      expect(
        await query(
          pool,
          practice,
          `SELECT coalesce(collaborator_id, api_key_id) AS holder, state, agenda_ids, actions FROM access_grant ORDER BY collaborator_id`,
        ),
      ).toEqual([
        { holder: collaborator, state: 'active', agenda_ids: null, actions: EVERYTHING.slice(1, -1).split(',') },
        { holder: key, state: 'active', agenda_ids: null, actions: ['see-busy', 'see-identity', 'manage-links'] },
      ]);
      expect(await query(pool, practice, 'SELECT appointment_id, state, reason FROM conflict')).toEqual([
        { appointment_id: placed.resource, state: 'open', reason: 'lost-its-time' },
      ]);
      expect(await query(pool, practice, 'SELECT ends_at FROM claim')).toEqual([{ ends_at: new Date(at('10:30')) }]);
      expect(await place(pool, practice, { start: at('10:15') })).toMatchObject({ outcome: 'taken', code: 'BUSY' });
      expect(await place(pool, practice, { start: at('10:30') })).toMatchObject({ outcome: 'placed' });
    } finally {
      await pool.end();
      await before.destroy();
      await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await server.destroy();
    }
  });
});
