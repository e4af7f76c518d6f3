import { Entity, Index } from 'typeorm';
import { Checks, Field, Key, now, References } from './columns.js';
import { ApiKeyRow } from './tenancy.rows.js';

const clock = { default: () => 'clock_timestamp()' };

/** A token that an application obtained with its key; it ends with the key. */
@Entity('access_token')
@References('access_token_key_fk', () => ApiKeyRow, { from: ['api_key_id'], to: ['id'], onDelete: 'CASCADE' })
@Checks({ access_token_hash_length: 'octet_length(secret_hash) = 32' })
@Index('access_token_key', ['organizationId', 'apiKeyId', 'expiresAt'])
export class AccessTokenRow {
  @Key('access_token_pk') organizationId!: string;
  @Key('access_token_pk') id!: string;
  @Field('uuid') apiKeyId!: string;
  @Field('bytea') secretHash!: Buffer;
  @Field('text', { array: true }) scopes!: string[];
  @Field('timestamptz', now) createdAt!: Date;
  @Field('timestamptz') expiresAt!: Date;
}

/** A wrong secret; kept for a minute, under the nil organization. */
@Entity('failed_attempt')
@Index('failed_attempt_credential', ['organizationId', 'credential', 'at'])
@Index('failed_attempt_address', ['organizationId', 'address', 'at'])
@Index('failed_attempt_at', ['organizationId', 'at'])
export class FailedAttemptRow {
  @Key('failed_attempt_pk') organizationId!: string;
  @Key('failed_attempt_pk') id!: string;
  @Field('bytea') credential!: Buffer;
  @Field('bytea') address!: Buffer;
  @Field('timestamptz', clock) at!: Date;
}

/** Where a secret was right before; under the nil organization. */
@Entity('seen_credential')
export class SeenCredentialRow {
  @Key('seen_credential_pk') organizationId!: string;
  @Key('seen_credential_pk', 'bytea') credential!: Buffer;
  @Key('seen_credential_pk', 'bytea') address!: Buffer;
  @Field('timestamptz', now) seenAt!: Date;
}
