import { Entity, Index, PrimaryColumn } from 'typeorm';
import { AgendaRow } from './agenda.rows.js';
import { Checks, Field, Key, now, Optional, References } from './columns.js';
import { CollaboratorRow } from './tenancy.rows.js';

@Entity('waiting_entry')
@References('waiting_entry_collaborator_fk', () => CollaboratorRow, { from: ['created_by'], to: ['id'] })
@Checks({
  waiting_entry_priority_value: `priority IN ('routine', 'soon', 'urgent')`,
  waiting_entry_state_value: `state IN ('waiting', 'booked', 'withdrawn', 'lapsed')`,
  waiting_entry_closed: `(state = 'waiting') = (closed_at IS NULL) AND (state = 'booked') = (appointment_id IS NOT NULL)`,
  waiting_entry_patient: `(sealed IS NULL) = (state = 'withdrawn')`,
  waiting_entry_motifs: 'cardinality(motif_ids) BETWEEN 1 AND 20',
})
@Index('waiting_entry_listed', ['organizationId', 'createdAt', 'id'])
@Index('waiting_entry_fingerprint', ['organizationId', 'fingerprint'], { where: `state = 'waiting'` })
@Index('waiting_entry_phone', ['organizationId', 'phoneIndex'], { where: 'phone_index IS NOT NULL' })
@Index('waiting_entry_key', ['organizationId', 'keyId'])
@Index('waiting_entry_appointment', ['organizationId', 'appointmentId'], { where: 'appointment_id IS NOT NULL' })
export class WaitingEntryRow {
  @Key('waiting_entry_pk') organizationId!: string;
  @Key('waiting_entry_pk') id!: string;
  @Optional('bytea') sealed!: Buffer | null;
  @Optional('bytea') fingerprint!: Buffer | null;
  @Field('uuid', { array: true }) motifIds!: string[];
  @Field('jsonb') availability!: object;
  @Field('text') priority!: string;
  @Optional('timestamptz') deadline!: Date | null;
  @Field('text') audience!: string;
  @Field('text', { default: 'waiting' }) state!: string;
  @Optional('uuid') appointmentId!: string | null;
  @Field('uuid') createdBy!: string;
  @Field('timestamptz', now) createdAt!: Date;
  @Optional('timestamptz') closedAt!: Date | null;
  @Field('integer', { default: 1 }) version!: number;
  /** Kept by a trigger: the key that opens it. */
  @Optional('uuid') keyId!: string | null;
  /** Keyed hash of the telephone number. */
  @Optional('bytea') phoneIndex!: Buffer | null;
}

@Entity('waiting_wish')
@References('waiting_wish_entry_fk', () => WaitingEntryRow, { from: ['entry_id'], to: ['id'], onDelete: 'CASCADE' })
@References('waiting_wish_agenda_fk', () => AgendaRow, { from: ['agenda_id'], to: ['id'], onDelete: 'CASCADE' })
@Index('waiting_wish_agenda', ['organizationId', 'agendaId'])
export class WaitingWishRow {
  @Key('waiting_wish_pk') organizationId!: string;
  @Key('waiting_wish_pk') entryId!: string;
  @Key('waiting_wish_pk') agendaId!: string;
}

@Entity('waiting_offer')
@References('waiting_offer_entry_fk', () => WaitingEntryRow, { from: ['entry_id'], to: ['id'], onDelete: 'CASCADE' })
@Checks({
  waiting_offer_state_value: `state IN ('preparing', 'open', 'accepted', 'refused', 'lapsed', 'withdrawn')`,
  waiting_offer_closed: `(state IN ('preparing', 'open')) = (closed_at IS NULL)`,
  waiting_offer_held: `state <> 'open' OR hold_until IS NOT NULL`,
})
@Index('waiting_offer_one_per_entry', ['organizationId', 'entryId'], { unique: true, where: 'closed_at IS NULL' })
@Index('waiting_offer_one_per_slot', ['organizationId', 'agendaId', 'startsAt'], {
  unique: true,
  where: 'closed_at IS NULL',
})
@Index('waiting_offer_listed', ['organizationId', 'madeAt', 'id'])
@Index('waiting_offer_by_entry', ['organizationId', 'entryId'])
export class WaitingOfferRow {
  @Key('waiting_offer_pk') organizationId!: string;
  @Key('waiting_offer_pk') id!: string;
  @Field('uuid') entryId!: string;
  @Field('uuid') agendaId!: string;
  @Field('uuid') motifId!: string;
  @Field('timestamptz') startsAt!: Date;
  @Field('timestamptz') endsAt!: Date;
  @Field('text', { default: 'preparing' }) state!: string;
  @Optional('timestamptz') holdUntil!: Date | null;
  @Field('timestamptz', now) madeAt!: Date;
  @Optional('jsonb') decidedBy!: unknown;
  @Optional('timestamptz') closedAt!: Date | null;
}

@Entity('vacancy')
@Index('vacancy_agenda', ['organizationId', 'agendaId', 'dueAt'])
@Index('vacancy_due', ['dueAt'])
export class VacancyRow {
  @Key('vacancy_pk') organizationId!: string;
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'vacancy_pk', generated: 'uuid' }) id!: string;
  @Field('uuid') agendaId!: string;
  @Field('timestamptz', now) dueAt!: Date;
  @Field('integer', { default: 0 }) pauseSeconds!: number;
}
