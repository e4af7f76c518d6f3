import { Entity, Exclusion, Index, PrimaryColumn } from 'typeorm';
import { AgendaRow, AgendaSeatRow, ClosureRow, MotifRow } from './agenda.rows.js';
import { bounded, Checks, Field, halfOpen, Key, now, Optional, References, Together } from './columns.js';
import { LinkRow, MirrorRow } from './connection.rows.js';
import { CollaboratorRow } from './tenancy.rows.js';

@Entity('appointment')
@References('appointment_agenda_fk', () => AgendaRow, { from: ['agenda_id'], to: ['id'] })
@References('appointment_motif_fk', () => MotifRow, { from: ['motif_id'], to: ['id'] })
@References('appointment_collaborator_fk', () => CollaboratorRow, { from: ['created_by'], to: ['id'] })
@References('appointment_replaces_fk', () => AppointmentRow, { from: ['replaces'], to: ['id'] })
@Together('appointment_claimed', ['organizationId', 'id', 'occupies'])
@Checks({
  appointment_status_value: `status IN ('held', 'pending', 'unknown', 'confirmed', 'compensating', 'conflict', 'cancelled', 'refused', 'expired')`,
  appointment_hold_ends: `(status = 'held') = (hold_until IS NOT NULL)`,
  appointment_ending_value: `ending IN ('cancelled', 'refused') AND (status = 'compensating') = (ending IS NOT NULL)`,
  appointment_starts: 'starts_at = lower(during)',
  appointment_range: `${halfOpen('during')} AND upper(during) - lower(during) <= interval '24 hours'`,
  appointment_occupied_range: `occupies @> during AND ${bounded('occupies')} AND upper(occupies) - lower(occupies) <= interval '32 hours'`,
})
@Index('appointment_agenda_start', ['organizationId', 'agendaId', 'startsAt', 'id'])
@Index('appointment_start', ['organizationId', 'startsAt', 'id'])
@Index('appointment_held', ['holdUntil'], { where: `status = 'held'` })
@Index('appointment_kept_there', ['heldThereUntil'], { where: `status = 'expired' AND held_there_until IS NOT NULL` })
@Index('appointment_agenda_held', ['organizationId', 'agendaId', 'id'], { where: `status = 'held'` })
@Index('appointment_replaced', { synchronize: false })
@Index('appointment_conflict', ['organizationId', 'agendaId'], { where: `status = 'conflict'` })
@Index('appointment_series', ['organizationId', 'seriesId'], { where: 'series_id IS NOT NULL' })
export class AppointmentRow {
  @Key('appointment_pk') organizationId!: string;
  @Key('appointment_pk') id!: string;
  @Field('uuid') agendaId!: string;
  @Field('uuid') motifId!: string;
  @Field('text') status!: string;
  @Field('tstzrange') during!: string;
  @Field('tstzrange') occupies!: string;
  @Optional('timestamptz') holdUntil!: Date | null;
  @Field('integer', { default: 1 }) generation!: number;
  @Field('integer', { default: 1 }) version!: number;
  @Optional('text') ending!: 'cancelled' | 'refused' | null;
  @Optional('jsonb') reason!: unknown;
  @Field('uuid') createdBy!: string;
  @Field('timestamptz', now) createdAt!: Date;
  @Field('timestamptz', now) updatedAt!: Date;
  @Optional('uuid') replaces!: string | null;
  /** Why it may stand beside others, when it was overbooked. */
  @Optional('text') overbooking!: string | null;
  @Optional('uuid') seriesId!: string | null;
  /** Kept by a trigger: the start of `during`, which an index can use under row-level security. */
  @Field('timestamptz') startsAt!: Date;
  /** How often a hold was made longer. */
  @Field('integer', { default: 0 }) renewals!: number;
  /** Until when the practitioner's own tool keeps a hold as well. */
  @Optional('timestamptz') heldThereUntil!: Date | null;
}

@Entity('patient_identity')
@References('patient_identity_appointment_fk', () => AppointmentRow, {
  from: ['appointment_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@Index('patient_identity_phone', ['organizationId', 'phoneIndex'], { where: 'phone_index IS NOT NULL' })
@Index('patient_identity_key', ['organizationId', 'keyId'])
@Index('patient_identity_fingerprint', ['organizationId', 'fingerprint'], { where: 'fingerprint IS NOT NULL' })
export class PatientIdentityRow {
  @Key('patient_identity_pk') organizationId!: string;
  @Key('patient_identity_pk') appointmentId!: string;
  @Field('bytea') sealed!: Buffer;
  /** Keyed hash of name and birth date. */
  @Optional('bytea') fingerprint!: Buffer | null;
  /** Kept by triggers: the key that opens it, and the appointment for which it was sealed. */
  @Optional('uuid') keyId!: string | null;
  @Optional('uuid') sealedFor!: string | null;
  /** Keyed hash of the telephone number. */
  @Optional('bytea') phoneIndex!: Buffer | null;
}

@Entity('remote_write')
@References('remote_write_appointment_fk', () => AppointmentRow, {
  from: ['appointment_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@References('remote_write_link_fk', () => LinkRow, { from: ['link_id'], to: ['id'] })
@References('remote_write_departing_motif_fk', () => MotifRow, { from: ['departing_motif_id'], to: ['id'] })
@Together('remote_write_departing', ['organizationId', 'appointmentId', 'departing'])
@Checks({
  remote_write_departing_both: '(departing IS NULL) = (departing_visit IS NULL)',
  remote_write_state_value: `state IN ('due', 'settled', 'dead')`,
})
@Index('remote_write_due', ['dueAt'], { where: `state = 'due'` })
@Index('remote_write_lane', ['organizationId', 'agendaId', 'askedAt'], { where: `state = 'due'` })
export class RemoteWriteRow {
  @Key('remote_write_pk') organizationId!: string;
  @Key('remote_write_pk') appointmentId!: string;
  @Field('uuid') agendaId!: string;
  @Field('uuid') linkId!: string;
  @Field('text', { default: 'due' }) state!: 'due' | 'settled' | 'dead';
  @Field('timestamptz', now) dueAt!: Date;
  @Field('timestamptz', now) askedAt!: Date;
  @Field('integer', { default: 0 }) attempts!: number;
  @Field('integer', { default: 0 }) unanswered!: number;
  @Optional('timestamptz') lastSentAt!: Date | null;
  @Field('integer', { default: 0 }) failures!: number;
  @Optional('tstzrange') departing!: string | null;
  @Optional('tstzrange') departingVisit!: string | null;
  @Optional('uuid') departingMotifId!: string | null;
  @Optional('jsonb') lastError!: unknown;
  @Field('boolean', { default: false }) promised!: boolean;
  @Optional('text') departingOverbooking!: string | null;
}

const holders = 'appointment_id, departing_id, closure_id, mirror_id';
const place = 'agenda_id WITH =, seat WITH =, during WITH &&';

@Entity('claim')
@References('claim_seat_fk', () => AgendaSeatRow, { from: ['agenda_id', 'seat'], to: ['agenda_id', 'seat'] })
@References('claim_appointment_fk', () => AppointmentRow, {
  from: ['appointment_id', 'during'],
  to: ['id', 'occupies'],
  onDelete: 'CASCADE',
  onUpdate: 'CASCADE',
})
@References('claim_departing_fk', () => RemoteWriteRow, {
  from: ['departing_id', 'during'],
  to: ['appointment_id', 'departing'],
  onDelete: 'CASCADE',
})
@References('claim_closure_fk', () => ClosureRow, {
  from: ['closure_id', 'during'],
  to: ['id', 'during'],
  onDelete: 'CASCADE',
  onUpdate: 'CASCADE',
})
@References('claim_mirror_fk', () => MirrorRow, { from: ['mirror_id'], to: ['id'], onDelete: 'CASCADE' })
@Checks({
  claim_one_holder: `num_nonnulls(${holders}) = 1 AND holder = coalesce(${holders})`,
  claim_authority_value: `authority IN ('hub', 'remote') AND (authority = 'remote') = (mirror_id IS NOT NULL)`,
  claim_starts: 'starts_at = lower(during)',
  claim_range: `${halfOpen('during')} AND isfinite(lower(during)) AND isfinite(upper(during))`,
  claim_ends: 'ends_at = upper(during)',
})
@Exclusion(
  'claim_hub_overlap',
  `USING gist (${place}, holder WITH <>) WHERE (authority = 'hub' AND NOT overbooked AND NOT contested)`,
  {
    deferrable: 'INITIALLY IMMEDIATE',
  },
)
@Exclusion(
  'claim_remote_overlap',
  `USING gist (${place}, authority WITH <>) WHERE (NOT overbooked AND NOT contested)`,
  {
    deferrable: 'INITIALLY IMMEDIATE',
  },
)
@Index('claim_holder', ['organizationId', 'holder'])
@Index('claim_by_appointment', ['organizationId', 'appointmentId'], { where: 'appointment_id IS NOT NULL' })
@Index('claim_by_departing', ['organizationId', 'departingId'], { where: 'departing_id IS NOT NULL' })
@Index('claim_agenda_ends', ['organizationId', 'agendaId', 'endsAt', 'startsAt'])
@Index('claim_long', ['organizationId', 'agendaId', 'endsAt'], {
  where: `ends_at - starts_at > interval '32 hours'`,
})
@Index('claim_exempt', ['organizationId', 'agendaId'], { where: 'overbooked OR contested' })
export class ClaimRow {
  @Key('claim_pk') organizationId!: string;
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'claim_pk', generated: 'uuid' }) id!: string;
  @Field('uuid') agendaId!: string;
  @Field('integer') seat!: number;
  @Field('tstzrange') during!: string;
  @Field('text') authority!: 'hub' | 'remote';
  @Field('uuid') holder!: string;
  @Optional('uuid') appointmentId!: string | null;
  @Optional('uuid') departingId!: string | null;
  @Optional('uuid') closureId!: string | null;
  @Optional('uuid') mirrorId!: string | null;
  @Field('boolean', { default: false }) overbooked!: boolean;
  @Field('boolean', { default: false }) contested!: boolean;
  /** Kept by a trigger: the end of `during`, which an index can use under row-level security. */
  @Field('timestamptz') endsAt!: Date;
  /** Kept likewise. */
  @Field('timestamptz') startsAt!: Date;
}
