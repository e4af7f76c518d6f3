import {
  newId,
  type Patient,
  RotationStore,
  StoreRefused,
  type Resealed,
  type Rotation,
  type Vault,
  type WrappedKey,
} from '#application';
import type { Database, Transaction } from '../database.js';
import { remaining, SEALED_TABLES, type SealedTable } from './sealed-tables.js';

const BATCH = 200;
const UNIQUE_VIOLATION = '23505';
const ms = (expression: string): string => `floor(extract(epoch FROM ${expression}) * 1000)::float8`;

interface SealedRow extends Record<string, unknown> {
  readonly key: string;
  readonly sealed: Buffer;
}

/** Rotations of keys in PostgreSQL. A value is replaced only as long as it is as it was read. */
export class PgKeyRotations extends RotationStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  latest(organizationId: string): Promise<Rotation | null> {
    return this.inside(organizationId, async (transaction) => {
      const [row] = await transaction.query<Rotation & Record<string, unknown>>(
        `SELECT r.id, r.to_version AS "toVersion", r.state, r.total, r.done, ${ms('r.started_at')} AS "startedAt", ${ms('r.ended_at')} AS "endedAt",
           ${ms('clock_timestamp() - k.made_at')} AS "ageMs" FROM key_rotation r JOIN organization_key k ON k.organization_id = r.organization_id AND k.version = r.to_version
         WHERE r.organization_id = $1 ORDER BY r.state = 'running' DESC, r.started_at DESC LIMIT 1`,
        [organizationId],
      );
      return row ?? null;
    });
  }

  async begin(organizationId: string, { version, wrapped, wrappedBy }: WrappedKey): Promise<boolean> {
    try {
      return await this.inside(organizationId, async (transaction) => {
        await transaction.query(
          'INSERT INTO organization_key (organization_id, version, wrapped, wrapped_by) VALUES ($1, $2, $3, $4)',
          [organizationId, version, wrapped, wrappedBy],
        );
        await beginRotation(transaction, organizationId, version);
        return true;
      });
    } catch (error) {
      if (error instanceof StoreRefused && error.code === UNIQUE_VIOLATION) return false;
      throw error;
    }
  }

  rewrap(organizationId: string, from: WrappedKey, to: WrappedKey): Promise<boolean> {
    return this.inside(organizationId, async (transaction) => {
      const changed = await transaction.query(
        'UPDATE organization_key SET wrapped = $3, wrapped_by = $4 WHERE organization_id = $1 AND version = $2 AND wrapped = $5 RETURNING version',
        [organizationId, from.version, to.wrapped, to.wrappedBy, from.wrapped],
      );
      return changed.length > 0;
    });
  }

  async reseal(organizationId: string, version: number, after: string | null): Promise<Resealed> {
    const separator = after?.indexOf(' ') ?? -1;
    const [at, from] = after === null ? [0, ''] : [Number(after.slice(0, separator)), after.slice(separator + 1)];
    const table = SEALED_TABLES[at];
    if (table === undefined) return { unreadable: 0, after: null };
    const { key, first } = table;
    const rows = await this.inside(organizationId, (transaction) =>
      transaction.query<SealedRow>(
        `SELECT (${key})::text AS key, ${table.column} AS sealed FROM ${table.table}
         WHERE organization_id = $1 AND ${table.stale} AND (${key}) > $3 ORDER BY ${key} LIMIT $4`,
        [organizationId, version, from === '' ? first : from, BATCH],
      ),
    );
    const sealed = await Promise.all(rows.map((row) => this.again(organizationId, table, row)));
    const replaced = sealed.filter((row) => row !== null);
    if (replaced.length > 0) await this.replace(organizationId, table, replaced);
    const last = rows.length < BATCH ? null : rows.at(-1);
    const next = last ? `${String(at)} ${last.key}` : `${String(at + 1)} `;
    const over = !last && at + 1 >= SEALED_TABLES.length;
    return { unreadable: rows.length - replaced.length, after: over ? null : next };
  }

  progress(organizationId: string, { id, toVersion }: Rotation): Promise<void> {
    return this.inside(organizationId, async (transaction) => {
      const left = await remaining(transaction, organizationId, toVersion);
      await transaction.query(
        `UPDATE key_rotation SET done = greatest(done, total - $3) WHERE organization_id = $1 AND id = $2 AND state = 'running'`,
        [organizationId, id, left],
      );
    });
  }

  retire(organizationId: string, version: number): Promise<void> {
    return this.inside(organizationId, async (transaction) => {
      await transaction.query(
        'UPDATE organization_key SET retired_at = clock_timestamp() WHERE organization_id = $1 AND version > 0 AND version < $2 AND retired_at IS NULL',
        [organizationId, version],
      );
    });
  }

  end(organizationId: string, { id, toVersion }: Rotation, destroyAfterMs: number): Promise<boolean> {
    return this.inside(organizationId, async (transaction) => {
      const [young] = await transaction.query(
        `SELECT 1 FROM organization_key WHERE organization_id = $1 AND version > 0 AND version < $2
           AND (retired_at IS NULL OR retired_at > clock_timestamp() - $3 * interval '1 millisecond') LIMIT 1`,
        [organizationId, toVersion, destroyAfterMs],
      );
      if (young !== undefined || (await remaining(transaction, organizationId, toVersion)) > 0) return false;
      await transaction.query(
        'DELETE FROM organization_key WHERE organization_id = $1 AND version > 0 AND version < $2',
        [organizationId, toVersion],
      );
      await transaction.query(
        `UPDATE key_rotation SET state = 'done', done = total, ended_at = clock_timestamp() WHERE organization_id = $1 AND id = $2 AND state = 'running'`,
        [organizationId, id],
      );
      return true;
    });
  }

  postpone(organizationId: string, { id }: Rotation, waitMs: number): Promise<void> {
    return this.inside(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE key_rotation SET due_at = clock_timestamp() + $3 * interval '1 millisecond' WHERE organization_id = $1 AND id = $2`,
        [organizationId, id, waitMs],
      );
    });
  }

  private async again(
    organizationId: string,
    { place, from, seal }: SealedTable,
    { key, sealed }: SealedRow,
  ): Promise<{ key: string; sealed: Buffer; renewed: Buffer } | null> {
    try {
      const plain = await this.vault.open(organizationId, from ?? place(key), sealed);
      const renewed = await (seal === undefined
        ? this.vault.seal(organizationId, place(key), plain)
        : seal(this.vault, organizationId, key, JSON.parse(plain.toString()) as Patient));
      return { key, sealed, renewed };
    } catch {
      return null;
    }
  }

  private replace(
    organizationId: string,
    { table, column, named }: SealedTable,
    rows: readonly { key: string; sealed: Buffer; renewed: Buffer }[],
  ): Promise<void> {
    return this.inside(organizationId, async (transaction) => {
      await transaction.query(`SELECT set_config('app.rewriting', 'on', true)`);
      const columns = [
        rows.map(({ key }) => key),
        rows.map(({ sealed }) => sealed),
        rows.map(({ renewed }) => renewed),
      ];
      await transaction.query(
        `UPDATE ${table} SET ${column} = x.renewed FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS x(key, was, renewed)
         WHERE organization_id = $1 AND ${named} AND ${column} = x.was`,
        [organizationId, ...columns],
      );
    });
  }

  private inside<T>(organizationId: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.database.withOrganization(organizationId, work);
  }
}

/** Begins to seal an organization's values with the key of this version; throws when that is under way. */
export async function beginRotation(transaction: Transaction, organizationId: string, version: number): Promise<void> {
  const total = await remaining(transaction, organizationId, version);
  await transaction.query('INSERT INTO key_rotation (organization_id, id, to_version, total) VALUES ($1, $2, $3, $4)', [
    organizationId,
    newId(),
    version,
    total,
  ]);
}
