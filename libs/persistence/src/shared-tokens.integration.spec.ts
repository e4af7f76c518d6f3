import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type Actor } from '#application';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { createPractice, inTenant, openPool } from '../../../test/support/practice.js';
import { testVault } from '../../../test/support/test-vault.js';
import { Database } from './database.js';
import { PgConnectionStore } from './stores/connections.js';

describe('what the sessions of a connection share', () => {
  let test: TestDatabase;
  let pool: pg.Pool;
  let database: Database;
  let store: PgConnectionStore;
  let organizationId: string;
  const id = newId();
  const secrets = { auth: { refreshToken: 'entered' } };

  const account = async () => (await store.account(organizationId, id))!;
  const replace = async (expected: string | null, next: string) =>
    store.replaceSharedTokens(organizationId, id, { expected, next, fingerprint: (await account()).fingerprint });
  const shared = () => store.sharedTokens(organizationId, id);

  beforeAll(async () => {
    test = await createTestDatabase();
    pool = openPool(test.appUrl);
    database = await Database.open({ url: test.appUrl, poolSize: 4, applicationName: 'shared-tokens' });
    store = new PgConnectionStore(database, testVault(database));
    const practice = await createPractice(pool);
    organizationId = practice.organization;
    const actor: Actor = { kind: 'collaborator', id: practice.collaborator, key: newId() };
    const connection = {
      organizationId,
      id,
      connectorId: 'google',
      label: 'Agenda',
      settings: { a: 1 },
      secrets,
      responsible: null,
      actor,
    };
    await store.create(connection);
  });
  afterAll(async () => {
    await database.close();
    await pool.end();
    await test.drop();
  });

  it('is nothing at first, then what was stored last, by whoever knew what stood there', async () => {
    expect(await shared()).toBeNull();
    expect(await replace('something', 'x')).toBe(false);
    expect(await replace(null, 'first')).toBe(true);
    expect(await replace(null, 'late')).toBe(false);
    expect(await shared()).toBe('first');
  });

  it('complaint 23: of many who replace it at once, one does', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => replace('first', `next-${n}`)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await shared()).toBe(`next-${answers.indexOf(true)}`);
  });

  it('is not a secret that was entered, changes no fingerprint, and cannot be read in the database', async () => {
    const before = await account();
    expect(before.secrets).toEqual(secrets);
    expect(await replace(await shared(), 'another-token')).toBe(true);
    expect(await account()).toEqual(before);
    const sealed = await inTenant(pool, organizationId, async (client) => {
      const { rows } = await client.query<{ sealed: Buffer }>('SELECT secrets_sealed AS sealed FROM connection');
      return rows.map((row) => row.sealed.toString('latin1')).join();
    });
    expect(sealed).not.toContain('another-token');
  });

  it('is not stored for secrets that are others by now, nor for a connection of somebody else', async () => {
    const change = { expected: await shared(), next: 'x', fingerprint: 'of former secrets' };
    expect(await store.replaceSharedTokens(organizationId, id, change)).toBe(false);
    const other = await createPractice(pool);
    expect(await store.sharedTokens(other.organization, id)).toBeNull();
    expect(await store.replaceSharedTokens(other.organization, id, change)).toBe(false);
  });
});
