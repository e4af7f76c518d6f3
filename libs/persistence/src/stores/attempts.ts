import type { Database, Statement } from '../database.js';

/** Under whom attempts are counted: nobody's organization, because an address tries keys of several. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

const FAILED: Statement = { name: 'record-failure', text: 'SELECT wait, locked FROM record_failure($1, $2, $3)' };
const RIGHT: Statement = { name: 'record-success', text: 'SELECT wait FROM record_success($1, $2, $3)' };
/** Nothing happens for a credential that does not exist. */
const TELL: Statement = {
  name: 'tell-locked',
  text: `SELECT append_event('credential-locked', NULL, $2, '{"kind":"system"}', jsonb_build_object('failures', $3::integer))
    FROM api_key WHERE organization_id = $1 AND id = $2`,
};

interface Origin {
  readonly credential: Buffer;
  readonly address: Buffer;
  readonly limit: number;
}

/** Failures at showing a credential, counted in PostgreSQL on its clock: one count for every process. */
export class PgAttempts {
  constructor(private readonly database: Database) {}

  async failed({ credential, address, limit }: Origin): Promise<{ waitMs: number; locked: boolean }> {
    const values = [credential, address, limit];
    const [row] = await this.database.one<{ wait: number; locked: boolean }>(NOBODY, FAILED, values);
    return { waitMs: row?.wait ?? 0, locked: row?.locked ?? false };
  }

  async succeeded({ credential, address, limit }: Origin): Promise<{ waitMs: number }> {
    const [row] = await this.database.one<{ wait: number }>(NOBODY, RIGHT, [credential, address, limit]);
    return { waitMs: row?.wait ?? 0 };
  }

  async tellLocked(organizationId: string, keyId: string, failures: number): Promise<void> {
    await this.database.one(organizationId, TELL, [organizationId, keyId, failures]);
  }
}
