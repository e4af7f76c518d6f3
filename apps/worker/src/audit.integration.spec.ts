import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { Database, PgAuditLog } from '#persistence';
import { createLogger, parseEnvironment, type Environment } from '#platform';
import { TEST_KEYS } from '../../../test/support/hub.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, createPractice, openPool, place, type Practice } from '../../../test/support/practice.js';
import { signAudit, verifyAudit } from './audit-commands.js';
import { auditWork } from './audit.js';

let at_rest: TestDatabase;
let database: Database;
let pool: pg.Pool;
let environment: Environment;
let practice: Practice;

beforeAll(async () => {
  at_rest = await createTestDatabase();
  pool = openPool(at_rest.appUrl, 2);
  database = await Database.open({ url: at_rest.appUrl, poolSize: 2, applicationName: 'unisson-test' });
  environment = parseEnvironment({ DATABASE_URL: at_rest.appUrl, UNISSON_KEYS: TEST_KEYS });
  practice = await createPractice(pool);
  await place(pool, practice, { start: at('10:00') });
});

afterAll(async () => {
  await database.close();
  await pool.end();
  await at_rest.drop();
});

test('the jobs seal, sign and log the seal; the command verifies by it, and names what is wrong', async () => {
  const { organization: organizationId } = practice;
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', name: 'worker' }, { write: (text) => void lines.push(text) });
  const work = auditWork(database, environment, logger);
  // Whatever else runs on this server may hold the horizon back for a moment.
  do await work.sealAudit({ organizationId });
  while ((await new PgAuditLog(database).unsealed(organizationId)).count > 0);
  await work.keepAudit({ organizationId });
  const { seal } = JSON.parse(lines[0] ?? '{}') as { seal: string };
  const ask = (words: readonly string[]) => verifyAudit(database, environment, { organization: null, words });
  expect(await ask([seal])).toEqual([
    expect.objectContaining({
      organizationId,
      fault: null,
      seals: 2,
      unverifiable: 0,
      unsealed: { count: 0, oldest: null },
    }),
  ]);
  await expect(ask(['not-a-seal'])).rejects.toThrow('is not a seal');
  const later = await signAudit(database, environment, organizationId);
  expect(later).toEqual([{ organizationId, seal }]);
  // A head whose key has left the ring proves nothing, until one is signed with a key that is there.
  const renewed = { ...environment, UNISSON_KEYS: [{ id: 'renewed', bytes: randomBytes(32) }] };
  const anew = async (words: readonly string[]): Promise<unknown[]> => {
    const [report] = await verifyAudit(database, renewed, { organization: organizationId, words });
    return [report?.fault, report?.unverifiable];
  };
  const seq = Number(seal.split('.')[1]);
  expect(await anew([seal])).toEqual([{ kind: 'seal-unverifiable', seq }, 2]);
  await place(pool, practice, { start: at('11:00') });
  let signed: readonly { seal: string | null }[];
  do signed = await signAudit(database, renewed, organizationId);
  while (signed[0]?.seal === null || signed[0]?.seal.split('.')[1] === String(seq));
  expect(await anew([seal])).toEqual([null, 2]);
  const owner = openPool(at_rest.adminUrl, 1);
  try {
    await owner.query(`UPDATE audit_entry SET at = at + interval '1 second' WHERE seq = 2`);
  } finally {
    await owner.end();
  }
  expect(await ask([])).toEqual([expect.objectContaining({ fault: { kind: 'altered', seq: 2 } })]);
  await work.keepAudit({ organizationId });
  expect(lines.at(-1)).toContain(signed[0]?.seal?.split('.').slice(0, 5).join('.'));
});
