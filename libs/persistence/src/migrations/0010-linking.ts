import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What linking an agenda to the practitioner's own tool does to what is booked on it already. */
export class Linking1763770010000 implements MigrationInterface {
  readonly name = 'Linking1763770010000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
-- From now on his tool is the truth: what lies ahead is not "confirmed" until it stands there too.
CREATE FUNCTION master_remotely(p_agenda uuid, p_link uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v appointment;
BEGIN
  UPDATE agenda SET master = 'remote' WHERE organization_id = current_organization() AND id = p_agenda;
  FOR v IN UPDATE appointment SET status = 'pending', version = version + 1, updated_at = now()
    WHERE organization_id = current_organization() AND agenda_id = p_agenda AND status = 'confirmed' AND upper(during) > now() RETURNING * LOOP
    INSERT INTO remote_write (organization_id, appointment_id, agenda_id, link_id) VALUES (v.organization_id, v.id, p_agenda, p_link)
      ON CONFLICT (organization_id, appointment_id) DO UPDATE SET link_id = excluded.link_id, state = 'due', due_at = now(), asked_at = now(), attempts = 0, unanswered = 0, failures = 0;
    PERFORM append_event('appointment-pending', p_agenda, v.id, '{"kind":"system"}', appointment_record(v));
  END LOOP;
END $$;
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
