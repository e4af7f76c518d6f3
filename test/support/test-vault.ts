import { MasterKeyVault } from '#platform';

/** The vault that every process of one test shares. */
export const testVault = new MasterKeyVault([{ id: 't1', bytes: Buffer.alloc(32, 7) }]);
