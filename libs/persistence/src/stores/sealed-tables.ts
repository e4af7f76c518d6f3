import type { SealedPlace } from '#application';
import type { Transaction } from '../database.js';
import {
  connectionSecrets,
  consentVerifier,
  providerSecret,
  pushSecret,
  quarantined,
  sessionIdToken,
} from './sealed-places.js';
import { legacyPatient, legacyWaiting, type sealPatient } from './sealed-patients.js';

/** A column of sealed values, as a rotation of keys goes through it. */
export interface SealedTable {
  readonly table: string;
  readonly column: string;
  /** What names the row, in order, and which row `x.key` names. */
  readonly key: string;
  readonly named: string;
  /** Before every key. */
  readonly first: string;
  /** Rows that are not under the key of version $2. */
  readonly stale: string;
  readonly place: (key: string) => SealedPlace;
  /** Where the value is opened, when it moves. */
  readonly from?: SealedPlace;
  /** How a patient is sealed, under a key of his own. */
  readonly seal?: typeof sealPatient;
}

const UUID_LENGTH = 36;
const NIL = '00000000-0000-0000-0000-000000000000';
const byId = (id: string) => ({ key: id, named: `${id} = x.key::uuid`, first: NIL });
const byLink = (of: string, type: string) => ({
  key: `link_id || '|' || ${of}`,
  named: `link_id = left(x.key, 36)::uuid AND ${of} = substr(x.key, 38)::${type}`,
  first: '',
});
const OTHER = 'key_version IS DISTINCT FROM $2';

/** Every column of sealed values. Where each value has a key of its own, only that key is under the organization's. */
export const SEALED_TABLES: readonly SealedTable[] = [
  {
    table: 'patient_key',
    column: 'wrapped',
    ...byId('id'),
    stale: OTHER,
    place: (row) => ({ column: 'patient_key.wrapped', row }),
  },
  {
    table: 'patient_identity',
    column: 'sealed',
    ...byId('appointment_id'),
    stale: 'key_id IS NULL AND $2::int IS NOT NULL',
    ...legacyPatient,
  },
  {
    table: 'waiting_entry',
    column: 'sealed',
    ...byId('id'),
    stale: 'sealed IS NOT NULL AND key_id IS NULL AND $2::int IS NOT NULL',
    ...legacyWaiting,
  },
  { table: 'connection', column: 'secrets_sealed', ...byId('id'), stale: OTHER, place: connectionSecrets },
  { table: 'consent', column: 'verifier_sealed', ...byId('connection_id'), stale: OTHER, place: consentVerifier },
  {
    table: 'identity_provider',
    column: 'client_secret_sealed',
    ...byId('id'),
    stale: `client_secret_sealed IS NOT NULL AND ${OTHER}`,
    place: providerSecret,
  },
  { table: 'session', column: 'id_token_sealed', ...byId('id'), stale: OTHER, place: sessionIdToken },
  {
    table: 'push_secret',
    column: 'sealed',
    ...byLink('id', 'uuid'),
    stale: `sealed IS NOT NULL AND ${OTHER}`,
    place: (key) => pushSecret(key.slice(0, UUID_LENGTH), key.slice(UUID_LENGTH + 1)),
  },
  {
    table: 'quarantine',
    column: 'raw_sealed',
    ...byLink('remote_id', 'text'),
    // Empty once it was kept for long enough.
    stale: `octet_length(raw_sealed) > 0 AND ${OTHER}`,
    place: (key) => quarantined(key.slice(0, UUID_LENGTH), key.slice(UUID_LENGTH + 1)),
  },
];

const REMAINING = `SELECT (${SEALED_TABLES.map(({ table, stale }) => `(SELECT count(*) FROM ${table} WHERE organization_id = $1 AND ${stale})`).join(' + ')})::int AS n`;

/** How many values are not under the key of this version. */
export async function remaining(transaction: Transaction, organizationId: string, version: number): Promise<number> {
  const [row] = await transaction.query<{ n: number }>(REMAINING, [organizationId, version]);
  return row?.n ?? 0;
}
