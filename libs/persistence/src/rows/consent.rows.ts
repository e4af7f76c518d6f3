import { Entity } from 'typeorm';
import { Checks, Field, Key, Optional, References } from './columns.js';
import { ConnectionRow } from './connection.rows.js';

@Entity('consent')
@References('consent_connection_fk', () => ConnectionRow, { from: ['connection_id'], to: ['id'], onDelete: 'CASCADE' })
@Checks({ consent_hash_length: 'octet_length(state_hash) = 32' })
export class ConsentRow {
  @Key('consent_pk') organizationId!: string;
  @Key('consent_pk') connectionId!: string;
  @Field('bytea') stateHash!: Buffer;
  @Field('bytea') verifierSealed!: Buffer;
  @Field('jsonb') actor!: unknown;
  @Field('timestamptz') expiresAt!: Date;
  @Optional('integer') keyVersion!: number | null;
}
