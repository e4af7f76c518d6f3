import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { migrate } from './migrate.js';
import { migrations } from './migrations/index.js';
import { rows } from './rows/index.js';

const COLUMNS = `SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || CASE a.attidentity WHEN 'a' THEN ' always' ELSE '' END || coalesce(' default ' || replace(pg_get_expr(d.adbin, d.adrelid), '''0''::bigint', '0'), '') AS line
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'migrations' ORDER BY line`;
const CONSTRAINTS = `SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS line FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c', 'x') AND conrelid::regclass::text <> 'migrations' ORDER BY line`;
// What TypeORM cannot express: made by the migrations, named in the rows with synchronize: false.
const INDEXES = `SELECT indexdef AS line FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'migrations'
  AND indexname <> 'appointment_replaced' ORDER BY line`;

// gen_random_uuid() is PostgreSQL's own: TypeORM need not install an extension for it.
const plain = {
  type: 'postgres',
  uuidExtension: 'pgcrypto',
  installExtensions: false,
  entities: rows,
  migrations,
} as const;

/** What the application adds to, and can neither change nor remove. */
const APPEND_ONLY = new Set(['event', 'trace', 'audit_entry', 'audit_subject', 'audit_seal']);

describe('the schema', () => {
  let database: TestDatabase;
  let owner: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    owner = await new DataSource({ ...plain, url: database.ownerUrl }).initialize();
  });

  afterAll(async () => {
    await owner.destroy();
    await database.drop();
  });

  const lines = async (sql: string, source: DataSource = owner): Promise<string[]> => {
    const found = await source.query<{ line: string }[]>(sql);
    return found.map(({ line }) => line);
  };

  test('needs nothing more to match the rows', async () => {
    const { upQueries } = await owner.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  test('is column by column and constraint by constraint what the rows alone would make', async () => {
    const name = `rows_${randomUUID().replaceAll('-', '')}`;
    await owner.query(`CREATE DATABASE ${name}`);
    const url = new URL(database.ownerUrl);
    url.pathname = `/${name}`;
    const fromRows = await new DataSource({ ...plain, url: url.href }).initialize();
    try {
      await fromRows.query('CREATE EXTENSION btree_gist');
      await fromRows.synchronize();
      for (const sql of [COLUMNS, CONSTRAINTS, INDEXES]) expect(await lines(sql)).toEqual(await lines(sql, fromRows));
    } finally {
      await fromRows.destroy();
      await owner.query(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  });

  test('leads every table with a mandatory organization, isolated even from the owner', async () => {
    const tables = await owner.query<
      { name: string; first: string; mandatory: boolean; enabled: boolean; forced: boolean; policies: string[] }[]
    >(
      `SELECT c.relname AS name, a.attname AS first, a.attnotnull AS mandatory, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
         ARRAY(SELECT p.polname || ' ' || p.polcmd::text || ' ' || pg_get_expr(p.polqual, c.oid) || ' ' || coalesce(pg_get_expr(p.polwithcheck, c.oid), '')
           FROM pg_policy p WHERE p.polrelid = c.oid AND p.polroles = '{0}') AS policies
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'f') AND c.relname <> 'migrations'`,
    );
    expect(tables.map(({ name }) => name).sort()).toEqual(
      owner.entityMetadatas.map(({ tableName }) => tableName).sort(),
    );
    const mine = '(organization_id = current_organization())';
    for (const table of tables) {
      const narrowed = table.policies.filter((policy) => /_visible (\*|r) .*visible_agendas/.test(policy));
      const policies = [`${table.name}_tenant * ${mine} ${mine}`, ...narrowed];
      expect(table).toEqual({
        name: table.name,
        first: 'organization_id',
        mandatory: true,
        enabled: true,
        forced: true,
        policies,
      });
    }
  });

  test('narrows what a request sees, and never widens it', async () => {
    expect(
      await lines(`SELECT polname AS line FROM pg_policy WHERE polname LIKE '%\\_visible' AND polpermissive`),
    ).toEqual([]);
  });

  test('keys every table and every reference by the organization', async () => {
    // Of what is only unique it may be any column: in front it can lead the planner to all rows of the organization.
    const crossing = await lines(
      `SELECT c.conname AS line FROM pg_constraint c LEFT JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = 'organization_id'
       WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('p', 'u', 'f') AND c.conrelid <> 'migrations'::regclass
         AND (CASE c.contype WHEN 'u' THEN a.attnum = ANY (c.conkey) ELSE a.attnum = c.conkey[1] END) IS NOT TRUE`,
    );
    expect(crossing).toEqual([]);
  });

  test('has no way round row-level security: no definer function, no view, no other schema', async () => {
    const ours = `NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = x.oid AND d.deptype = 'e')`;
    expect(
      await lines(
        `SELECT proname AS line FROM pg_proc x WHERE pronamespace = 'public'::regnamespace AND prosecdef AND ${ours}`,
      ),
    ).toEqual([]);
    expect(
      await lines(
        `SELECT relname AS line FROM pg_class x WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') AND ${ours}`,
      ),
    ).toEqual([]);
    expect(
      await lines(
        `SELECT rolname AS line FROM pg_roles WHERE rolname LIKE 'unisson\\_%' AND (rolsuper OR rolbypassrls)`,
      ),
    ).toEqual([]);
    expect(
      await lines(
        `SELECT rolname AS line FROM pg_roles WHERE rolname = 'unisson_app' AND (rolinherit OR rolcreaterole OR rolcreatedb)`,
      ),
    ).toEqual([]);
  });

  test('holds the exclusion constraints, deferrable so that seats can be renumbered', async () => {
    expect(
      await lines(
        `SELECT conname || ' ' || condeferrable || ' ' || condeferred || ' ' || convalidated AS line FROM pg_constraint WHERE contype = 'x' ORDER BY 1`,
      ),
    ).toEqual([
      'claim_hub_overlap true false true',
      'claim_remote_overlap true false true',
      'substitution_one_at_a_time false false true',
    ]);
  });

  test('has the triggers, enabled, and deferred to the commit where both halves must be there', async () => {
    expect(
      await lines(
        `SELECT tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text || CASE WHEN tginitdeferred THEN ' deferred' ELSE '' END AS line
         FROM pg_trigger WHERE NOT tgisinternal ORDER BY line`,
      ),
    ).toEqual([
      'access_grant access_grant_access O',
      'agenda agenda_access O',
      'agenda agenda_seats O',
      'agenda agenda_vacancy O',
      'agenda_motif agenda_motif_rules O',
      'agenda_motif agenda_motif_vacancy O',
      'agenda_motif agenda_motif_vacancy_changed O',
      'api_key api_key_access O',
      'api_key api_key_trace O',
      'appointment appointment_claims O deferred',
      'appointment appointment_conflict_open O deferred',
      'appointment appointment_overbooked O',
      'appointment appointment_replaced O deferred',
      'appointment appointment_replacing O deferred',
      'appointment appointment_revival O',
      'appointment appointment_starts O',
      'appointment appointment_waiting_refused O',
      'callback_task callback_task_done_origin O',
      'callback_task callback_task_origin O',
      'claim claim_appointment O deferred',
      'claim claim_appointment_changed O deferred',
      'claim claim_appointment_gone O deferred',
      'claim claim_bounds O',
      'claim claim_copy O deferred',
      'claim claim_exemption O',
      'claim claim_vacancy_changed O',
      'claim claim_vacancy_gone O',
      'closure closure_vacancy_changed O',
      'closure closure_vacancy_gone O',
      'collaborator collaborator_access O',
      'collaborator collaborator_trace O',
      'conflict conflict_origin O',
      'connection connection_key_version O',
      'consent consent_key_version O',
      'identity_provider identity_provider_key_version O',
      'link link_backend_rules O',
      'link link_deletions_settled O',
      'link link_pull_again O',
      'location location_access O',
      'location location_trace O',
      'mandate mandate_access O',
      'motif motif_trace O',
      'opening opening_rules O',
      'opening opening_vacancy_changed O',
      'opening_occurrence opening_occurrence_backend O',
      'opening_occurrence opening_occurrence_bounds O',
      'opening_occurrence opening_occurrence_vacancy O',
      'organization organization_trace O',
      'patient_identity patient_identity_key O',
      'patient_identity patient_identity_key_unused O',
      'patient_identity patient_identity_waiting O',
      'patient_key patient_key_key_version O',
      'practitioner practitioner_trace O',
      'push_secret push_secret_key_version O',
      'quarantine quarantine_announce O',
      'quarantine quarantine_announce_again O',
      'quarantine quarantine_keep O',
      'quarantine quarantine_key_version O',
      'remote_write remote_write_departing_claim O deferred',
      'reserve reserve_rules O',
      'reserve reserve_vacancy_changed O',
      'reserve reserve_vacancy_gone O',
      'reserve_occurrence reserve_occurrence_bounds O',
      'reserve_occurrence reserve_occurrence_vacancy O',
      'session session_key_version O',
      'team_member team_member_access O',
      'waiting_entry waiting_entry_key O',
      'waiting_entry waiting_entry_key_unused O',
      'waiting_offer waiting_offer_origin O',
    ]);
  });

  test('lets the dispatcher see which rows are due, and no content', async () => {
    const granted = await lines(
      `SELECT table_name || ' ' || privilege_type || ' ' || string_agg(column_name, ' ' ORDER BY ordinal_position) AS line
       FROM information_schema.column_privileges JOIN information_schema.columns USING (table_schema, table_name, column_name)
       WHERE grantee = 'unisson_dispatcher' GROUP BY table_name, privilege_type ORDER BY 1`,
    );
    expect(granted).toEqual([
      'agenda SELECT organization_id id opened_until horizon_days',
      'appointment SELECT organization_id id agenda_id status hold_until held_there_until',
      'audit_entry SELECT organization_id transaction_id source_id',
      'bulk_cancellation SELECT organization_id id state due_at',
      'busy_change SELECT organization_id agenda_id state due_at',
      'connection SELECT organization_id id blocked_until',
      'disconnection SELECT organization_id link_id agenda_id state due_at',
      'event SELECT organization_id transaction_id id',
      'export_request SELECT organization_id state expires_at',
      'grant_notice SELECT organization_id due_at told_at',
      'key_rotation SELECT organization_id state due_at',
      'link SELECT organization_id id agenda_id connection_id status reconciled_at poll_at subscription_until phase paused_at resubscribe_at',
      'organization SELECT organization_id',
      'overbooking_notice SELECT organization_id due_at told_at',
      'remote_write SELECT organization_id appointment_id agenda_id state due_at',
      'series SELECT organization_id id state due_at',
      'trace SELECT organization_id transaction_id id',
      'vacancy SELECT organization_id agenda_id due_at',
    ]);
    expect(
      await lines(
        `SELECT table_name AS line FROM information_schema.table_privileges WHERE grantee = 'unisson_dispatcher'`,
      ),
    ).toEqual([]);
  });

  test('gives the application rows, never structure', async () => {
    const privileges = await owner.query<{ table: string; may: string }[]>(
      `SELECT c.relname AS table, coalesce((SELECT string_agg(p.privilege_type, ' ' ORDER BY p.privilege_type) FROM information_schema.table_privileges p
         WHERE p.table_name = c.relname AND p.grantee IN ('unisson_app', 'PUBLIC')), '') AS may
       FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'`,
    );
    for (const { table, may } of privileges) {
      const kept = {
        migrations: '',
        access_grant: 'INSERT SELECT UPDATE',
        mandate: 'INSERT SELECT UPDATE',
        export_request: 'INSERT SELECT',
      };
      const usual = APPEND_ONLY.has(table) ? 'INSERT SELECT' : 'DELETE INSERT SELECT UPDATE';
      const expected = (kept as Readonly<Record<string, string>>)[table] ?? usual;
      expect({ table, may }).toEqual({ table, may: expected });
    }
    expect(
      await lines(
        `SELECT nspname AS line FROM pg_namespace WHERE has_schema_privilege('unisson_app', oid, 'CREATE') AND nspname = 'public'`,
      ),
    ).toEqual([]);
  });
});

describe('migrate', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database.drop());

  const versions = async (): Promise<unknown> => {
    const source = await new DataSource({ type: 'postgres', url: database.ownerUrl }).initialize();
    try {
      return await source.query('SELECT * FROM migrations ORDER BY id');
    } finally {
      await source.destroy();
    }
  };

  test('a second time, and twice at once, changes nothing', async () => {
    const before = await versions();
    await migrate(database);
    await Promise.all([migrate(database), migrate(database)]);
    expect(await versions()).toEqual(before);
    expect(before).toHaveLength(migrations.length);
  });

  test('goes forward only', async () => {
    const source = await new DataSource({ type: 'postgres', url: database.ownerUrl, migrations }).initialize();
    try {
      await expect(source.undoLastMigration()).rejects.toThrow('forward-only');
    } finally {
      await source.destroy();
    }
    for (const Migration of migrations) await expect(new Migration().down()).rejects.toThrow('forward-only');
  });

  test('takes no other user than the one row-level security is written for', async () => {
    await expect(migrate({ ownerUrl: database.ownerUrl, appUrl: database.ownerUrl })).rejects.toThrow(
      'must connect as unisson_app',
    );
  });
});
