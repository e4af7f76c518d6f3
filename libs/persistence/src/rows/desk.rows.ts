import { Entity, Index } from 'typeorm';
import { AppointmentRow } from './appointment.rows.js';
import { Field, Key, now, Optional, References } from './columns.js';

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
