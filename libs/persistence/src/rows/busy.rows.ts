import { Entity, Index } from 'typeorm';
import { Checks, Field, Key, now, Optional, References } from './columns.js';
import { MirrorRow } from './connection.rows.js';

@Entity('busy_change')
@References('busy_change_mirror_fk', () => MirrorRow, { from: ['mirror_id'], to: ['id'], onDelete: 'CASCADE' })
@Checks({
  busy_change_state_value: `state IN ('due', 'done', 'refused')`,
  busy_change_reason_value: `reason IN ('taken', 'moved-on', 'unsupported', 'impossible', 'forbidden') AND (state = 'refused') = (reason IS NOT NULL)`,
})
@Index('busy_change_one_at_a_time', ['organizationId', 'mirrorId'], { unique: true, where: `state = 'due'` })
@Index('busy_change_lane', ['organizationId', 'agendaId', 'askedAt'], { where: `state = 'due'` })
@Index('busy_change_due', ['dueAt'], { where: `state = 'due'` })
export class BusyChangeRow {
  @Key('busy_change_pk') organizationId!: string;
  @Key('busy_change_pk') id!: string;
  @Field('uuid') agendaId!: string;
  @Field('uuid') linkId!: string;
  @Field('uuid') mirrorId!: string;
  @Field('tstzrange') during!: string;
  @Optional('tstzrange') aim!: string | null;
  @Field('boolean') following!: boolean;
  @Field('text', { default: 'due' }) state!: 'due' | 'done' | 'refused';
  @Optional('text') reason!: string | null;
  @Field('tstzrange', { array: true, default: [] }) reserved!: string[];
  @Field('text') contentHash!: string;
  @Field('jsonb') actor!: unknown;
  @Field('timestamptz', now) dueAt!: Date;
  @Field('timestamptz', now) askedAt!: Date;
  @Field('integer', { default: 0 }) attempts!: number;
  @Field('integer', { default: 0 }) unanswered!: number;
  @Field('boolean', { default: false }) landed!: boolean;
  @Optional('timestamptz') lastSentAt!: Date | null;
  @Field('integer', { default: 0 }) failures!: number;
  @Optional('jsonb') lastError!: unknown;
}
