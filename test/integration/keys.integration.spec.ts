import { spawn } from 'node:child_process';
import { createHmac, createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { KeyRotation, newId, StoreUnavailable, Vault, type Patient, type Rotation } from '#application';
import { PgConnectionStore, PgKeyRotations, PgKeyStore, PgWaitingEntries } from '#persistence';
import { bind, encrypt, EnvelopeVault, KeyRing, TransitKeys, VaultError } from '#platform';
import { openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { at, createPractice, openPool, query, type Practice } from '../support/practice.js';
import { compileHub } from '../support/processes.js';
import { TransitServer } from '../support/transit-server.js';

const T1 = { id: 't1', bytes: Buffer.alloc(32, 7) };
const T2 = { id: 't2', bytes: randomBytes(32) };
const TIMING = { retireAfterMs: 300, destroyAfterMs: 200 };

const patientOf = (n: number): Patient => ({
  lastName: `Zibeline-${String(n)}`,
  firstName: 'Aurélie',
  phone: `+3361234${String(1000 + n)}`,
  birthDate: '1980-05-31',
});

/** Seals as it was done before organizations had keys of their own. */
class FormerVault extends Vault {
  private readonly ring = new KeyRing([T1]);

  async seal(organizationId: string, place: { column: string; row: string; formerly?: string }, plain: Buffer) {
    const key = createSecretKey(this.ring.derived(organizationId));
    const context = place.formerly ?? `${place.column}|${place.row}`;
    const head = Buffer.concat([Buffer.from([1, 2]), Buffer.from('t1')]);
    return Buffer.concat([head, encrypt(key, bind(organizationId, context, 't1'), plain)]);
  }

  sealApart(organizationId: string, place: { column: string; row: string; formerly?: string }, plain: Buffer) {
    return this.seal(organizationId, place, plain);
  }

  open(): Promise<Buffer> {
    return Promise.reject(new Error('only seals'));
  }

  async fingerprint(organizationId: string, context: string, text: string): Promise<Buffer> {
    return createHmac('sha256', this.ring.derived(organizationId))
      .update(bind(organizationId, context, text))
      .digest();
  }

  async renew(): Promise<void> {
    await Promise.resolve();
  }
}

let database: TestDatabase;
let pool: pg.Pool;
let practice: Practice;
let hub: TestHub;

const vaultOf = (...ring: (typeof T1)[]): EnvelopeVault =>
  new EnvelopeVault(new KeyRing(ring), new PgKeyStore(hub.database), { knownMs: 50 });

const rotationOf = (...ring: (typeof T1)[]): KeyRotation => {
  const vault = vaultOf(...ring);
  return new KeyRotation({
    store: new PgKeyRotations(hub.database, vault),
    keys: new PgKeyStore(hub.database),
    vault,
    encryption: new KeyRing(ring),
    newKey: () => randomBytes(32),
    timing: TIMING,
  });
};

const book = async (bookings: TestHub['bookings'], n: number): Promise<string> => {
  const { organization: organizationId, agenda: agendaId, motif: motifId, collaborator: collaboratorId } = practice;
  const id = newId();
  const placed = await bookings.place({
    ...{ organizationId, id, agendaId, motifId, collaboratorId, holdSeconds: null, key: null, acceptStale: true },
    start: Date.parse(at('00:00', -29)) + n * 1_800_000,
    actor: { kind: 'collaborator', id: collaboratorId, key: newId() },
    patient: patientOf(n),
    terms: { audience: 'SECRETARIAT', acknowledged: true },
  });
  if (placed.outcome !== 'placed') throw new Error(JSON.stringify(placed));
  return id;
};

const sql = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> =>
  query<Row>(pool, practice, text, values);

const connect = async (vault: Vault, secret: string): Promise<string> => {
  const id = newId();
  await new PgConnectionStore(hub.database, vault).create({
    ...{ organizationId: practice.organization, id, connectorId: 'in-house', label: 'Agenda' },
    ...{ settings: {}, secrets: { apiKey: secret }, responsible: null },
    actor: { kind: 'collaborator', id: practice.collaborator, key: newId() },
  });
  return id;
};

beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool(database.appUrl);
  hub = await openHub({ url: database.appUrl, poolSize: 4 });
});
afterAll(async () => {
  await hub.close();
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  practice = await createPractice(pool);
});

describe('what is sealed', () => {
  it('is refused in another row, and with its tag cut', async () => {
    const [one, other] = [await book(hub.bookings, 1), await book(hub.bookings, 2)];
    const read = (): Promise<unknown> => hub.bookings.patients(practice.organization, [one]);
    await expect(read()).resolves.toEqual(new Map([[one, patientOf(1)]]));
    await sql(
      'UPDATE patient_identity p SET sealed = o.sealed FROM patient_identity o WHERE p.appointment_id = $1 AND o.appointment_id = $2',
      [one, other],
    );
    await expect(read()).rejects.toThrow(VaultError);
    // Nobody can say that it was sealed for another.
    await sql('UPDATE patient_identity SET sealed_for = $2 WHERE appointment_id = $1', [one, other]);
    await expect(read()).rejects.toThrow(VaultError);
    const cut = 'substr(sealed, 1, 17 + 12 + 4) || substr(sealed, 17 + 12 + 16 + 1)';
    await sql(`UPDATE patient_identity SET sealed = ${cut} WHERE appointment_id = $1`, [other]);
    await expect(hub.bookings.patients(practice.organization, [other])).rejects.toThrow(VaultError);
  });

  it('stands nowhere in clear', async () => {
    const secret = `secret-${randomUUID()}`;
    await connect(vaultOf(T1), secret);
    await book(hub.bookings, 3);
    const waiting = new PgWaitingEntries(hub.database, vaultOf(T1));
    const { organization: organizationId, motif, agenda, collaborator } = practice;
    const wish = { motifIds: [motif], agendaIds: [agenda], priority: 'routine', deadline: null, availability: {} };
    const actor = { kind: 'collaborator', id: collaborator, key: newId() };
    await waiting.create(
      { ...wish, organizationId, id: newId(), audience: 'SECRETARIAT', actor, patient: patientOf(4) } as never,
      { key: randomUUID(), hash: Buffer.alloc(32) },
    );
    const tables = await sql<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'migrations'`,
    );
    const markers = [secret, 'Zibeline', 'Aurélie', '+3361234', '1980-05-31'];
    const forms = markers.flatMap((marker) => [marker, Buffer.from(marker).toString('hex')]);
    let rows = 0;
    for (const { name } of tables)
      for (const { line } of await sql<{ line: string }>(`SELECT t::text AS line FROM ${name} t`)) {
        rows += 1;
        for (const form of forms)
          expect({ name, found: line.includes(form) ? form : null }).toEqual({ name, found: null });
      }
    expect(rows).toBeGreaterThan(15);
  });
});

describe('a rotation of keys', () => {
  it('seals what was sealed before organizations had keys, whoever it was is found again, and nobody is booked by it', async () => {
    const former = await openHub({ url: database.appUrl, vault: new FormerVault(), poolSize: 2 });
    try {
      const id = await book(former.bookings, 1);
      const entries = new PgWaitingEntries(hub.database, new FormerVault());
      const { organization: organizationId, motif, agenda, collaborator } = practice;
      const wish = { motifIds: [motif], agendaIds: [agenda], priority: 'routine', deadline: null, availability: {} };
      const actor = { kind: 'collaborator', id: collaborator, key: newId() };
      const entryId = newId();
      await entries.create(
        { ...wish, organizationId, id: entryId, audience: 'SECRETARIAT', actor, patient: patientOf(1) } as never,
        { key: randomUUID(), hash: Buffer.alloc(32) },
      );
      await connect(new FormerVault(), 'former');
      const now = new PgWaitingEntries(hub.database, vaultOf(T1));
      expect((await now.get({ organizationId, id: entryId }))?.patient).toEqual(patientOf(1));
      // The first look for the organization's keys makes them, and begins.
      await vaultOf(T1).renew(organizationId);
      expect(await finished(rotationOf(T1), organizationId)).toMatchObject({
        state: 'done',
        total: 3,
        done: 3,
        toVersion: 1,
      });
      const [row] = await sql(
        'SELECT key_id IS NOT NULL AS own, sealed_for = appointment_id AS bound, get_byte(sealed, 0) AS format FROM patient_identity',
      );
      expect(row).toEqual({ own: true, bound: true, format: 4 });
      expect(await now.get({ organizationId, id: entryId })).toMatchObject({ patient: patientOf(1), state: 'waiting' });
      expect((await hub.bookings.patients(organizationId, [id])).get(id)).toEqual(patientOf(1));
      const same = await sql('SELECT 1 FROM patient_identity p JOIN waiting_entry e ON e.fingerprint = p.fingerprint');
      expect(same).toHaveLength(1);
      expect(await sql('SELECT 1 FROM patient_key')).toHaveLength(2);
    } finally {
      await former.close();
    }
  });

  it('killed half way under load goes on: no read fails, nothing is lost, and the old key is of no use', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 450; n += 1) ids.push(await book(hub.bookings, n));
    const account = await connect(vaultOf(T1), 'vendor-secret');
    const { organization } = practice;
    const [copy] = await sql<{ sealed: Buffer }>('SELECT secrets_sealed AS sealed FROM connection WHERE id = $1', [
      account,
    ]);
    const running = await openHub({ url: database.appUrl, vault: vaultOf(T2, T1), poolSize: 4 });
    const load = startLoad(running, ids);
    try {
      compileHub();
      await killedHalfWay(organization);
      const left = (): Promise<unknown[]> => sql('SELECT 1 FROM patient_key WHERE key_version = 1');
      expect(await new PgKeyRotations(hub.database, vaultOf(T2, T1)).latest(organization)).toMatchObject({
        state: 'running',
      });
      const now = await finished(rotationOf(T2, T1), organization);
      expect(now).toMatchObject({ state: 'done', toVersion: 2 });
      expect(now?.done).toBe(now?.total);
      expect(await left()).toEqual([]);
    } finally {
      await load.stop();
      await running.close();
    }
    expect(load.failed).toEqual([]);
    expect(load.reads).toBeGreaterThan(10);
    const read = await openHub({ url: database.appUrl, vault: vaultOf(T2), poolSize: 2 });
    const patients = await read.bookings.patients(organization, ids);
    expect(ids.map((id) => patients.get(id)?.lastName)).toEqual(ids.map((_, n) => `Zibeline-${String(n)}`));
    await read.close();
    // The old master key opens nothing, nor does anything open what was copied before.
    await expect(
      hub.bookings.patients(organization, ids.slice(0, 1)).then(() => vaultOf(T1).renew(organization)),
    ).rejects.toThrow('"t2"');
    const place = { column: 'connection.secrets_sealed', row: account };
    await expect(vaultOf(T2, T1).open(organization, place, copy!.sealed)).rejects.toThrow('gone');
    expect(await sql('SELECT version, wrapped_by FROM organization_key ORDER BY version')).toEqual([
      { version: 0, wrapped_by: 't2' },
      { version: 2, wrapped_by: 't2' },
    ]);
  });
});

describe('a key management service', () => {
  it('takes over what the ring wraps: killed half way and resumed, read all the while; then only it opens anything', async () => {
    const { organization } = practice;
    const id = await book(hub.bookings, 1);
    const service = await TransitServer.start();
    try {
      service.createKey('unisson');
      const login = service.addRole({
        'transit/keys/unisson': ['read'],
        'transit/encrypt/unisson': ['update'],
        'transit/decrypt/unisson': ['update'],
        'transit/rewrap/unisson': ['update'],
      });
      const opened = (): { encryption: TransitKeys; vault: EnvelopeVault } => {
        const settings = { url: service.url, mount: 'transit', key: 'unisson', namespace: null, authority: null };
        const encryption = new TransitKeys({ ...settings, login, cacheMs: 60_000 }, new KeyRing([T1]));
        const vault = new EnvelopeVault(new KeyRing([T1]), new PgKeyStore(hub.database), { encryption, knownMs: 50 });
        return { encryption, vault };
      };
      const wrapped = (): Promise<{ version: number; by: string; word: string }[]> =>
        sql(`SELECT version, wrapped_by AS by, CASE WHEN wrapped_by <> 't1' THEN left(convert_from(wrapped, 'UTF8'), 9) END AS word
          FROM organization_key ORDER BY version`);
      const readable = async (vault: Vault): Promise<void> => {
        const reader = await openHub({ url: database.appUrl, vault, poolSize: 2 });
        try {
          expect((await reader.bookings.patients(organization, [id])).get(id)).toEqual(patientOf(1));
        } finally {
          await reader.close();
        }
      };
      compileHub();
      service.delayMs = 1_000;
      const child = spawn(process.execPath, ['dist/apps/worker/src/hub.js', 'keys', 'rotate', organization], {
        env: {
          ...{ PATH: process.env['PATH'] ?? '', DATABASE_URL: database.appUrl },
          ...{ UNISSON_KEYS: `t1:${T1.bytes.toString('base64')}`, UNISSON_KMS_URL: service.url },
          ...{ UNISSON_KMS_ROLE_ID: login.roleId, UNISSON_KMS_SECRET_ID: login.secretId },
        },
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      const carried = async (): Promise<number> => (await wrapped()).filter(({ by }) => by !== 't1').length;
      while ((await carried()) === 0 && child.exitCode === null)
        await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill('SIGKILL');
      expect(await ended).toEqual([null, 'SIGKILL']);
      expect((await wrapped()).map(({ by }) => by)).toEqual(['kms:transit/unisson', 't1']);
      service.delayMs = 0;
      const { encryption, vault } = opened();
      await readable(vault);
      const rotation = new KeyRotation({
        ...{ store: new PgKeyRotations(hub.database, vault), keys: new PgKeyStore(hub.database), vault, encryption },
        ...{ newKey: () => randomBytes(32), timing: TIMING },
      });
      await rotation.begin(organization);
      expect(await finished(rotation, organization)).toMatchObject({ state: 'done', toVersion: 2 });
      expect(await wrapped()).toEqual(
        [0, 2].map((version) => ({ version, by: 'kms:transit/unisson', word: 'vault:v1:' })),
      );
      await readable(opened().vault);
      await expect(vaultOf(T1).renew(organization)).rejects.toThrow('"kms:transit/unisson"');
      // A new version of its key is taken up; what an older one wrapped is of no use once the service has retired that.
      service.rotateKey('unisson');
      await rotation.begin(organization);
      expect((await finished(rotation, organization))?.toVersion).toBe(3);
      service.retireBefore('unisson', 2);
      expect((await wrapped()).map(({ word }) => word)).toEqual(['vault:v2:', 'vault:v2:']);
      await readable(opened().vault);
      // Sealed, it gives nothing to who does not know it already.
      service.sealed = true;
      await expect(readable(opened().vault)).rejects.toMatchObject({ name: 'KeyServiceUnavailable', reason: 'sealed' });
      await readable(vault);
    } finally {
      await service.stop();
    }
  });
});

/** As often as a worker would until it is done. */
async function finished(rotation: KeyRotation, organizationId: string): Promise<Rotation | null> {
  let now = await rotation.run(organizationId);
  for (let n = 0; n < 100 && now?.state === 'running'; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    now = await rotation.run(organizationId);
  }
  return now;
}

/** Reads everybody, and books more, until it is stopped. */
function startLoad(running: TestHub, ids: string[]): { stop(): Promise<void>; failed: unknown[]; reads: number } {
  let going = true;
  const load = {
    failed: [] as unknown[],
    reads: 0,
    stop: async () => {
      going = false;
      await Promise.all(loops);
    },
  };
  const reading = async (): Promise<void> => {
    while (going) {
      const wanted = ids.slice(0, 450);
      try {
        const read = await running.bookings.patients(practice.organization, wanted);
        load.reads += 1;
        if (read.size !== wanted.length) load.failed.push(`only ${String(read.size)}`);
      } catch (error) {
        load.failed.push(error);
      }
    }
  };
  const writing = async (): Promise<void> => {
    for (let n = 450; going && n < 2_000; n += 1) {
      const again = (error: unknown): Promise<string> => {
        if (!(error instanceof StoreUnavailable)) throw error;
        return book(running.bookings, n);
      };
      await book(running.bookings, n)
        .catch(again)
        .then(
          (id) => ids.push(id),
          (error: unknown) => load.failed.push(error),
        );
    }
  };
  const loops = [reading(), writing()];
  return load;
}

/** The operator's command, killed once it has told of progress. */
async function killedHalfWay(organization: string): Promise<void> {
  const keys = [T2, T1].map(({ id, bytes }) => `${id}:${bytes.toString('base64')}`).join(',');
  const child = spawn(process.execPath, ['dist/apps/worker/src/hub.js', 'keys', 'rotate', organization], {
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: database.appUrl, UNISSON_KEYS: keys },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let first = '';
  for await (const line of createInterface({ input: child.stderr })) {
    first = line;
    break;
  }
  child.kill('SIGKILL');
  const [, signal] = (await ended) as [number | null, string | null];
  expect(first).toMatch(/ running \d+\/\d+/);
  expect(signal).toBe('SIGKILL');
}
