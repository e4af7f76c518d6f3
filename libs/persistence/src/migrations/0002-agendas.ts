import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where and what can be booked: locations, practitioners, agendas with their seats, motifs, openings, closures. */
export class Agendas1763770002000 implements MigrationInterface {
  readonly name = 'Agendas1763770002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE TABLE location (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  time_zone text NOT NULL,
  CONSTRAINT location_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT location_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id));

CREATE TABLE practitioner (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  display_name text NOT NULL,
  speciality text NOT NULL,
  rpps text,
  CONSTRAINT practitioner_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT practitioner_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT practitioner_rpps_form CHECK (rpps ~ '^[0-9]{11}$'));

CREATE TABLE agenda (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  practitioner_id uuid NOT NULL,
  location_id uuid NOT NULL,
  name text NOT NULL,
  capacity integer NOT NULL DEFAULT 1,
  master text NOT NULL DEFAULT 'hub',
  active boolean NOT NULL DEFAULT true,
  when_unreachable text NOT NULL DEFAULT 'refuse',
  stale_after_seconds integer NOT NULL DEFAULT 120,
  opened_until timestamptz NOT NULL DEFAULT '-infinity',
  version integer NOT NULL DEFAULT 1,
  CONSTRAINT agenda_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT agenda_practitioner_fk FOREIGN KEY (organization_id, practitioner_id) REFERENCES practitioner (organization_id, id),
  CONSTRAINT agenda_location_fk FOREIGN KEY (organization_id, location_id) REFERENCES location (organization_id, id),
  CONSTRAINT agenda_capacity_range CHECK (capacity BETWEEN 1 AND 50),
  CONSTRAINT agenda_master_value CHECK (master IN ('hub', 'remote')),
  CONSTRAINT agenda_when_unreachable_value CHECK (when_unreachable IN ('refuse', 'queue')),
  CONSTRAINT agenda_stale_after_range CHECK (stale_after_seconds BETWEEN 1 AND 86400));

-- Capacity is the number of rows here, so that a claim beyond it, or a cut below use, is refused by a foreign key.
CREATE TABLE agenda_seat (
  organization_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  seat integer NOT NULL,
  CONSTRAINT agenda_seat_pk PRIMARY KEY (organization_id, agenda_id, seat),
  CONSTRAINT agenda_seat_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT agenda_seat_positive CHECK (seat >= 1));
CREATE FUNCTION agenda_seats_follow_capacity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF tg_op = 'UPDATE' THEN PERFORM vacate_seats(new); END IF;
  DELETE FROM agenda_seat WHERE organization_id = new.organization_id AND agenda_id = new.id AND seat > new.capacity;
  INSERT INTO agenda_seat SELECT new.organization_id, new.id, n FROM generate_series(1, new.capacity) n ON CONFLICT DO NOTHING;
  IF tg_op = 'UPDATE' THEN PERFORM extend_to_new_seats(new, old.capacity); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER agenda_seats AFTER INSERT OR UPDATE OF capacity ON agenda FOR EACH ROW EXECUTE FUNCTION agenda_seats_follow_capacity();

CREATE TABLE motif (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  label_fr text NOT NULL,
  label_en text NOT NULL,
  duration_minutes integer NOT NULL,
  buffer_before_minutes integer NOT NULL DEFAULT 0,
  buffer_after_minutes integer NOT NULL DEFAULT 0,
  granularity_minutes integer NOT NULL DEFAULT 5,
  active boolean NOT NULL DEFAULT true,
  CONSTRAINT motif_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT motif_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT motif_duration_range CHECK (duration_minutes BETWEEN 5 AND 480),
  CONSTRAINT motif_buffer_range CHECK (buffer_before_minutes BETWEEN 0 AND 120 AND buffer_after_minutes BETWEEN 0 AND 120),
  CONSTRAINT motif_granularity_range CHECK (granularity_minutes BETWEEN 5 AND 240));

CREATE TABLE agenda_motif (
  organization_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  motif_id uuid NOT NULL,
  CONSTRAINT agenda_motif_pk PRIMARY KEY (organization_id, agenda_id, motif_id),
  CONSTRAINT agenda_motif_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT agenda_motif_motif_fk FOREIGN KEY (organization_id, motif_id) REFERENCES motif (organization_id, id) ON DELETE CASCADE);

CREATE TABLE opening (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  rrule text NOT NULL,
  starts_local text NOT NULL,
  duration_minutes integer NOT NULL,
  time_zone text NOT NULL,
  except_dates text[] NOT NULL DEFAULT '{}',
  CONSTRAINT opening_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT opening_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT opening_duration_range CHECK (duration_minutes BETWEEN 5 AND 1440));

-- Openings expanded over a rolling horizon (agenda.opened_until), so that availability is range arithmetic.
CREATE TABLE opening_occurrence (
  organization_id uuid NOT NULL,
  opening_id uuid NOT NULL,
  during tstzrange NOT NULL,
  agenda_id uuid NOT NULL,
  CONSTRAINT opening_occurrence_pk PRIMARY KEY (organization_id, opening_id, during),
  CONSTRAINT opening_occurrence_opening_fk FOREIGN KEY (organization_id, opening_id) REFERENCES opening (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT opening_occurrence_range CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during) AND NOT lower_inf(during) AND NOT upper_inf(during)));
CREATE INDEX opening_occurrence_agenda ON opening_occurrence USING gist (agenda_id, during);

CREATE TABLE closure (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  during tstzrange NOT NULL,
  label text NOT NULL,
  CONSTRAINT closure_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT closure_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT closure_claimed UNIQUE (organization_id, id, during),
  CONSTRAINT closure_range CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during) AND NOT lower_inf(during) AND NOT upper_inf(during)
    AND upper(during) - lower(during) <= interval '400 days'));
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
