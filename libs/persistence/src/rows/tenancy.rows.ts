import { Entity, Index, PrimaryColumn } from 'typeorm';
import { Checks, Field, Key, now, Optional, References } from './columns.js';

@Entity('organization')
@Checks({
  organization_name_length: 'length(name) BETWEEN 1 AND 200',
  organization_audit_months: 'audit_months BETWEEN 6 AND 36',
  organization_identity_days: 'identity_days BETWEEN 1 AND 3650',
  organization_kind_value: `kind IN ('practice', 'secretariat')`,
})
export class OrganizationRow {
  @Key('organization_pk') organizationId!: string;
  @Field('text') name!: string;
  @Field('timestamptz', now) createdAt!: Date;
  /** How long the audit log goes back. */
  @Field('integer', { default: 12 }) auditMonths!: number;
  /** Days after a visit for which it is kept who it was for. */
  @Field('integer', { default: 30 }) identityDays!: number;
  /** Whether free text about patients is kept. */
  @Field('boolean', { default: false }) patientNotes!: boolean;
  @Field('text', { default: 'practice' }) kind!: string;
}

@Entity('collaborator')
@References('collaborator_organization_fk', () => OrganizationRow, { from: [], to: [] })
@References('collaborator_mandate_fk', () => MandateRow, { from: ['mandate_id'], to: ['id'] })
@Checks({
  collaborator_kind_value: `kind IN ('member', 'mandated')`,
  collaborator_mandated: `(kind = 'mandated') = (mandate_id IS NOT NULL)`,
})
export class CollaboratorRow {
  @Key('collaborator_pk') organizationId!: string;
  @Key('collaborator_pk') id!: string;
  @Field('text') displayName!: string;
  @Field('boolean', { default: true }) active!: boolean;
  @Field('timestamptz', now) createdAt!: Date;
  /** The team he answers the telephone with; quotas are counted by it. */
  @Optional('text') secretariat!: string | null;
  /** `mandated`: of a secretariat, under the id he has there. */
  @Field('text', { default: 'member' }) kind!: string;
  @Optional('text') email!: string | null;
  @Optional('uuid') mandateId!: string | null;
}

@Entity('team')
@References('team_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Checks({ team_name_length: 'length(name) BETWEEN 1 AND 200' })
export class TeamRow {
  @Key('team_pk') organizationId!: string;
  @Key('team_pk') id!: string;
  @Field('text') name!: string;
  @Field('integer', { default: 1 }) version!: number;
  @Field('timestamptz', now) createdAt!: Date;
}

@Entity('mandate')
@References('mandate_organization_fk', () => OrganizationRow, { from: [], to: [] })
@References('mandate_team_fk', () => TeamRow, { from: ['team_id'], to: ['id'] })
@Checks({
  mandate_staffing_value: `staffing IN ('shared', 'dedicated')`,
  mandate_label_length: 'length(label) BETWEEN 1 AND 200',
  mandate_elsewhere: 'secretariat_id <> organization_id',
  mandate_dates: 'ends_at > starts_at',
})
@Index('mandate_secretariat', ['organizationId', 'secretariatId'])
export class MandateRow {
  @Key('mandate_pk') organizationId!: string;
  @Key('mandate_pk') id!: string;
  @Field('uuid') secretariatId!: string;
  @Field('text') label!: string;
  @Field('text') staffing!: string;
  @Field('uuid') teamId!: string;
  @Field('timestamptz') startsAt!: Date;
  @Optional('timestamptz') endsAt!: Date | null;
  @Optional('timestamptz') revokedAt!: Date | null;
  @Field('integer', { default: 1 }) version!: number;
  @Field('timestamptz', now) createdAt!: Date;
}

@Entity('team_member')
@References('team_member_team_fk', () => TeamRow, { from: ['team_id'], to: ['id'], onDelete: 'CASCADE' })
@References('team_member_collaborator_fk', () => CollaboratorRow, {
  from: ['collaborator_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@Index('team_member_collaborator', ['organizationId', 'collaboratorId'])
export class TeamMemberRow {
  @Key('team_member_pk') organizationId!: string;
  @Key('team_member_pk') teamId!: string;
  @Key('team_member_pk') collaboratorId!: string;
}

@Entity('api_key')
@References('api_key_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Checks({
  api_key_hash_length: 'octet_length(secret_hash) = 32',
  api_key_audience_value: `audience IN ('PUBLIC', 'PRO', 'SNP', 'CPTS', 'SECRETARIAT')`,
})
export class ApiKeyRow {
  @Key('api_key_pk') organizationId!: string;
  @Key('api_key_pk') id!: string;
  @Field('text') label!: string;
  @Field('bytea') secretHash!: Buffer;
  @Field('text', { array: true }) scopes!: string[];
  @Field('timestamptz', now) createdAt!: Date;
  @Optional('timestamptz') revokedAt!: Date | null;
  /** For whom its application books. */
  @Field('text', { default: 'SECRETARIAT' }) audience!: string;
}

@Entity('idempotency')
@References('idempotency_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Checks({ idempotency_key_length: 'length(key) BETWEEN 1 AND 255' })
@Index('idempotency_created_at', ['createdAt'])
export class IdempotencyRow {
  @Key('idempotency_pk') organizationId!: string;
  @Key('idempotency_pk', 'text') key!: string;
  @Field('bytea') requestHash!: Buffer;
  @Optional('uuid') resourceId!: string | null;
  @Optional('integer') responseStatus!: number | null;
  @Optional('jsonb') response!: unknown;
  @Field('timestamptz', now) createdAt!: Date;
}

@Entity('event')
@References('event_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Index('event_subject', ['organizationId', 'subjectId'])
export class EventRow {
  @Key('event_pk') organizationId!: string;
  @Key('event_pk', 'bigint') transactionId!: string;
  @PrimaryColumn({
    type: 'bigint',
    primaryKeyConstraintName: 'event_pk',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id!: string;
  @Field('text') type!: string;
  @Optional('uuid') agendaId!: string | null;
  @Optional('uuid') subjectId!: string | null;
  @Field('jsonb') actor!: unknown;
  @Field('jsonb') data!: unknown;
  @Field('timestamptz', { default: () => 'clock_timestamp()' }) at!: Date;
  /** Where it came from; `null` for what the hub does by itself. Not for applications. */
  @Optional('jsonb') origin!: unknown;
}
