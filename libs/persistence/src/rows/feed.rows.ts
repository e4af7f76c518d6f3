import { Entity, Index } from 'typeorm';
import { AgendaRow } from './agenda.rows.js';
import { Checks, Field, Key, now, Optional, References } from './columns.js';

@Entity('feed')
@References('feed_agenda_fk', () => AgendaRow, { from: ['agenda_id'], to: ['id'] })
@Checks({
  feed_label_length: 'length(label) BETWEEN 1 AND 200',
  feed_disclosure_value: `disclosure IN ('full', 'initials', 'busy')`,
  feed_hash_length: 'octet_length(token_hash) = 32',
})
@Index('feed_agenda', ['organizationId', 'agendaId'])
export class FeedRow {
  @Key('feed_pk') organizationId!: string;
  @Key('feed_pk') id!: string;
  @Field('uuid') agendaId!: string;
  @Field('text') label!: string;
  @Field('text') disclosure!: 'full' | 'initials' | 'busy';
  @Field('bytea') tokenHash!: Buffer;
  @Field('timestamptz', now) createdAt!: Date;
  @Optional('timestamptz') revokedAt!: Date | null;
  @Optional('timestamptz') fetchedAt!: Date | null;
}
