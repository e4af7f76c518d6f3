import {
  LinkStore,
  StoreRefused,
  type Actor,
  type LinkChange,
  type LinkDetails,
  type LinkRef,
  type NewSecrets,
  type Vault,
} from '#application';
import type { Database, Transaction } from '../database.js';
import { connectionSecrets } from './sealed-places.js';

/** A link as answers show it. */
export const DETAILS = `SELECT id, agenda_id AS "agendaId", connection_id AS "connectionId", remote_agenda_id AS "remoteAgendaId", direction, disclosure, policy, phase,
  paused_at IS NOT NULL AS paused, status, CASE WHEN status = 'moved' THEN successor END AS successor, manners, version FROM link WHERE organization_id = $1`;
/** Whoever changes what a lane works with locks the agenda first, as everything that takes a claim does. */
const LOCK = `SELECT a.* FROM agenda a JOIN link l ON l.organization_id = a.organization_id AND l.agenda_id = a.id
  WHERE l.organization_id = $1 AND l.id = $2 FOR UPDATE OF a`;
const FOREIGN_KEY_VIOLATION = '23503';

type Row = LinkDetails & Record<string, unknown>;

/** Links as people change them, in PostgreSQL. */
export class PgLinkStore extends LinkStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  list(organizationId: string, page: { after: string | null; limit: number }): Promise<readonly LinkDetails[]> {
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row>(`${DETAILS} AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3`, [
        organizationId,
        page.after,
        page.limit,
      ]),
    );
  }

  get(ref: LinkRef): Promise<LinkDetails | null> {
    return this.database.withOrganization(ref.organizationId, (transaction) => show(transaction, ref));
  }

  pause(ref: LinkRef, actor: Actor): Promise<LinkDetails | null> {
    return this.locked(ref, async (transaction, link) => {
      if (link.paused) return link;
      await transaction.query('SELECT evict_lane($1)', [link.agendaId]);
      await transaction.query(
        'UPDATE link SET paused_at = now(), version = version + 1 WHERE organization_id = $1 AND id = $2',
        [ref.organizationId, ref.id],
      );
      await said(transaction, 'link-paused', { link, actor });
      return show(transaction, ref);
    });
  }

  resume(ref: LinkRef, actor: Actor): Promise<LinkDetails | null> {
    return this.locked(ref, async (transaction, link) => {
      if (!link.paused) return link;
      await transaction.query(
        'UPDATE link SET paused_at = NULL, poll_at = now(), phase_since = now(), version = version + 1 WHERE organization_id = $1 AND id = $2',
        [ref.organizationId, ref.id],
      );
      await writesDue(transaction, ref);
      await said(transaction, 'link-resumed', { link, actor });
      return show(transaction, ref);
    });
  }

  change(
    ref: LinkRef,
    { version, change, actor }: { version: number; change: LinkChange; actor: Actor },
  ): Promise<{ outcome: 'changed' | 'stale' | 'busy'; link: LinkDetails } | null> {
    return this.locked(ref, async (transaction, link) => {
      if (link.version !== version) return { outcome: 'stale' as const, link };
      const { direction, disclosure, policy } = { ...link, ...given(change) };
      if (direction === 'read-only' && link.direction === 'two-way' && (await isRemoving(transaction, ref)))
        return { outcome: 'busy' as const, link };
      await transaction.query(
        `UPDATE link SET direction = $3, disclosure = $4, policy = $5, version = version + 1, poll_at = now(), rewriting = (rewriting OR disclosure <> $4) AND $3 = 'two-way',
           phase_since = CASE WHEN direction <> $3 THEN now() ELSE phase_since END, phase = CASE WHEN phase = 'planning' OR direction = $3 THEN phase WHEN $3 = 'two-way' THEN 'reading' ELSE 'live' END
         WHERE organization_id = $1 AND id = $2`,
        [ref.organizationId, ref.id, direction, disclosure, policy],
      );
      if (direction !== link.direction) {
        await transaction.query('SELECT evict_lane($1)', [link.agendaId]);
        if (direction === 'read-only')
          await transaction.query(
            'SELECT master_here(a, $2) FROM agenda a WHERE a.organization_id = current_organization() AND a.id = $1',
            [link.agendaId, ref.id],
          );
      }
      await said(transaction, 'link-changed', { link, actor, data: { direction, disclosure, policy } });
      const changed = await show(transaction, ref);
      return { outcome: 'changed' as const, link: changed ?? link };
    });
  }

  disconnect(ref: LinkRef, remote: 'keep' | 'remove', actor: Actor): Promise<boolean> {
    return this.database.withOrganization(ref.organizationId, async (transaction) => {
      const [row] = await transaction.query<{ done: boolean }>('SELECT disconnect_link($1, $2, $3, $4) AS done', [
        ref.organizationId,
        ref.id,
        remote,
        JSON.stringify(actor),
      ]);
      return row?.done ?? false;
    });
  }

  async replaceSecrets(ref: LinkRef, { secrets, expiresAt }: NewSecrets, actor: Actor): Promise<void> {
    const { organizationId, id } = ref;
    const sealed = await this.vault.seal(organizationId, connectionSecrets(id), Buffer.from(JSON.stringify(secrets)));
    return this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE connection SET secrets_sealed = $3, expires_at = to_timestamp($4::float8 / 1000), status = 'active', breaker_failures = 0, breaker_calls = 0, blocked_until = '-infinity', blocked_reason = NULL
         WHERE organization_id = $1 AND id = $2`,
        [organizationId, id, sealed, expiresAt],
      );
      const links = await transaction.query<{ id: string }>(
        'UPDATE link SET poll_at = now() WHERE organization_id = $1 AND connection_id = $2 RETURNING id',
        [organizationId, id],
      );
      for (const link of links) await writesDue(transaction, { organizationId, id: link.id });
      await transaction.query(
        `UPDATE disconnection SET due_at = now(), failures = 0 WHERE organization_id = $1 AND connection_id = $2 AND state = 'removing'`,
        [organizationId, id],
      );
      await transaction.query(`SELECT append_event('connection-reauthenticated', NULL, $1, $2, '{}')`, [
        id,
        JSON.stringify(actor),
      ]);
    });
  }

  linksOf(
    organizationId: string,
    connectionId: string,
  ): Promise<readonly { id: string; agendaId: string; remoteAgendaId: string }[]> {
    return this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row>(`${DETAILS} AND connection_id = $2 ORDER BY id`, [organizationId, connectionId]),
    );
  }

  async removeConnection({ organizationId, id }: LinkRef, actor: Actor): Promise<'removed' | 'busy' | 'unknown'> {
    try {
      return await this.database.withOrganization(organizationId, async (transaction) => {
        const removing = await transaction.query(
          `SELECT 1 FROM disconnection WHERE organization_id = $1 AND connection_id = $2 AND state = 'removing' LIMIT 1`,
          [organizationId, id],
        );
        if (removing.length > 0) return 'busy';
        const text = 'DELETE FROM connection WHERE organization_id = $1 AND id = $2 RETURNING id';
        if ((await transaction.query(text, [organizationId, id])).length === 0) return 'unknown';
        await transaction.query(`SELECT append_event('connection-removed', NULL, $1, $2, '{}')`, [
          id,
          JSON.stringify(actor),
        ]);
        return 'removed';
      });
    } catch (error) {
      if (error instanceof StoreRefused && error.code === FOREIGN_KEY_VIOLATION) return 'busy';
      throw error;
    }
  }

  private locked<T>(
    ref: LinkRef,
    work: (transaction: Transaction, link: LinkDetails) => Promise<T>,
  ): Promise<T | null> {
    return this.database.withOrganization(ref.organizationId, async (transaction) => {
      await transaction.query(LOCK, [ref.organizationId, ref.id]);
      const link = await show(transaction, ref);
      return link === null ? null : work(transaction, link);
    });
  }
}

async function show(transaction: Transaction, { organizationId, id }: LinkRef): Promise<LinkDetails | null> {
  const [row] = await transaction.query<Row>(`${DETAILS} AND id = $2`, [organizationId, id]);
  return row ?? null;
}

/** What waits to be written need not wait any longer. */
/** Whether something is still to be taken away there: a link that is only read could not do it any more. */
async function isRemoving(transaction: Transaction, { organizationId, id }: LinkRef): Promise<boolean> {
  const rows = await transaction.query(
    `SELECT 1 FROM remote_write w JOIN appointment a ON a.organization_id = w.organization_id AND a.id = w.appointment_id
     WHERE w.organization_id = $1 AND w.link_id = $2 AND a.status = 'compensating' LIMIT 1`,
    [organizationId, id],
  );
  return rows.length > 0;
}

async function writesDue(transaction: Transaction, { organizationId, id }: LinkRef): Promise<void> {
  await transaction.query(
    `UPDATE remote_write SET due_at = now(), failures = 0 WHERE organization_id = $1 AND link_id = $2 AND state = 'due'`,
    [organizationId, id],
  );
}

async function said(
  transaction: Transaction,
  type: string,
  { link, actor, data = {} }: { link: LinkDetails; actor: Actor; data?: object },
): Promise<void> {
  await transaction.query('SELECT append_event($1, $2, $3, $4, $5)', [
    type,
    link.agendaId,
    link.id,
    JSON.stringify(actor),
    JSON.stringify(data),
  ]);
}

/** What was left out must not overwrite. */
function given(change: LinkChange): Partial<LinkChange> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}
