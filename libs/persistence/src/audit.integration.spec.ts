import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { AuditKeeping, AuditVerification, readSealWord, type AuditEntry } from '#application';
import { KeyRingSealKeys } from '#platform';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { at, createPractice, openPool, place, query, type Practice } from '../../../test/support/practice.js';
import { Database } from './database.js';
import { PgAuditLog } from './stores/audit.js';

const KEY = { id: 't1', bytes: Buffer.alloc(32, 7) };
const FORGER = { id: 't1', bytes: Buffer.alloc(32, 8) };
const BOOKINGS = 6;

let test_database: TestDatabase;
let pool: pg.Pool;
/** Beneath row-level security: what somebody could do who owns the database. */
let owner: pg.Pool;
let database: Database;
let log: PgAuditLog;
let keeping: AuditKeeping;
let verification: AuditVerification;

beforeAll(async () => {
  test_database = await createTestDatabase();
  pool = openPool(test_database.appUrl);
  owner = openPool(test_database.adminUrl, 2);
  database = await Database.open({ url: test_database.appUrl, poolSize: 8, applicationName: 'test' });
  log = new PgAuditLog(database);
  const keys = new KeyRingSealKeys([KEY]);
  verification = new AuditVerification(log, keys);
  keeping = new AuditKeeping(log, keys, verification);
});

afterAll(async () => {
  await database.close();
  await pool.end();
  await owner.end();
  await test_database.drop();
});

/** A practice with some bookings, all of them in the chain. */
async function sealedPractice(): Promise<Practice> {
  const practice = await createPractice(pool);
  for (let n = 0; n < BOOKINGS; n += 1) await place(pool, practice, { start: at(`1${n}:00`) });
  await sealAll(practice);
  return practice;
}

/** Something that runs in another test's database may hold the horizon back for a moment. */
async function sealAll({ organization }: Practice): Promise<void> {
  for (;;) {
    await keeping.seal(organization);
    if ((await log.unsealed(organization)).count === 0) return;
  }
}

const entriesOf = ({ organization: organizationId }: Practice): Promise<readonly AuditEntry[]> =>
  log.list({ organizationId, subjectId: null, from: null, to: null, after: 0, limit: 1000 });

const faultOf = async (practice: Practice) => (await verification.verify(practice.organization)).fault;

/** The place of the first booking in the chain. */
async function firstBooking(practice: Practice): Promise<number> {
  const entries = await entriesOf(practice);
  return entries.find(({ action }) => action === 'appointment-confirmed')!.seq;
}

describe('the chain', () => {
  test('holds every change, in order, with who, where, what and why, and verifies', async () => {
    const practice = await createPractice(pool);
    const actor = {
      ...{ kind: 'collaborator', id: practice.collaborator, key: randomUUID() },
      origin: { request: 'r-1', address: '192.0.2.7', agent: 'browser' },
    };
    await query(pool, practice, `SELECT append_event('appointment-confirmed', $1, $2, $3, '{"a":1}')`, [
      practice.agenda,
      practice.link,
      actor,
    ]);
    await query(pool, practice, `SELECT append_event('appointment-overbooked', $1, $2, $3, $4)`, [
      ...[practice.agenda, practice.link, actor],
      { reason: { code: 'CANCELLED' }, overbooking: 'urgence' },
    ]);
    await sealAll(practice);
    const entries = await entriesOf(practice);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    expect(new Set(entries.map(({ action }) => action))).toEqual(
      new Set([
        ...['organization-created', 'collaborator-created', 'location-created', 'practitioner-created'],
        ...['motif-created', 'appointment-confirmed', 'appointment-overbooked'],
      ]),
    );
    const [first, second] = entries.slice(-2);
    expect(first).toMatchObject({
      ...{ actorKind: 'collaborator', actorId: practice.collaborator, keyId: actor.key, agendaId: practice.agenda },
      ...{
        entityId: practice.link,
        requestId: 'r-1',
        address: '192.0.2.7',
        agent: 'browser',
        reason: null,
        before: null,
      },
    });
    expect(second).toMatchObject({ before: first?.after, reason: 'CANCELLED: urgence' });
    expect(await verification.verify(practice.organization)).toMatchObject({ fault: null, unsealed: { count: 0 } });
    const [event] = await query<{ actor: object }>(
      pool,
      practice,
      `SELECT actor FROM event WHERE type = 'appointment-overbooked'`,
    );
    expect(event?.actor).not.toHaveProperty('origin');
  });

  test('is one chain, whoever seals, and however many at once', async () => {
    const practice = await createPractice(pool);
    let booking = true;
    const sealers = Array.from({ length: 4 }, async () => {
      while (booking) await log.seal(practice.organization, 3);
    });
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => place(pool, practice, { start: at(`0${n % 8}:00`, Math.floor(n / 8)) })),
    );
    booking = false;
    await Promise.all(sealers);
    await sealAll(practice);
    const bookings = (await entriesOf(practice)).filter(({ action }) => action === 'appointment-confirmed');
    expect(bookings).toHaveLength(40);
    expect(await faultOf(practice)).toBeNull();
  });

  test('says what is not in it yet', async () => {
    const practice = await sealedPractice();
    await place(pool, practice, { start: at('20:00') });
    const { unsealed, fault } = await verification.verify(practice.organization);
    expect([unsealed.count, fault]).toEqual([1, null]);
  });

  test('a patient is a keyed pseudonym, the same for the same person', async () => {
    const practice = await createPractice(pool);
    const placed = await place(pool, practice, { start: at('10:00'), patient: Buffer.from('sealed') });
    const fingerprint = Buffer.alloc(32, 5);
    await query(pool, practice, 'UPDATE patient_identity SET fingerprint = $1', [fingerprint]);
    await sealAll(practice);
    const pseudonym = await log.pseudonymOf(practice.organization, placed.resource!);
    expect(pseudonym).toBe('05050505-0505-8505-a505-050505050505');
    const about = { organizationId: practice.organization, from: null, to: null, after: 0, limit: 10 };
    expect(await log.list({ ...about, subjectId: pseudonym })).toEqual([
      expect.objectContaining({ action: 'appointment-confirmed', patients: [pseudonym], entityId: placed.resource }),
    ]);
  });
});

describe('whoever owns the database cannot hide what he did', () => {
  const AS_OWNER: readonly [string, string, string][] = [
    [
      'alters a field',
      'altered',
      'UPDATE audit_entry SET actor_id = gen_random_uuid() WHERE organization_id = $1 AND seq = $2::bigint',
    ],
    [
      'alters a hash',
      'altered',
      `UPDATE audit_entry SET hash = sha256('x') WHERE organization_id = $1 AND seq = $2::bigint`,
    ],
    ['removes an entry', 'removed', 'DELETE FROM audit_entry WHERE organization_id = $1 AND seq = $2::bigint'],
    [
      'removes an entry and closes the gap',
      'removed',
      `WITH gone AS (DELETE FROM audit_entry WHERE organization_id = $1 AND seq = $2::bigint)
       UPDATE audit_entry SET seq = seq - 1000000 WHERE organization_id = $1 AND seq > $2::bigint;
       UPDATE audit_entry SET seq = seq + 999999 WHERE organization_id = $1 AND seq < 0`,
    ],
    [
      'swaps two entries',
      'reordered',
      `UPDATE audit_entry SET seq = CASE WHEN seq = $2::bigint THEN -1 ELSE -2 END WHERE organization_id = $1 AND seq IN ($2::bigint, $2::bigint + 1);
       UPDATE audit_entry SET seq = CASE WHEN seq = -1 THEN $2::bigint + 1 ELSE $2::bigint END WHERE organization_id = $1 AND seq < 0`,
    ],
    [
      'puts an entry in',
      'inserted',
      `UPDATE audit_entry SET seq = seq + 1000000 WHERE organization_id = $1 AND seq >= $2::bigint;
       UPDATE audit_entry SET seq = seq - 999999 WHERE organization_id = $1 AND seq >= 1000000;
       INSERT INTO audit_entry (organization_id, seq, transaction_id, source_id, at, action, objects, patients, actor_kind, hash)
         SELECT organization_id, $2::bigint, transaction_id, source_id - 1, at, 'forged', '{}', '{}', 'system', sha256('x') FROM audit_entry WHERE organization_id = $1 AND seq = $2::bigint + 1`,
    ],
    [
      'alters an event',
      'source-altered',
      `UPDATE event SET data = '{}' WHERE organization_id = $1 AND (transaction_id, id) = (SELECT transaction_id, source_id FROM audit_entry WHERE organization_id = $1 AND seq = $2::bigint)`,
    ],
    [
      'removes an event',
      'source-removed',
      `DELETE FROM event WHERE organization_id = $1 AND (transaction_id, id) = (SELECT transaction_id, source_id FROM audit_entry WHERE organization_id = $1 AND seq = $2::bigint)`,
    ],
    [
      'puts an event in',
      'unchained',
      `INSERT INTO event (organization_id, transaction_id, type, actor, data, id) OVERRIDING SYSTEM VALUE SELECT organization_id, transaction_id, 'forged', '{}', '{}', source_id - 1
         FROM audit_entry WHERE organization_id = $1 AND seq = $2::bigint`,
    ],
  ];

  test.each(AS_OWNER)('who %s: %s, and where', async (_, kind, sql) => {
    const practice = await sealedPractice();
    const seq = await firstBooking(practice);
    for (const statement of sql.split(';\n'))
      await owner.query(statement, statement.includes('$2') ? [practice.organization, seq] : [practice.organization]);
    expect(await faultOf(practice)).toEqual({ kind, seq });
  });

  test('who cuts off the tail, source and all: the signed head tells', async () => {
    const practice = await sealedPractice();
    const word = await keeping.sign(practice.organization);
    const { seq, sourceId } = (await entriesOf(practice)).at(-1)!;
    await owner.query('DELETE FROM audit_entry WHERE organization_id = $1 AND seq = $2', [practice.organization, seq]);
    await owner.query('DELETE FROM event WHERE organization_id = $1 AND id = $2', [practice.organization, sourceId]);
    expect(await faultOf(practice)).toEqual({ kind: 'cut', seq });
    // Even when the seals in the database went with it: the operator's own copy tells.
    await owner.query('DELETE FROM audit_seal WHERE organization_id = $1', [practice.organization]);
    expect(await faultOf(practice)).toBeNull();
    const report = await verification.verify(practice.organization, [readSealWord(word!)!]);
    expect(report.fault).toEqual({ kind: 'cut', seq });
  });

  test('who writes the whole chain anew, or forges a seal', async () => {
    const practice = await sealedPractice();
    await keeping.sign(practice.organization);
    const seq = await firstBooking(practice);
    const last = (await log.head(practice.organization)).seq;
    await owner.query(
      `UPDATE event SET data = '{"other":1}' WHERE organization_id = $1 AND (transaction_id, id) IN (SELECT transaction_id, source_id FROM audit_entry WHERE organization_id = $1 AND seq = $2)`,
      [practice.organization, seq],
    );
    await owner.query('DELETE FROM audit_subject WHERE organization_id = $1', [practice.organization]);
    await owner.query('DELETE FROM audit_entry WHERE organization_id = $1', [practice.organization]);
    await sealAll(practice);
    expect(await faultOf(practice)).toEqual({ kind: 'rewritten', seq: last });
    await owner.query('DELETE FROM audit_seal WHERE organization_id = $1', [practice.organization]);
    await new AuditKeeping(log, new KeyRingSealKeys([FORGER]), verification).sign(practice.organization);
    expect(await faultOf(practice)).toEqual({ kind: 'seal-forged', seq: last });
  });
});

describe('the retention', () => {
  test('forgets what is older than the organization keeps, behind an anchor from which the chain still verifies', async () => {
    const practice = await sealedPractice();
    // As if the practice had been there for a year and a half.
    for (const table of ['audit_entry', 'audit_subject'])
      await owner.query(`DELETE FROM ${table} WHERE organization_id = $1`, [practice.organization]);
    for (const table of ['event', 'trace'])
      await owner.query(
        `UPDATE ${table} SET at = at - interval '13 months' WHERE organization_id = $1 AND id <> (SELECT max(id) FROM event WHERE organization_id = $1)`,
        [practice.organization],
      );
    // A visit to come is still told of; those of the past are not.
    await owner.query(
      `UPDATE appointment SET during = tstzrange(now() - interval '2 hours', now() - interval '1 hour'), occupies = tstzrange(now() - interval '2 hours', now() - interval '1 hour')
       WHERE organization_id = $1 AND id = (SELECT subject_id FROM event WHERE organization_id = $1 ORDER BY id LIMIT 1)`,
      [practice.organization],
    );
    await sealAll(practice);
    const before = await entriesOf(practice);
    expect(await keeping.prune(practice.organization)).toBe(before.length - 1);
    expect((await entriesOf(practice)).map(({ seq }) => seq)).toEqual([before.length]);
    expect(await verification.verify(practice.organization)).toMatchObject({ fault: null, first: before.length });
    const left = await query<{ n: number }>(pool, practice, 'SELECT count(*)::int AS n FROM event');
    expect(left[0]?.n).toBe(BOOKINGS - 1);
    expect(await query(pool, practice, 'SELECT 1 FROM trace')).toEqual([]);
    expect(await keeping.prune(practice.organization)).toBe(0);
    await place(pool, practice, { start: at('20:00') });
    await sealAll(practice);
    expect(await faultOf(practice)).toBeNull();
    expect((await log.head(practice.organization)).seq).toBe(before.length + 1);
    // Removing the anchor as well would show.
    await owner.query(`DELETE FROM audit_seal WHERE organization_id = $1`, [practice.organization]);
    expect(await faultOf(practice)).toEqual({ kind: 'removed', seq: 1 });
  });

  test('reaches nothing younger than six months, and leaves a chain alone that does not verify', async () => {
    const practice = await sealedPractice();
    for (const table of ['event', 'trace', 'audit_entry', 'audit_subject']) {
      const gone = await database.withOrganization(practice.organization, async (transaction) => {
        await transaction.query('SET LOCAL ROLE unisson_retention');
        return transaction.query(`DELETE FROM ${table} RETURNING 1`);
      });
      expect([table, gone]).toEqual([table, []]);
    }
    await owner.query(`UPDATE audit_entry SET at = at - interval '2 years' WHERE organization_id = $1`, [
      practice.organization,
    ]);
    expect(await keeping.prune(practice.organization)).toBeNull();
  });

  test('is 6 to 36 months', async () => {
    const practice = await createPractice(pool);
    for (const months of [5, 37])
      await expect(query(pool, practice, 'UPDATE organization SET audit_months = $1', [months])).rejects.toThrow(
        'organization_audit_months',
      );
  });
});

test('the application can neither change nor remove anything of it', async () => {
  const practice = await sealedPractice();
  for (const table of ['event', 'trace', 'audit_entry', 'audit_subject', 'audit_seal'])
    for (const write of [
      `UPDATE ${table} SET organization_id = organization_id`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table}`,
    ])
      await expect(query(pool, practice, write)).rejects.toMatchObject({ code: '42501' });
});
