import { newId, SubscriptionStore, type KeptSecret, type SubscribedLink, type Vault } from '#application';
import { pushSecret } from './sealed-places.js';
import type { Database } from '../database.js';

const LINK = `organization_id AS "organizationId", id AS "linkId", connection_id AS "connectionId", remote_agenda_id AS "remoteAgendaId",
  subscription_id AS "subscriptionId", silent_since IS NOT NULL AS "isSilent"`;

type LinkRow = SubscribedLink & Record<string, unknown>;

type Made = Parameters<SubscriptionStore['made']>[2];

/** Subscriptions in PostgreSQL. When they are due is counted on the database's clock. */
export class PgSubscriptionStore extends SubscriptionStore {
  constructor(
    private readonly database: Database,
    private readonly vault: Vault,
  ) {
    super();
  }

  claim(organizationId: string, linkId: string, leaseMs: number): Promise<SubscribedLink | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<LinkRow>(
        `UPDATE link SET resubscribe_at = clock_timestamp() + $3 * interval '1 millisecond'
         WHERE organization_id = $1 AND id = $2 AND status = 'active' AND phase <> 'planning' AND resubscribe_at <= clock_timestamp() RETURNING ${LINK}`,
        [organizationId, linkId, leaseMs],
      );
      return row ?? null;
    });
  }

  find(organizationId: string, linkId: string): Promise<SubscribedLink | null> {
    return this.database.withOrganization(organizationId, async (transaction) => {
      const [row] = await transaction.query<LinkRow>(
        `SELECT ${LINK} FROM link WHERE organization_id = $1 AND id = $2`,
        [organizationId, linkId],
      );
      return row ?? null;
    });
  }

  async addSecret({ organizationId, linkId }: SubscribedLink, secret: KeptSecret): Promise<string> {
    const id = newId();
    const sealed =
      'clear' in secret
        ? await this.vault.seal(organizationId, pushSecret(linkId, id), Buffer.from(secret.clear))
        : null;
    const hash = 'hash' in secret ? secret.hash : null;
    await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query(
        'INSERT INTO push_secret (organization_id, link_id, id, sealed, hash) VALUES ($1, $2, $3, $4, $5)',
        [organizationId, linkId, id, sealed, hash],
      ),
    );
    return id;
  }

  async made({ organizationId, linkId }: SubscribedLink, secretId: string, subscription: Made): Promise<void> {
    await this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE link SET subscription_id = $3, subscription_until = to_timestamp($4::numeric / 1000), subscribed_at = clock_timestamp(), silent_reads = 0,
           resubscribe_at = coalesce(clock_timestamp() + (to_timestamp($4::numeric / 1000) - clock_timestamp()) * 0.75, 'infinity') WHERE organization_id = $1 AND id = $2`,
        [organizationId, linkId, subscription.id, subscription.expiresAt],
      );
      // Far older than any push that is still believed.
      await transaction.query(
        `DELETE FROM push_hint WHERE organization_id = $1 AND link_id = $2 AND received_at < clock_timestamp() - interval '1 day'`,
        [organizationId, linkId],
      );
      await transaction.query('DELETE FROM push_secret WHERE organization_id = $1 AND link_id = $2 AND id <> $3', [
        organizationId,
        linkId,
        secretId,
      ]);
    });
  }

  async postpone({ organizationId, linkId }: SubscribedLink, delayMs: number, secretId: string | null): Promise<void> {
    await this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE link SET resubscribe_at = clock_timestamp() + $3 * interval '1 millisecond' WHERE organization_id = $1 AND id = $2`,
        [organizationId, linkId, delayMs],
      );
      await transaction.query('DELETE FROM push_secret WHERE organization_id = $1 AND link_id = $2 AND id = $3', [
        organizationId,
        linkId,
        secretId,
      ]);
    });
  }

  async ended({ organizationId, linkId }: SubscribedLink): Promise<void> {
    await this.database.withOrganization(organizationId, async (transaction) => {
      await transaction.query(
        `UPDATE link SET subscription_id = NULL, subscription_until = NULL, silent_reads = 0, silent_since = NULL, resubscribe_at = 'infinity' WHERE organization_id = $1 AND id = $2`,
        [organizationId, linkId],
      );
      await transaction.query('DELETE FROM push_secret WHERE organization_id = $1 AND link_id = $2', [
        organizationId,
        linkId,
      ]);
    });
  }

  async secrets(
    organizationId: string,
    linkId: string,
  ): Promise<{ readonly connectionId: string; readonly secrets: readonly string[] } | null> {
    type Row = { id: string; connectionId: string; sealed: Buffer | null; hash: string | null };
    const rows = await this.database.withOrganization(organizationId, (transaction) =>
      transaction.query<Row>(
        `SELECT s.id, l.connection_id AS "connectionId", s.sealed, s.hash FROM push_secret s JOIN link l ON l.organization_id = s.organization_id AND l.id = s.link_id
         WHERE s.organization_id = $1 AND s.link_id = $2 ORDER BY s.made_at DESC LIMIT 4`,
        [organizationId, linkId],
      ),
    );
    const [first] = rows;
    if (first === undefined) return null;
    const secrets = await Promise.all(
      rows.map(async ({ id, sealed, hash }) =>
        sealed === null
          ? (hash ?? '')
          : (await this.vault.open(organizationId, pushSecret(linkId, id), sealed)).toString(),
      ),
    );
    return { connectionId: first.connectionId, secrets };
  }
}
