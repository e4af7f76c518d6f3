import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far ahead an agenda is kept open: as far as the furthest horizon of its motifs, at least half a year. */
export class Horizon1763770025000 implements MigrationInterface {
  readonly name = 'Horizon1763770025000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
ALTER TABLE agenda ADD COLUMN horizon_days integer NOT NULL DEFAULT 180,
  ADD CONSTRAINT agenda_horizon_range CHECK (horizon_days BETWEEN 1 AND 366);
GRANT SELECT (horizon_days) ON agenda TO unisson_dispatcher;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
