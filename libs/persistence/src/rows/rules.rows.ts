import { Entity, Exclusion, Index } from 'typeorm';
import { AgendaRow } from './agenda.rows.js';
import { Checks, Field, halfOpen, Key, Optional, References } from './columns.js';

const agendaGone = { from: ['agenda_id'], to: ['id'], onDelete: 'CASCADE' } as const;

@Entity('reserve')
@References('reserve_agenda_fk', () => AgendaRow, agendaGone)
@Checks({
  reserve_duration_range: 'duration_minutes BETWEEN 5 AND 1440',
  reserve_recapture_range: 'recapture_minutes BETWEEN 0 AND 525600',
})
@Index('reserve_by_agenda', ['organizationId', 'agendaId'])
export class ReserveRow {
  @Key('reserve_pk') organizationId!: string;
  @Key('reserve_pk') id!: string;
  @Field('uuid') agendaId!: string;
  @Field('text') label!: string;
  @Field('text') rrule!: string;
  @Field('text') startsLocal!: string;
  @Field('integer') durationMinutes!: number;
  @Field('text') timeZone!: string;
  @Field('text', { array: true, default: [] }) exceptDates!: string[];
  @Field('jsonb') keptFor!: object;
  @Field('jsonb') release!: object;
  @Optional('integer') recaptureMinutes!: number | null;
  @Field('integer', { default: 1 }) version!: number;
}

@Entity('reserve_occurrence')
@References('reserve_occurrence_reserve_fk', () => ReserveRow, {
  from: ['reserve_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@Checks({
  reserve_occurrence_range: halfOpen('during'),
  reserve_occurrence_bounds: 'starts_at = lower(during) AND ends_at = upper(during)',
  reserve_occurrence_length: `ends_at - starts_at <= interval '32 hours'`,
})
@Index('reserve_occurrence_agenda', ['organizationId', 'agendaId', 'endsAt', 'startsAt'])
export class ReserveOccurrenceRow {
  @Key('reserve_occurrence_pk') organizationId!: string;
  @Key('reserve_occurrence_pk') reserveId!: string;
  @Key('reserve_occurrence_pk', 'tstzrange') during!: string;
  @Field('uuid') agendaId!: string;
  @Field('timestamptz') startsAt!: Date;
  @Field('timestamptz') endsAt!: Date;
}

@Entity('substitution')
@References('substitution_agenda_fk', () => AgendaRow, agendaGone)
@Checks({ substitution_rpps_form: `rpps ~ '^[0-9]{11}$'`, substitution_range: halfOpen('during') })
@Exclusion('substitution_one_at_a_time', 'USING gist (agenda_id WITH =, during WITH &&)')
@Index('substitution_by_agenda', ['organizationId', 'agendaId'])
export class SubstitutionRow {
  @Key('substitution_pk') organizationId!: string;
  @Key('substitution_pk') id!: string;
  @Field('uuid') agendaId!: string;
  @Field('tstzrange') during!: string;
  @Field('text') displayName!: string;
  @Optional('text') rpps!: string | null;
  @Field('integer', { default: 1 }) version!: number;
}
