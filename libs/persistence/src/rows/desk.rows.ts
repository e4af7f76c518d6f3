import { Entity, Index } from 'typeorm';
import { AgendaRow, MotifRow } from './agenda.rows.js';
import { AppointmentRow } from './appointment.rows.js';
import { Checks, Field, Key, now, Optional, References } from './columns.js';

@Entity('overbooking_notice')
@References('overbooking_notice_appointment_fk', () => AppointmentRow, {
  from: ['appointment_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@Index('overbooking_notice_due', ['dueAt'], { where: 'told_at IS NULL' })
export class OverbookingNoticeRow {
  @Key('overbooking_notice_pk') organizationId!: string;
  @Key('overbooking_notice_pk') appointmentId!: string;
  @Field('tstzrange') during!: string;
  @Field('timestamptz', now) dueAt!: Date;
  @Optional('timestamptz') toldAt!: Date | null;
  @Optional('text') error!: string | null;
}

@Entity('series')
@References('series_agenda_fk', () => AgendaRow, { from: ['agenda_id'], to: ['id'] })
@References('series_motif_fk', () => MotifRow, { from: ['motif_id'], to: ['id'] })
@Checks({
  series_mode_value: `mode IN ('all-or-nothing', 'report')`,
  series_state_value: `state IN ('settling', 'done', 'undoing', 'undone')`,
})
@Index('series_due', ['dueAt'], { where: `state IN ('settling', 'undoing')` })
export class SeriesRow {
  @Key('series_pk') organizationId!: string;
  @Key('series_pk') id!: string;
  @Field('uuid') agendaId!: string;
  @Field('uuid') motifId!: string;
  @Field('text') mode!: string;
  @Field('text') state!: string;
  @Field('jsonb', { default: [] }) refused!: object;
  @Optional('jsonb') moving!: object | null;
  @Field('jsonb') actor!: object;
  @Field('timestamptz', now) dueAt!: Date;
  @Field('timestamptz', now) createdAt!: Date;
}

@Entity('bulk_cancellation')
@Checks({ bulk_cancellation_state_value: `state IN ('running', 'done')` })
@Index('bulk_cancellation_due', ['dueAt'], { where: `state = 'running'` })
export class BulkCancellationRow {
  @Key('bulk_cancellation_pk') organizationId!: string;
  @Key('bulk_cancellation_pk') id!: string;
  @Field('uuid', { array: true }) agendaIds!: string[];
  @Field('tstzrange') during!: string;
  @Field('jsonb') reason!: object;
  @Field('jsonb') actor!: object;
  @Field('text', { default: 'running' }) state!: string;
  @Field('timestamptz', now) dueAt!: Date;
  @Field('timestamptz', now) createdAt!: Date;
}

@Entity('bulk_item')
@References('bulk_item_bulk_fk', () => BulkCancellationRow, { from: ['bulk_id'], to: ['id'], onDelete: 'CASCADE' })
@References('bulk_item_appointment_fk', () => AppointmentRow, {
  from: ['appointment_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@Checks({ bulk_item_state_value: `state IN ('due', 'cancelled', 'left')` })
export class BulkItemRow {
  @Key('bulk_item_pk') organizationId!: string;
  @Key('bulk_item_pk') bulkId!: string;
  @Key('bulk_item_pk') appointmentId!: string;
  @Field('integer') version!: number;
  @Field('text', { default: 'due' }) state!: string;
  @Optional('text') problem!: string | null;
}
