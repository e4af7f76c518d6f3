import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { InHouseHub } from '../support/in-house-hub.js';
import { createPractice, inTenant, type Practice } from '../support/practice.js';

describe('polling', () => {
  let at: InHouseHub;

  beforeAll(async () => {
    at = await InHouseHub.start();
  });
  afterAll(() => at.stop());
  beforeEach(() => at.link());

  const wait = async (): Promise<number> => {
    const text = 'SELECT extract(epoch FROM poll_at - clock_timestamp())::float8 AS seconds FROM link WHERE id = $1';
    return (await at.sql<{ seconds: number }>(text, [at.linkId]))[0]!.seconds;
  };
  const wanted = () => at.hub.interest.wanted(at.ids.organizationId, [at.practice.agenda]);

  it('comes within seconds for an agenda that is asked for, after minutes for a quiet one', async () => {
    await at.pull();
    expect(await wait()).toBeGreaterThan(200);
    await wanted();
    expect(await wait()).toBeLessThanOrEqual(3);
    await at.pull();
    expect(await wait()).toBeLessThanOrEqual(20);
    await at.hub.subscriptions.end(at.ids.organizationId, at.linkId);
    await at.pull();
    expect(await wait()).toBeLessThanOrEqual(5);
  });

  it('does not press a backend that fails, or one that holds deletions back', async () => {
    await at.fault({ kind: 'error', status: 503 });
    await at.pull();
    const before = await wait();
    expect(before).toBeGreaterThan(3);
    await wanted();
    expect(await wait()).toBeGreaterThan(before - 1);
  });

  it('complaint 25: a backend that is asked too often slows its whole connection down', async () => {
    expect((await at.hub.due.links(500)).filter(({ linkId }) => linkId === at.linkId)).toEqual([]);
    await at.fault({ kind: 'rate-limit', retryAfterSeconds: 30, times: 1 });
    expect(await at.pull()).toBe('unreachable');
    expect(await wait()).toBeGreaterThan(29);
    await at.control('DELETE', 'requests');
    await at.sql(`UPDATE link SET poll_at = '-infinity', resubscribe_at = '-infinity' WHERE id = $1`, [at.linkId]);
    // Due by its own time, and yet nobody calls: the connection is left in peace.
    const ours = async () => [
      ...(await at.hub.due.links(500)).filter(({ linkId }) => linkId === at.linkId),
      ...(await at.hub.due.subscriptions(500)).filter(({ linkId }) => linkId === at.linkId),
    ];
    expect(await ours()).toEqual([]);
    expect(await at.pull()).toBe('unreachable');
    expect(await at.requests('')).toEqual([]);
    await at.sql(`UPDATE connection SET blocked_until = '-infinity', breaker_failures = 0`);
    expect(await ours()).toHaveLength(2);
    await wanted();
    await at.pull();
    // Four times as slow as it would be: 20 s for one that pushes.
    expect(await wait()).toBeGreaterThan(70);
  });

  it('is fair: 500 due links of one organization leave the first turns to another’s two', async () => {
    const many = await createPractice(at.pool);
    const few = await createPractice(at.pool);
    const dueLinks = (practice: Practice, count: number, since: string) =>
      inTenant(at.pool, practice.organization, async (client) => {
        const connection = randomUUID();
        await client.query(
          `INSERT INTO connection (organization_id, id, connector_id, label, settings, secrets_sealed) VALUES ($1, $2, 'in-house', 'x', '{}', '')`,
          [practice.organization, connection],
        );
        await client.query(
          `WITH a AS (INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, capacity, master, opened_until)
             SELECT organization_id, gen_random_uuid(), practitioner_id, location_id, 'x', 1, 'hub', opened_until FROM agenda, generate_series(1, $2) WHERE id = $3 RETURNING id)
           INSERT INTO link (organization_id, id, agenda_id, connection_id, remote_agenda_id, poll_at, reconciled_at) SELECT $1, gen_random_uuid(), a.id, $4, a.id::text, now() - $5::interval, now() FROM a`,
          [practice.organization, count, practice.agenda, connection, since],
        );
      });
    await dueLinks(many, 500, '1 hour');
    await dueLinks(few, 2, '1 second');
    const due = await at.hub.due.links(500);
    const turnsOf = ({ organization }: Practice) =>
      due.flatMap(({ organizationId }, index) => (organizationId === organization ? [index] : []));
    expect(turnsOf(few)).toHaveLength(2);
    expect(Math.max(...turnsOf(few))).toBeLessThan(8);
    expect(turnsOf(many)).toHaveLength(32);
  });
});
