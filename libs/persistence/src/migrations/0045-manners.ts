import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the backend of a link was found to do, whatever it says of itself. */
export class Manners1763770045000 implements MigrationInterface {
  readonly name = 'Manners1763770045000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE link ADD COLUMN manners jsonb, ADD COLUMN probed_at timestamptz NOT NULL DEFAULT '-infinity'`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
