import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Exports } from '#application';
import { Database, PgExports, PgIdentityAdministration, PgSignInStore } from '#persistence';
import { parseEnvironment, type Environment } from '#platform';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { createPractice, inTenant, openPool, type Practice } from '../../../test/support/practice.js';
import { decideExport, listExports } from './exports.js';
import { openKeys } from './organization-keys.js';
import { createProvider, linkPerson } from './people.js';

let testDatabase: TestDatabase;
let database: Database;
let environment: Environment;
let practice: Practice;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'unisson-people-'));
  testDatabase = await createTestDatabase();
  environment = parseEnvironment({
    DATABASE_URL: testDatabase.appUrl,
    UNISSON_KEYS: `t1:${Buffer.alloc(32, 7).toString('base64')}`,
    PUBLIC_URL: 'https://unisson.example/',
  });
  database = await Database.open({ url: testDatabase.appUrl, poolSize: 4, applicationName: 'test' });
  const pool = openPool(testDatabase.appUrl, 1);
  practice = await createPractice(pool);
  await pool.end();
});

afterAll(async () => {
  await database.close();
  await testDatabase.drop();
  rmSync(folder, { recursive: true });
});

const secretFile = (): string => {
  const file = path.join(folder, 'secret.txt');
  writeFileSync(file, 'hunter2-but-longer\n');
  return `--secret-file=${file}`;
};

const provide = (options: string[], issuer = 'https://id.example/realm') =>
  createProvider(database, environment, {
    organizationId: practice.organization,
    label: 'Annuaire',
    issuer,
    clientId: 'unisson',
    options,
  });

test('a provider is made with its secret sealed, and a professional is known by his RPPS number, once', async () => {
  const { organization: organizationId, collaborator } = practice;
  const { id, callback } = await provide([secretFile(), '--audience=api', '--pro-sante-connect']);
  expect(callback).toBe('https://unisson.example/v1/sign-in/callback');
  const store = new PgSignInStore(database, openKeys(database, environment).vault);
  const provider = (await store.provider({ organizationId, id }))!;
  expect(provider).toMatchObject({ kind: 'pro-sante-connect', clientSecret: 'hunter2-but-longer', audience: 'api' });

  const person = 'rpps:99700218896';
  const link = await linkPerson(database, environment, { organizationId, collaborator, provider: id, person });
  expect(link.scopes).toEqual(['agenda:read', 'appointment:write', 'event:read']);
  const come = (subject: string) => store.identify(provider, { subject, nationalId: '899700218896', idToken: '' });
  const twins = await Promise.all(['one', 'two', 'three'].map(come));
  expect(twins.filter((identity) => identity !== null)).toEqual([
    expect.objectContaining({ id: link.id, collaboratorId: collaborator }),
  ]);
  const issuers = async () =>
    (
      await Promise.all(
        ['one', 'two', 'three'].map((subject) => store.issuers(organizationId, { issuer: provider.issuer, subject })),
      )
    )
      .flat()
      .filter(({ identity }) => identity !== null).length;
  expect(await issuers()).toBe(1);

  const identities = new PgIdentityAdministration(database, openKeys(database, environment).vault);
  const unlink = () => identities.unlink({ organizationId, id: link.id }, { kind: 'system' });
  expect([await unlink(), await unlink()]).toEqual([true, false]);
  expect(await issuers()).toBe(0);
  const pool = openPool(testDatabase.appUrl, 1);
  const { rows } = await inTenant(pool, organizationId, (client) =>
    client.query<{ type: string }>(`SELECT type FROM event WHERE subject_id = $1 ORDER BY id`, [link.id]),
  );
  await pool.end();
  expect(rows.map(({ type }) => type)).toEqual(['person-linked', 'person-unlinked']);
});

test('an issuer that is not https, an audience that is the client, and unknown options are refused', async () => {
  await expect(provide([], 'http://id.example')).rejects.toThrow('https URL');
  await expect(provide([], 'nonsense')).rejects.toThrow('https URL');
  await expect(provide(['--secret=hunter2'])).rejects.toThrow('is no option');
  await expect(provide(['--audience=unisson'], 'https://other.example')).rejects.toThrow(
    'identity_provider_audience_own',
  );
});

test('where nobody else may approve an export, the operator is the second person', async () => {
  const { organization: organizationId, collaborator } = practice;
  const exports = new Exports(new PgExports(database));
  const actor = { kind: 'collaborator', id: collaborator, key: organizationId } as const;
  const wanted = { kind: 'audit', format: 'csv', about: null, patientOf: null, from: null, to: null } as const;
  const [one, two] = [
    await exports.ask(organizationId, wanted, actor),
    await exports.ask(organizationId, wanted, actor),
  ];
  const key = { organizationId, id: one.id };
  expect(await decideExport(database, key, { approved: true })).toMatchObject({ id: one.id, state: 'approved' });
  await expect(decideExport(database, key, { approved: true })).rejects.toThrow('does not wait');
  await decideExport(database, { organizationId, id: two.id }, { approved: false, reason: 'other' });
  const states = (await listExports(database, organizationId)).map(({ id, state }) => [id, state]);
  expect(new Map(states as [string, string][])).toEqual(
    new Map([
      [one.id, 'approved'],
      [two.id, 'refused'],
    ]),
  );
  expect((await exports.take(key, 'audit', actor)).outcome).toBe('put');
});
