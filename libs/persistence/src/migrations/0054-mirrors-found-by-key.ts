import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The organization in front made this index, too, a way for the check of claim_mirror_fk. A session plans that check once, and
 * on a table that was small then as cheap a one as the primary key: from then on each claim reads all mirrors of the organization.
 */
export class MirrorsFoundByKey1763770054000 implements MigrationInterface {
  readonly name = 'MirrorsFoundByKey1763770054000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'ALTER TABLE mirror DROP CONSTRAINT mirror_remote_id, ADD CONSTRAINT mirror_remote_id UNIQUE (link_id, organization_id, remote_id)',
    );
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
