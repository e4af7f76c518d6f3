import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How agendas are tied to backends: connections, links, mirrors, quarantine, push hints, lanes. */
export class Connections1763770003000 implements MigrationInterface {
  readonly name = 'Connections1763770003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
CREATE TABLE connection (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  connector_id text NOT NULL,
  label text NOT NULL,
  settings jsonb NOT NULL,
  secrets_sealed bytea NOT NULL,
  status text NOT NULL DEFAULT 'unverified',
  breaker_since timestamptz NOT NULL DEFAULT '-infinity',
  breaker_calls integer NOT NULL DEFAULT 0,
  breaker_failures integer NOT NULL DEFAULT 0,
  blocked_until timestamptz NOT NULL DEFAULT '-infinity',
  blocked_reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT connection_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT connection_organization_fk FOREIGN KEY (organization_id) REFERENCES organization (organization_id),
  CONSTRAINT connection_status_value CHECK (status IN ('unverified', 'active', 'auth-failed')));

CREATE TABLE link (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  connection_id uuid NOT NULL,
  remote_agenda_id text NOT NULL,
  direction text NOT NULL DEFAULT 'two-way',
  disclosure text NOT NULL DEFAULT 'initials',
  policy text NOT NULL DEFAULT 'practitioner-wins',
  status text NOT NULL DEFAULT 'active',
  cursor text,
  as_of timestamptz NOT NULL DEFAULT '-infinity',
  reconciled_at timestamptz NOT NULL DEFAULT '-infinity',
  written_at timestamptz,
  poll_at timestamptz NOT NULL DEFAULT '-infinity',
  hinted_at timestamptz,
  read_failures integer NOT NULL DEFAULT 0,
  last_error jsonb,
  brake jsonb,
  subscription_id text,
  subscription_until timestamptz,
  push_secret_sealed bytea,
  CONSTRAINT link_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT link_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id),
  CONSTRAINT link_connection_fk FOREIGN KEY (organization_id, connection_id) REFERENCES connection (organization_id, id),
  CONSTRAINT link_one_per_agenda UNIQUE (organization_id, agenda_id),
  CONSTRAINT link_one_per_remote_agenda UNIQUE (organization_id, connection_id, remote_agenda_id),
  CONSTRAINT link_direction_value CHECK (direction IN ('two-way', 'read-only')),
  CONSTRAINT link_disclosure_value CHECK (disclosure IN ('full', 'initials', 'busy')),
  CONSTRAINT link_policy_value CHECK (policy IN ('practitioner-wins', 'hub-wins')),
  CONSTRAINT link_status_value CHECK (status IN ('active', 'auth-failed', 'gone')));

CREATE TABLE mirror (
  organization_id uuid NOT NULL,
  id uuid NOT NULL,
  link_id uuid NOT NULL,
  remote_id text NOT NULL,
  version text,
  content_hash text NOT NULL,
  summary_hash text,
  appointment_id uuid,
  during tstzrange,
  seen_at timestamptz NOT NULL DEFAULT now(),
  gone_at timestamptz,
  CONSTRAINT mirror_pk PRIMARY KEY (organization_id, id),
  CONSTRAINT mirror_link_fk FOREIGN KEY (organization_id, link_id) REFERENCES link (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT mirror_remote_id UNIQUE (organization_id, link_id, remote_id));
CREATE UNIQUE INDEX mirror_one_per_appointment ON mirror (organization_id, link_id, appointment_id) WHERE appointment_id IS NOT NULL AND gone_at IS NULL;

CREATE TABLE quarantine (
  organization_id uuid NOT NULL,
  link_id uuid NOT NULL,
  remote_id text NOT NULL,
  version text,
  reason text NOT NULL,
  raw_sealed bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT quarantine_pk PRIMARY KEY (organization_id, link_id, remote_id),
  CONSTRAINT quarantine_link_fk FOREIGN KEY (organization_id, link_id) REFERENCES link (organization_id, id) ON DELETE CASCADE);

CREATE TABLE push_hint (
  organization_id uuid NOT NULL,
  link_id uuid NOT NULL,
  hint_id text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT push_hint_pk PRIMARY KEY (organization_id, link_id, hint_id),
  CONSTRAINT push_hint_link_fk FOREIGN KEY (organization_id, link_id) REFERENCES link (organization_id, id) ON DELETE CASCADE);

-- One process at a time reads or writes the remote side of an agenda. The fence tells a late holder that it lost.
CREATE TABLE agenda_lane (
  organization_id uuid NOT NULL,
  agenda_id uuid NOT NULL,
  fence bigint NOT NULL DEFAULT 0,
  lease_until timestamptz NOT NULL DEFAULT '-infinity',
  CONSTRAINT agenda_lane_pk PRIMARY KEY (organization_id, agenda_id),
  CONSTRAINT agenda_lane_agenda_fk FOREIGN KEY (organization_id, agenda_id) REFERENCES agenda (organization_id, id) ON DELETE CASCADE);
`);
  }

  async down(): Promise<void> {
    await Promise.reject(new Error('migrations are forward-only'));
  }
}
