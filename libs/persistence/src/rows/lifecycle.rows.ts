import { Entity, Index } from 'typeorm';
import { AgendaRow } from './agenda.rows.js';
import { Checks, Field, Key, now, Optional, References } from './columns.js';
import { LinkRow } from './connection.rows.js';

const linkGone = { from: ['link_id'], to: ['id'], onDelete: 'CASCADE' } as const;

@Entity('link_plan')
@References('link_plan_link_fk', () => LinkRow, linkGone)
export class LinkPlanRow {
  @Key('link_plan_pk') organizationId!: string;
  @Key('link_plan_pk') linkId!: string;
  @Field('integer') version!: number;
  @Field('text') digest!: string;
  @Field('jsonb') plan!: unknown;
  @Field('timestamptz', now) madeAt!: Date;
}

@Entity('link_watch')
@References('link_watch_link_fk', () => LinkRow, linkGone)
@Checks({ link_watch_light_value: `light IN ('green', 'orange', 'red')` })
export class LinkWatchRow {
  @Key('link_watch_pk') organizationId!: string;
  @Key('link_watch_pk') linkId!: string;
  @Field('text', { default: 'green' }) light!: 'green' | 'orange' | 'red';
  @Optional('timestamptz') redSince!: Date | null;
  @Optional('timestamptz') alertAt!: Date | null;
  @Optional('timestamptz') alertedAt!: Date | null;
  @Field('integer', { default: 0 }) alerts!: number;
  @Optional('text') alertError!: string | null;
}

@Entity('disconnection')
@References('disconnection_agenda_fk', () => AgendaRow, { from: ['agenda_id'], to: ['id'] })
@Checks({
  disconnection_remote_value: `remote IN ('keep', 'remove')`,
  disconnection_state_value: `state IN ('removing', 'done')`,
})
@Index('disconnection_due', ['dueAt'], { where: `state = 'removing'` })
export class DisconnectionRow {
  @Key('disconnection_pk') organizationId!: string;
  @Key('disconnection_pk') linkId!: string;
  @Field('uuid') agendaId!: string;
  @Field('uuid') connectionId!: string;
  @Field('text') remoteAgendaId!: string;
  @Field('text') remote!: 'keep' | 'remove';
  @Field('text') state!: 'removing' | 'done';
  @Optional('text') subscriptionId!: string | null;
  @Field('timestamptz', now) dueAt!: Date;
  @Field('integer', { default: 0 }) failures!: number;
  @Optional('jsonb') lastError!: unknown;
  @Field('timestamptz', now) at!: Date;
  @Optional('timestamptz') endedAt!: Date | null;
}

@Entity('disconnection_object')
@References('disconnection_object_disconnection_fk', () => DisconnectionRow, {
  from: ['link_id'],
  to: ['link_id'],
  onDelete: 'CASCADE',
})
@Checks({ disconnection_object_state_value: `state IN ('due', 'removed', 'kept', 'left')` })
@Index('disconnection_object_appointment', ['organizationId', 'appointmentId'])
export class DisconnectionObjectRow {
  @Key('disconnection_object_pk') organizationId!: string;
  @Key('disconnection_object_pk') linkId!: string;
  @Key('disconnection_object_pk', 'text') reference!: string;
  @Optional('text') remoteId!: string | null;
  @Field('uuid') appointmentId!: string;
  @Field('tstzrange') during!: string;
  @Optional('timestamptz') sentAt!: Date | null;
  @Field('text') state!: 'due' | 'removed' | 'kept' | 'left';
}
