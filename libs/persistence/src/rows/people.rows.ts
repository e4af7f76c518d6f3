import { Entity, Index } from 'typeorm';
import { Checks, Field, Key, now, Optional, References, Together } from './columns.js';
import { CollaboratorRow, OrganizationRow } from './tenancy.rows.js';

/** Where people of an organization sign in. */
@Entity('identity_provider')
@References('identity_provider_organization_fk', () => OrganizationRow, { from: [], to: [] })
@Together('identity_provider_client', ['organizationId', 'issuer', 'clientId'])
@Checks({
  identity_provider_label_length: 'length(label) BETWEEN 1 AND 200',
  identity_provider_kind_value: `kind IN ('oidc', 'pro-sante-connect')`,
  identity_provider_audience_own: 'audience <> client_id',
})
export class IdentityProviderRow {
  @Key('identity_provider_pk') organizationId!: string;
  @Key('identity_provider_pk') id!: string;
  @Field('text') label!: string;
  @Field('text', { default: 'oidc' }) kind!: string;
  @Field('text') issuer!: string;
  @Field('text') clientId!: string;
  @Optional('bytea') clientSecretSealed!: Buffer | null;
  /** Whom the provider's access tokens must be meant for to be accepted; none are without it. */
  @Optional('text') audience!: string | null;
  @Field('timestamptz', now) createdAt!: Date;
  @Optional('integer') keyVersion!: number | null;
}

/** Who a person of a provider is here. */
@Entity('identity')
@References('identity_provider_fk', () => IdentityProviderRow, {
  from: ['provider_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@References('identity_collaborator_fk', () => CollaboratorRow, { from: ['collaborator_id'], to: ['id'] })
@Together('identity_subject', ['organizationId', 'providerId', 'subject'])
@Together('identity_national_id', ['organizationId', 'providerId', 'nationalId'])
@Checks({ identity_known: 'subject IS NOT NULL OR national_id IS NOT NULL' })
export class IdentityRow {
  @Key('identity_pk') organizationId!: string;
  @Key('identity_pk') id!: string;
  @Field('uuid') providerId!: string;
  @Field('uuid') collaboratorId!: string;
  /** NULL until a person who was linked by his national id has signed in. */
  @Optional('text') subject!: string | null;
  @Optional('text') nationalId!: string | null;
  @Field('text', { array: true }) scopes!: string[];
  @Field('timestamptz', now) createdAt!: Date;
}

/** A person who is at the provider's page. */
@Entity('sign_in')
@References('sign_in_provider_fk', () => IdentityProviderRow, {
  from: ['provider_id'],
  to: ['id'],
  onDelete: 'CASCADE',
})
@Checks({ sign_in_hash_length: 'octet_length(state_hash) = 32 AND octet_length(browser_hash) = 32' })
@Index('sign_in_expires', ['organizationId', 'expiresAt'])
export class SignInRow {
  @Key('sign_in_pk') organizationId!: string;
  @Key('sign_in_pk') id!: string;
  @Field('uuid') providerId!: string;
  @Field('bytea') stateHash!: Buffer;
  @Field('bytea') browserHash!: Buffer;
  @Field('text') returnTo!: string;
  @Field('timestamptz') expiresAt!: Date;
}

/** A browser that is signed in. */
@Entity('session')
@References('session_identity_fk', () => IdentityRow, { from: ['identity_id'], to: ['id'], onDelete: 'CASCADE' })
@Checks({ session_hash_length: 'octet_length(secret_hash) = 32' })
@Index('session_identity', ['organizationId', 'identityId'])
@Index('session_expires', ['organizationId', 'expiresAt'])
export class SessionRow {
  @Key('session_pk') organizationId!: string;
  @Key('session_pk') id!: string;
  @Field('uuid') identityId!: string;
  @Field('bytea') secretHash!: Buffer;
  /** For signing out at the provider. */
  @Field('bytea') idTokenSealed!: Buffer;
  @Optional('text') browser!: string | null;
  @Field('timestamptz', now) createdAt!: Date;
  @Field('timestamptz', now) seenAt!: Date;
  @Field('timestamptz') expiresAt!: Date;
  /** Ended ones are kept for a week: until then whoever shows one is not guessing. */
  @Optional('timestamptz') endedAt!: Date | null;
  @Optional('integer') keyVersion!: number | null;
}
