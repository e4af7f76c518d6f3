import { Entity, Index } from 'typeorm';
import { AgendaRow } from './agenda.rows.js';
import { Checks, Field, Key, now, Optional, References } from './columns.js';
import { ApiKeyRow, CollaboratorRow, OrganizationRow, TeamRow } from './tenancy.rows.js';

@Entity('access_grant')
@References('access_grant_collaborator_fk', () => CollaboratorRow, { from: ['collaborator_id'], to: ['id'] })
@References('access_grant_team_fk', () => TeamRow, { from: ['team_id'], to: ['id'] })
@References('access_grant_api_key_fk', () => ApiKeyRow, { from: ['api_key_id'], to: ['id'] })
@References('access_grant_delegated_fk', () => AccessGrantRow, { from: ['delegated_from'], to: ['id'] })
@Checks({
  access_grant_holder: 'num_nonnulls(collaborator_id, team_id, api_key_id) = 1',
  access_grant_actions: 'cardinality(actions) > 0',
  access_grant_delegation_value: `delegation IN ('overflow', 'replacement')`,
  access_grant_delegated: '(delegation IS NULL) = (delegated_from IS NULL)',
  access_grant_dates: 'valid_until > valid_from',
  access_grant_state_value: `state IN ('proposed', 'active', 'revoked')`,
  access_grant_revoked: `(state = 'revoked') = (revoked_at IS NOT NULL)`,
})
@Index('access_grant_collaborator', ['organizationId', 'collaboratorId'], { where: 'collaborator_id IS NOT NULL' })
@Index('access_grant_team', ['organizationId', 'teamId'], { where: 'team_id IS NOT NULL' })
@Index('access_grant_api_key', ['organizationId', 'apiKeyId'], { where: 'api_key_id IS NOT NULL' })
export class AccessGrantRow {
  @Key('access_grant_pk') organizationId!: string;
  @Key('access_grant_pk') id!: string;
  @Optional('uuid') collaboratorId!: string | null;
  @Optional('uuid') teamId!: string | null;
  @Optional('uuid') apiKeyId!: string | null;
  @Field('text', { array: true }) actions!: string[];
  @Field('text', { array: true, default: ['name', 'birthDate', 'phone', 'email', 'newPatient', 'answers'] })
  identity!: string[];
  @Field('uuid', { array: true, nullable: true }) agendaIds!: string[] | null;
  @Field('uuid', { array: true, nullable: true }) locationIds!: string[] | null;
  @Field('uuid', { array: true, nullable: true }) motifIds!: string[] | null;
  @Field('text', { array: true, nullable: true }) audiences!: string[] | null;
  @Field('text', { array: true, nullable: true }) channels!: string[] | null;
  @Optional('jsonb') hours!: object | null;
  @Field('jsonb', { default: [] }) quotas!: object;
  @Optional('timestamptz') validFrom!: Date | null;
  @Optional('timestamptz') validUntil!: Date | null;
  @Field('boolean', { default: false }) delegable!: boolean;
  @Optional('uuid') delegatedFrom!: string | null;
  @Optional('text') delegation!: string | null;
  @Field('text') state!: string;
  @Optional('uuid') issuedBy!: string | null;
  @Optional('uuid') approvedBy!: string | null;
  @Optional('timestamptz') revokedAt!: Date | null;
  @Field('integer', { default: 1 }) version!: number;
  @Field('timestamptz', now) createdAt!: Date;
}

@Entity('grant_use')
@Checks({ grant_use_many: 'many > 0' })
@References('grant_use_grant_fk', () => AccessGrantRow, { from: ['grant_id'], to: ['id'], onDelete: 'CASCADE' })
export class GrantUseRow {
  @Key('grant_use_pk') organizationId!: string;
  @Key('grant_use_pk') grantId!: string;
  @Key('grant_use_pk', 'text') action!: string;
  @Key('grant_use_pk', 'text') localDay!: string;
  @Key('grant_use_pk', 'text') key!: string;
  @Field('integer', { default: 1 }) many!: number;
}

@Entity('grant_notice')
@References('grant_notice_grant_fk', () => AccessGrantRow, { from: ['grant_id'], to: ['id'], onDelete: 'CASCADE' })
@References('grant_notice_agenda_fk', () => AgendaRow, { from: ['agenda_id'], to: ['id'], onDelete: 'CASCADE' })
@References('grant_notice_export_fk', () => ExportRequestRow, { from: ['export_id'], to: ['id'] })
@Checks({ grant_notice_about: 'num_nonnulls(grant_id, export_id, identity_id) = 1' })
@Index('grant_notice_due', ['dueAt'], { where: 'told_at IS NULL' })
export class GrantNoticeRow {
  @Key('grant_notice_pk') organizationId!: string;
  @Key('grant_notice_pk') id!: string;
  @Optional('uuid') grantId!: string | null;
  @Field('uuid') agendaId!: string;
  @Field('text') change!: string;
  @Field('timestamptz', now) dueAt!: Date;
  @Optional('timestamptz') toldAt!: Date | null;
  @Optional('text') error!: string | null;
  @Optional('uuid') exportId!: string | null;
  @Optional('uuid') identityId!: string | null;
}

@Entity('export_request')
@References('export_request_asked_by_fk', () => CollaboratorRow, { from: ['asked_by'], to: ['id'] })
@References('export_request_decided_by_fk', () => CollaboratorRow, { from: ['decided_by'], to: ['id'] })
@Checks({
  export_request_kind_value: `kind IN ('audit', 'patient')`,
  export_request_state_value: `state IN ('asked', 'approved', 'refused', 'expired', 'fetched')`,
  export_request_second_person: 'decided_by <> asked_by',
  export_request_decided: `state = 'expired' OR (state = 'asked') = (decided_at IS NULL)`,
  export_request_reason: `(state = 'refused') = (reason IS NOT NULL)`,
  export_request_fetched: `fetched BETWEEN 0 AND 3 AND (fetched = 0 OR state IN ('approved', 'fetched'))`,
})
@Index('export_request_due', ['expiresAt'], { where: `state IN ('asked', 'approved')` })
export class ExportRequestRow {
  @Key('export_request_pk') organizationId!: string;
  @Key('export_request_pk') id!: string;
  @Field('text') kind!: string;
  @Field('jsonb') wanted!: object;
  @Field('text', { default: 'asked' }) state!: string;
  @Field('uuid') askedBy!: string;
  @Optional('uuid') decidedBy!: string | null;
  @Optional('timestamptz') decidedAt!: Date | null;
  @Optional('text') reason!: string | null;
  @Field('integer', { default: 0 }) fetched!: number;
  @Field('timestamptz') expiresAt!: Date;
  @Field('integer', { default: 1 }) version!: number;
  @Field('timestamptz', now) createdAt!: Date;
}

@Entity('access_state')
@References('access_state_organization_fk', () => OrganizationRow, { from: [], to: [] })
export class AccessStateRow {
  @Key('access_state_pk') organizationId!: string;
  @Field('integer', { default: 1 }) version!: number;
}
