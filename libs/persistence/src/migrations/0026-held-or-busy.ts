import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What stands in the way of a visit is said as an explanation says it, on agendas with several seats, too. */
export class HeldOrBusy1763770026000 implements MigrationInterface {
  readonly name = 'HeldOrBusy1763770026000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- HELD when a seat would be free but for holds: at no instant do the claims that are none take every seat.
CREATE OR REPLACE FUNCTION blocking_code(p_agenda uuid, p_range tstzrange, p_holder uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (WITH standing AS (SELECT c.during, c.closure_id, a.status IS NOT DISTINCT FROM 'held' AS held FROM claim c
      LEFT JOIN appointment a ON a.organization_id = c.organization_id AND a.id = c.appointment_id
      WHERE c.organization_id = current_organization() AND c.agenda_id = p_agenda AND c.ends_at > lower(p_range) AND c.during && p_range AND c.holder <> p_holder
        AND (NOT c.overbooked OR c.authority = 'hub')),
    instant AS (SELECT greatest(lower(s.during), lower(p_range)) AS at FROM standing s WHERE NOT s.held)
  SELECT CASE WHEN EXISTS (SELECT 1 FROM standing s WHERE s.closure_id IS NOT NULL) THEN 'CLOSED'
    WHEN NOT EXISTS (SELECT 1 FROM standing s WHERE s.held) THEN 'BUSY'
    WHEN EXISTS (SELECT 1 FROM instant i WHERE (SELECT count(*) FROM standing s WHERE NOT s.held AND s.during @> i.at)
      >= (SELECT g.capacity FROM agenda g WHERE g.organization_id = current_organization() AND g.id = p_agenda)) THEN 'BUSY'
    ELSE 'HELD' END);
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
