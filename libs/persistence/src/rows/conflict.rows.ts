import { Entity, Index } from 'typeorm';
import { AgendaRow } from './agenda.rows.js';
import { AppointmentRow } from './appointment.rows.js';
import { Checks, Field, Key, now, Optional, References } from './columns.js';

const ofAppointment = { from: ['appointment_id'], to: ['id'], onDelete: 'CASCADE' } as const;
const ofAgenda = { from: ['agenda_id'], to: ['id'] } as const;

@Entity('conflict')
@References('conflict_appointment_fk', () => AppointmentRow, ofAppointment)
@References('conflict_agenda_fk', () => AgendaRow, ofAgenda)
@Checks({
  conflict_reason_value: `reason IN ('double-booked', 'both-moved', 'deleted-there', 'became-recurring', 'lost-its-time', 'not-writable', 'never-answered')`,
  conflict_state_value: `state IN ('open', 'resolved')`,
  conflict_resolved: `(state = 'resolved') = (resolved_at IS NOT NULL) AND (state = 'resolved') = (resolution IS NOT NULL)`,
})
@Index('conflict_one_open', ['organizationId', 'appointmentId'], { unique: true, where: `state = 'open'` })
@Index('conflict_listed', ['organizationId', 'state', 'openedAt', 'id'])
export class ConflictRow {
  @Key('conflict_pk') organizationId!: string;
  @Key('conflict_pk') id!: string;
  @Field('uuid') appointmentId!: string;
  @Field('uuid') agendaId!: string;
  @Optional('uuid') linkId!: string | null;
  @Field('text') reason!: string;
  @Optional('jsonb') base!: unknown;
  @Field('jsonb') ours!: unknown;
  @Optional('jsonb') theirs!: unknown;
  @Field('text', { default: 'open' }) state!: 'open' | 'resolved';
  @Optional('text') resolution!: string | null;
  @Optional('jsonb') resolvedBy!: unknown;
  @Field('timestamptz', now) openedAt!: Date;
  @Optional('timestamptz') resolvedAt!: Date | null;
  @Field('integer', { default: 1 }) version!: number;
}

@Entity('callback_task')
@References('callback_task_appointment_fk', () => AppointmentRow, ofAppointment)
@References('callback_task_agenda_fk', () => AgendaRow, ofAgenda)
@Checks({
  callback_task_reason_value: `reason IN ('moved', 'cancelled', 'refused')`,
  callback_task_done: '(done_by IS NULL) = (done_at IS NULL)',
})
@Index('callback_task_one_open', ['organizationId', 'appointmentId'], { unique: true, where: 'done_at IS NULL' })
@Index('callback_task_listed', ['organizationId', 'createdAt', 'id'])
export class CallbackTaskRow {
  @Key('callback_task_pk') organizationId!: string;
  @Key('callback_task_pk') id!: string;
  @Field('uuid') appointmentId!: string;
  @Field('uuid') agendaId!: string;
  @Field('text') reason!: string;
  @Field('jsonb') createdBy!: unknown;
  @Field('timestamptz', now) createdAt!: Date;
  @Optional('jsonb') doneBy!: unknown;
  @Optional('timestamptz') doneAt!: Date | null;
}
