import { Entity, Index } from 'typeorm';
import type { BackendRestrictions } from '#domain';
import { Checks, Field, halfOpen, type Instant, Key, never, Optional, References, Together } from './columns.js';
import { CollaboratorRow, OrganizationRow } from './tenancy.rows.js';

const agenda = { from: ['agenda_id'], to: ['id'] };
const agendaGone = { ...agenda, onDelete: 'CASCADE' } as const;

@Entity('location')
@References('location_organization_fk', () => OrganizationRow, { from: [], to: [] })
export class LocationRow {
  @Key('location_pk') organizationId!: string;
  @Key('location_pk') id!: string;
  @Field('text') name!: string;
  @Field('text') timeZone!: string;
}

@Entity('practitioner')
@References('practitioner_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Checks({ practitioner_rpps_form: `rpps ~ '^[0-9]{11}$'` })
export class PractitionerRow {
  @Key('practitioner_pk') organizationId!: string;
  @Key('practitioner_pk') id!: string;
  @Field('text') displayName!: string;
  @Field('text') speciality!: string;
  @Optional('text') rpps!: string | null;
}

@Entity('agenda')
@References('agenda_practitioner_fk', () => PractitionerRow, { from: ['practitioner_id'], to: ['id'] })
@References('agenda_location_fk', () => LocationRow, { from: ['location_id'], to: ['id'] })
@References('agenda_owner_fk', () => CollaboratorRow, { from: ['owner_id'], to: ['id'] })
@Checks({
  agenda_capacity_range: 'capacity BETWEEN 1 AND 50',
  agenda_master_value: `master IN ('hub', 'remote')`,
  agenda_when_unreachable_value: `when_unreachable IN ('refuse', 'queue')`,
  agenda_stale_after_range: 'stale_after_seconds BETWEEN 1 AND 86400',
  agenda_holiday_calendar_value: `holiday_calendar IN ('metropole', 'alsace-moselle', 'guadeloupe', 'martinique', 'guyane', 'reunion', 'mayotte', 'saint-barthelemy', 'saint-martin')`,
  agenda_horizon_range: 'horizon_days BETWEEN 1 AND 366',
})
export class AgendaRow {
  @Key('agenda_pk') organizationId!: string;
  @Key('agenda_pk') id!: string;
  @Field('uuid') practitionerId!: string;
  @Field('uuid') locationId!: string;
  @Field('text') name!: string;
  @Field('integer', { default: 1 }) capacity!: number;
  @Field('text', { default: 'hub' }) master!: 'hub' | 'remote';
  @Field('boolean', { default: true }) active!: boolean;
  @Field('text', { default: 'refuse' }) whenUnreachable!: 'refuse' | 'queue';
  @Field('integer', { default: 120 }) staleAfterSeconds!: number;
  @Field('timestamptz', never) openedUntil!: Instant;
  @Field('integer', { default: 1 }) version!: number;
  /** It has rules beyond openings, closures and motifs; kept by triggers. */
  @Field('boolean', { default: false }) ruled!: boolean;
  /** For whom the linked backend lets be booked. */
  @Optional('jsonb') backendRules!: BackendRestrictions | null;
  @Optional('text') holidayCalendar!: string | null;
  @Field('text', { array: true, default: [] }) workedHolidays!: string[];
  /** Its openings are expanded at least so many days ahead. */
  @Field('integer', { default: 180 }) horizonDays!: number;
  /** To whom it belongs: told of every change of a right on it. */
  @Optional('uuid') ownerId!: string | null;
}

@Entity('agenda_seat')
@References('agenda_seat_agenda_fk', () => AgendaRow, agendaGone)
@Checks({ agenda_seat_positive: 'seat >= 1' })
export class AgendaSeatRow {
  @Key('agenda_seat_pk') organizationId!: string;
  @Key('agenda_seat_pk') agendaId!: string;
  @Key('agenda_seat_pk', 'integer') seat!: number;
}

@Entity('motif')
@References('motif_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Checks({
  motif_duration_range: 'duration_minutes BETWEEN 5 AND 480',
  motif_buffer_range: 'buffer_before_minutes BETWEEN 0 AND 120 AND buffer_after_minutes BETWEEN 0 AND 120',
  motif_granularity_range: 'granularity_minutes BETWEEN 5 AND 240',
})
export class MotifRow {
  @Key('motif_pk') organizationId!: string;
  @Key('motif_pk') id!: string;
  @Field('text') labelFr!: string;
  @Field('text') labelEn!: string;
  @Field('integer') durationMinutes!: number;
  @Field('integer', { default: 0 }) bufferBeforeMinutes!: number;
  @Field('integer', { default: 0 }) bufferAfterMinutes!: number;
  @Field('integer', { default: 5 }) granularityMinutes!: number;
  @Field('boolean', { default: true }) active!: boolean;
}

@Entity('agenda_motif')
@References('agenda_motif_agenda_fk', () => AgendaRow, agendaGone)
@References('agenda_motif_motif_fk', () => MotifRow, { from: ['motif_id'], to: ['id'], onDelete: 'CASCADE' })
export class AgendaMotifRow {
  @Key('agenda_motif_pk') organizationId!: string;
  @Key('agenda_motif_pk') agendaId!: string;
  @Key('agenda_motif_pk') motifId!: string;
  @Field('jsonb', { default: {} }) rules!: object;
  @Field('integer', { default: 1 }) version!: number;
}

@Entity('opening')
@References('opening_agenda_fk', () => AgendaRow, agendaGone)
@Checks({
  opening_duration_range: 'duration_minutes BETWEEN 5 AND 1440',
  opening_capacity_range: 'capacity BETWEEN 1 AND 50',
})
@Index('opening_by_agenda', ['organizationId', 'agendaId'])
export class OpeningRow {
  @Key('opening_pk') organizationId!: string;
  @Key('opening_pk') id!: string;
  @Field('uuid') agendaId!: string;
  @Field('text') rrule!: string;
  @Field('text') startsLocal!: string;
  @Field('integer') durationMinutes!: number;
  @Field('text') timeZone!: string;
  @Field('text', { array: true, default: [] }) exceptDates!: string[];
  @Field('uuid', { array: true, nullable: true }) motifIds!: string[] | null;
  @Field('text', { array: true, nullable: true }) audiences!: string[] | null;
  @Optional('integer') capacity!: number | null;
  @Field('integer', { default: 1 }) version!: number;
}

@Entity('opening_occurrence')
@References('opening_occurrence_opening_fk', () => OpeningRow, {
  from: ['opening_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@Checks({
  opening_occurrence_range: halfOpen('during'),
  opening_occurrence_bounds: 'starts_at = lower(during) AND ends_at = upper(during)',
})
@Index('opening_occurrence_agenda', ['organizationId', 'agendaId', 'endsAt', 'startsAt'])
@Index('opening_occurrence_long', ['organizationId', 'agendaId', 'endsAt'], {
  where: `ends_at - starts_at > interval '32 hours'`,
})
export class OpeningOccurrenceRow {
  @Key('opening_occurrence_pk') organizationId!: string;
  @Key('opening_occurrence_pk') openingId!: string;
  @Key('opening_occurrence_pk', 'tstzrange') during!: string;
  @Field('uuid') agendaId!: string;
  @Field('timestamptz') startsAt!: Date;
  @Field('timestamptz') endsAt!: Date;
}

@Entity('closure')
@References('closure_agenda_fk', () => AgendaRow, agendaGone)
@Together('closure_claimed', ['organizationId', 'id', 'during'])
@Index('closure_by_agenda', ['organizationId', 'agendaId'])
@Checks({
  closure_range: `${halfOpen('during')} AND upper(during) - lower(during) <= interval '400 days'`,
  closure_source_value: `source IN ('typed', 'holiday', 'backend')`,
})
export class ClosureRow {
  @Key('closure_pk') organizationId!: string;
  @Key('closure_pk') id!: string;
  @Field('uuid') agendaId!: string;
  @Field('tstzrange') during!: string;
  @Field('text') label!: string;
  @Field('text', { default: 'typed' }) source!: 'typed' | 'holiday' | 'backend';
  @Field('integer', { default: 1 }) version!: number;
}
