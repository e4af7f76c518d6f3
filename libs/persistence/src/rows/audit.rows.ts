import { Entity, Index } from 'typeorm';
import { Checks, Field, Key, Optional, References, Together } from './columns.js';
import { OrganizationRow } from './tenancy.rows.js';

@Entity('trace')
@References('trace_organization_fk', () => OrganizationRow, { from: [], to: [] })
export class TraceRow {
  @Key('trace_pk') organizationId!: string;
  @Key('trace_pk', 'bigint') transactionId!: string;
  /** Drawn from the ids of events, so that both have one order. */
  @Key('trace_pk', 'bigint') id!: string;
  @Field('text') action!: string;
  @Optional('uuid') entityId!: string | null;
  @Field('uuid', { array: true }) objects!: string[];
  @Field('jsonb') actor!: unknown;
  @Optional('jsonb') origin!: unknown;
  @Optional('bytea') after!: Buffer | null;
  @Field('timestamptz', { default: () => 'clock_timestamp()' }) at!: Date;
}

@Entity('audit_entry')
@References('audit_entry_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Checks({ audit_entry_hash_length: 'octet_length(hash) = 32' })
@Together('audit_entry_source', ['organizationId', 'transactionId', 'sourceId'])
@Index('audit_entry_entity', ['organizationId', 'entityId', 'seq'], { where: 'after IS NOT NULL' })
@Index('audit_entry_at', ['organizationId', 'at'])
export class AuditEntryRow {
  @Key('audit_entry_pk') organizationId!: string;
  @Key('audit_entry_pk', 'bigint') seq!: string;
  @Field('bigint') transactionId!: string;
  @Field('bigint') sourceId!: string;
  @Field('timestamptz') at!: Date;
  @Field('text') action!: string;
  @Optional('uuid') agendaId!: string | null;
  @Optional('uuid') entityId!: string | null;
  @Field('uuid', { array: true }) objects!: string[];
  /** Keyed pseudonyms. */
  @Field('uuid', { array: true }) patients!: string[];
  @Field('text') actorKind!: string;
  @Optional('uuid') actorId!: string | null;
  @Optional('uuid') keyId!: string | null;
  @Optional('uuid') behalfId!: string | null;
  @Field('uuid', { array: true, default: [] }) grantIds!: string[];
  @Optional('text') requestId!: string | null;
  @Optional('text') address!: string | null;
  @Optional('text') agent!: string | null;
  @Optional('text') reason!: string | null;
  @Optional('bytea') before!: Buffer | null;
  @Optional('bytea') after!: Buffer | null;
  @Field('bytea') hash!: Buffer;
}

@Entity('audit_subject')
@References('audit_subject_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Index('audit_subject_seq', ['organizationId', 'seq'])
export class AuditSubjectRow {
  @Key('audit_subject_pk') organizationId!: string;
  @Key('audit_subject_pk') subjectId!: string;
  @Key('audit_subject_pk', 'bigint') seq!: string;
}

@Entity('audit_seal')
@References('audit_seal_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Checks({ audit_seal_kind: `kind IN ('hourly', 'anchor')` })
export class AuditSealRow {
  @Key('audit_seal_pk') organizationId!: string;
  @Key('audit_seal_pk', 'text') kind!: string;
  @Key('audit_seal_pk', 'bigint') seq!: string;
  @Field('bigint') transactionId!: string;
  @Field('bigint') sourceId!: string;
  @Field('bytea') hash!: Buffer;
  @Field('text') keyId!: string;
  @Field('bytea') signature!: Buffer;
  @Field('timestamptz', { default: () => 'clock_timestamp()' }) at!: Date;
}
