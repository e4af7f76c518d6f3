import { PgKeyStore, type Database } from '#persistence';
import { EnvelopeVault, KeyRing } from '#platform';

/** A vault under the key ring that every process of one test shares. */
export function testVault(database: Database): EnvelopeVault {
  return new EnvelopeVault(new KeyRing([{ id: 't1', bytes: Buffer.alloc(32, 7) }]), new PgKeyStore(database));
}
