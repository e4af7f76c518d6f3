import { Entity, Index } from 'typeorm';
import { AppointmentRow } from './appointment.rows.js';
import { Field, Key, Optional, References } from './columns.js';
import { LinkRow } from './connection.rows.js';

@Entity('erasure')
export class ErasureRow {
  @Key('erasure_pk') organizationId!: string;
  @Key('erasure_pk') id!: string;
  @Field('uuid', { array: true }) appointmentIds!: string[];
  @Field('uuid', { array: true }) entryIds!: string[];
  @Field('integer') quarantined!: number;
  @Field('integer') copies!: number;
  @Field('jsonb') actor!: unknown;
  @Field('timestamptz', { default: () => 'clock_timestamp()' }) at!: Date;
}

@Entity('text_due')
@References('text_due_appointment_fk', () => AppointmentRow, {
  from: ['appointment_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@References('text_due_link_fk', () => LinkRow, { from: ['link_id'], to: ['id'], onDelete: 'CASCADE' })
@Index('text_due_link', ['organizationId', 'linkId'])
@Index('text_due_erasure', ['organizationId', 'erasureId'], { where: 'erasure_id IS NOT NULL' })
export class TextDueRow {
  @Key('text_due_pk') organizationId!: string;
  @Key('text_due_pk') appointmentId!: string;
  @Field('uuid') linkId!: string;
  @Optional('uuid') erasureId!: string | null;
  @Field('text', { array: true }) former!: string[];
  @Field('integer', { default: 0 }) refusals!: number;
}
