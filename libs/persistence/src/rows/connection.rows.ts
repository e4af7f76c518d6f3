import { Entity, Index } from 'typeorm';
import { AgendaRow } from './agenda.rows.js';
import { Checks, Field, type Instant, Key, never, now, Optional, References, Together } from './columns.js';
import { OrganizationRow } from './tenancy.rows.js';

const linkGone = { from: ['link_id'], to: ['id'], onDelete: 'CASCADE' } as const;

@Entity('connection')
@References('connection_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Checks({ connection_status_value: `status IN ('unverified', 'active', 'auth-failed')` })
export class ConnectionRow {
  @Key('connection_pk') organizationId!: string;
  @Key('connection_pk') id!: string;
  @Field('text') connectorId!: string;
  @Field('text') label!: string;
  @Field('jsonb') settings!: unknown;
  @Field('bytea') secretsSealed!: Buffer;
  @Field('text', { default: 'unverified' }) status!: 'unverified' | 'active' | 'auth-failed';
  @Field('timestamptz', never) breakerSince!: Instant;
  @Field('integer', { default: 0 }) breakerCalls!: number;
  @Field('integer', { default: 0 }) breakerFailures!: number;
  @Field('timestamptz', never) blockedUntil!: Instant;
  @Optional('text') blockedReason!: string | null;
  @Field('timestamptz', now) createdAt!: Date;
  @Optional('text') responsibleName!: string | null;
  @Optional('text') responsibleEmail!: string | null;
  @Optional('timestamptz') expiresAt!: Date | null;
  @Field('timestamptz', never) throttledAt!: Instant;
  @Optional('integer') keyVersion!: number | null;
}

@Entity('link')
@References('link_agenda_fk', () => AgendaRow, { from: ['agenda_id'], to: ['id'] })
@References('link_connection_fk', () => ConnectionRow, { from: ['connection_id'], to: ['id'] })
@Together('link_one_per_agenda', ['organizationId', 'agendaId'])
@Together('link_one_per_remote_agenda', ['organizationId', 'connectionId', 'remoteAgendaId'])
@Checks({
  link_direction_value: `direction IN ('two-way', 'read-only')`,
  link_disclosure_value: `disclosure IN ('full', 'initials', 'busy')`,
  link_policy_value: `policy IN ('practitioner-wins', 'hub-wins', 'newest-wins', 'ask')`,
  link_status_value: `status IN ('active', 'auth-failed', 'gone', 'moved')`,
  link_phase_value: `phase IN ('planning', 'reading', 'writing', 'live')`,
})
@Index('link_connection', ['organizationId', 'connectionId'])
@Index('link_poll', ['pollAt'])
export class LinkRow {
  @Key('link_pk') organizationId!: string;
  @Key('link_pk') id!: string;
  @Field('uuid') agendaId!: string;
  @Field('uuid') connectionId!: string;
  @Field('text') remoteAgendaId!: string;
  @Field('text', { default: 'two-way' }) direction!: 'two-way' | 'read-only';
  @Field('text', { default: 'initials' }) disclosure!: 'full' | 'initials' | 'busy';
  @Field('text', { default: 'practitioner-wins' }) policy!: 'practitioner-wins' | 'hub-wins' | 'newest-wins' | 'ask';
  @Field('text', { default: 'active' }) status!: 'active' | 'auth-failed' | 'gone' | 'moved';
  @Optional('text') cursor!: string | null;
  @Field('timestamptz', never) asOf!: Instant;
  @Field('timestamptz', never) reconciledAt!: Instant;
  /** When the backend's own rules were last read. */
  @Field('timestamptz', never) rulesReadAt!: Instant;
  @Optional('tstzmultirange') backendOpenings!: string | null;
  @Optional('timestamptz') writtenAt!: Date | null;
  @Field('timestamptz', never) pollAt!: Instant;
  @Optional('timestamptz') hintedAt!: Date | null;
  @Field('integer', { default: 0 }) readFailures!: number;
  @Optional('jsonb') lastError!: unknown;
  @Optional('jsonb') brake!: unknown;
  @Optional('text') subscriptionId!: string | null;
  @Optional('timestamptz') subscriptionUntil!: Date | null;
  @Field('text', { default: 'live' }) phase!: 'planning' | 'reading' | 'writing' | 'live';
  @Field('timestamptz', now) phaseSince!: Date;
  @Optional('timestamptz') pausedAt!: Date | null;
  @Field('integer', { default: 1 }) version!: number;
  @Optional('integer') backfillTotal!: number | null;
  @Field('boolean', { default: false }) rewriting!: boolean;
  @Field('integer', { default: 0 }) brakeRevision!: number;
  @Field('timestamptz', never) resubscribeAt!: Instant;
  @Field('timestamptz', never) wantedAt!: Instant;
  @Optional('jsonb') reconcileReport!: unknown;
  @Field('timestamptz', never) subscribedAt!: Instant;
  @Field('integer', { default: 0 }) silentReads!: number;
  @Optional('timestamptz') silentSince!: Date | null;
  @Optional('jsonb') successor!: unknown;
  /** What its backend was found to do, and when it was looked at. */
  @Optional('jsonb') manners!: unknown;
  @Field('timestamptz', never) probedAt!: Instant;
}

@Entity('mirror')
@References('mirror_link_fk', () => LinkRow, linkGone)
@Together('mirror_remote_id', ['linkId', 'organizationId', 'remoteId'])
@Index('mirror_one_per_appointment', ['organizationId', 'linkId', 'appointmentId'], {
  unique: true,
  where: 'appointment_id IS NOT NULL AND gone_at IS NULL',
})
@Index('mirror_copy', ['organizationId', 'copyOf'], { where: 'copy_of IS NOT NULL' })
export class MirrorRow {
  @Key('mirror_pk') organizationId!: string;
  @Key('mirror_pk') id!: string;
  @Field('uuid') linkId!: string;
  @Field('text') remoteId!: string;
  @Optional('text') version!: string | null;
  @Field('text') contentHash!: string;
  @Optional('text') summaryHash!: string | null;
  @Optional('uuid') appointmentId!: string | null;
  @Optional('tstzrange') during!: string | null;
  @Field('timestamptz', now) seenAt!: Date;
  @Optional('timestamptz') goneAt!: Date | null;
  @Optional('uuid') copyOf!: string | null;
  @Field('boolean', { default: false }) nameless!: boolean;
}

@Entity('quarantine')
@References('quarantine_link_fk', () => LinkRow, linkGone)
@Together('quarantine_id', ['organizationId', 'id'])
export class QuarantineRow {
  @Key('quarantine_pk') organizationId!: string;
  @Key('quarantine_pk') linkId!: string;
  @Key('quarantine_pk', 'text') remoteId!: string;
  @Optional('text') version!: string | null;
  @Field('text') reason!: string;
  @Field('bytea') rawSealed!: Buffer;
  @Field('timestamptz', now) at!: Date;
  @Field('uuid') id!: string;
  @Optional('timestamptz') dismissedAt!: Date | null;
  @Optional('integer') keyVersion!: number | null;
}

@Entity('push_hint')
@References('push_hint_link_fk', () => LinkRow, linkGone)
@Index('push_hint_received', ['organizationId', 'linkId', 'receivedAt'])
export class PushHintRow {
  @Key('push_hint_pk') organizationId!: string;
  @Key('push_hint_pk') linkId!: string;
  @Key('push_hint_pk', 'text') hintId!: string;
  @Field('timestamptz', now) receivedAt!: Date;
}

@Entity('agenda_lane')
@References('agenda_lane_agenda_fk', () => AgendaRow, { from: ['agenda_id'], to: ['id'], onDelete: 'CASCADE' })
export class AgendaLaneRow {
  @Key('agenda_lane_pk') organizationId!: string;
  @Key('agenda_lane_pk') agendaId!: string;
  @Field('bigint', { default: 0 }) fence!: string;
  @Field('timestamptz', never) leaseUntil!: Instant;
}

@Entity('held_deletion')
@References('held_deletion_link_fk', () => LinkRow, linkGone)
export class HeldDeletionRow {
  @Key('held_deletion_pk') organizationId!: string;
  @Key('held_deletion_pk') linkId!: string;
  @Key('held_deletion_pk', 'text') remoteId!: string;
  @Field('timestamptz', now) heldAt!: Date;
  @Optional('timestamptz') releasedAt!: Date | null;
}

@Entity('push_secret')
@References('push_secret_link_fk', () => LinkRow, linkGone)
@Checks({ push_secret_either: '(sealed IS NULL) <> (hash IS NULL)' })
export class PushSecretRow {
  @Key('push_secret_pk') organizationId!: string;
  @Key('push_secret_pk') linkId!: string;
  @Key('push_secret_pk') id!: string;
  @Optional('bytea') sealed!: Buffer | null;
  @Optional('text') hash!: string | null;
  @Field('timestamptz', now) madeAt!: Date;
  @Optional('integer') keyVersion!: number | null;
}
