import { Entity, Index } from 'typeorm';
import { Checks, Field, Key, now, Optional } from './columns.js';

@Entity('organization_key')
@Checks({ organization_key_version: 'version >= 0 AND (version > 0 OR retired_at IS NULL)' })
export class OrganizationKeyRow {
  @Key('organization_key_pk') organizationId!: string;
  @Key('organization_key_pk', 'integer') version!: number;
  @Field('bytea') wrapped!: Buffer;
  @Field('text') wrappedBy!: string;
  @Field('timestamptz', now) madeAt!: Date;
  @Optional('timestamptz') retiredAt!: Date | null;
}

@Entity('patient_key')
@Index('patient_key_version', ['organizationId', 'keyVersion'])
export class PatientKeyRow {
  @Key('patient_key_pk') organizationId!: string;
  @Key('patient_key_pk') id!: string;
  @Field('bytea') wrapped!: Buffer;
  /** Kept by a trigger, as in every table with sealed values. */
  @Optional('integer') keyVersion!: number | null;
}

@Entity('key_rotation')
@Checks({
  key_rotation_state_value: `state IN ('running', 'done')`,
  key_rotation_ended: `(state = 'done') = (ended_at IS NOT NULL)`,
})
@Index('key_rotation_one', ['organizationId'], { unique: true, where: `state = 'running'` })
@Index('key_rotation_due', ['dueAt'], { where: `state = 'running'` })
export class KeyRotationRow {
  @Key('key_rotation_pk') organizationId!: string;
  @Key('key_rotation_pk') id!: string;
  @Field('integer') toVersion!: number;
  @Field('text', { default: 'running' }) state!: 'running' | 'done';
  @Field('integer') total!: number;
  @Field('integer', { default: 0 }) done!: number;
  @Field('timestamptz', now) dueAt!: Date;
  @Field('timestamptz', now) startedAt!: Date;
  @Optional('timestamptz') endedAt!: Date | null;
}
