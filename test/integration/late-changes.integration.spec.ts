import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Backends, newId } from '#application';
import type { Capabilities } from '#connector-sdk';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, query } from '../support/practice.js';
import { openInHouse, type InHouseAgenda } from '../support/remotes.js';
import { HOUR, TEN } from './link-life.suite.js';

const DAY = 86_400_000;
const PATCH = 'PATCH /in-house/api/agendas/:agendaId/entries/:entryId';

/** The same backend, which says less of itself. */
class Modest extends Backends {
  constructor(
    private readonly inner: Backends,
    private readonly less: Partial<Capabilities>,
  ) {
    super();
  }

  async open(...account: Parameters<Backends['open']>): ReturnType<Backends['open']> {
    const { session, capabilities } = await this.inner.open(...account);
    return { session, capabilities: { ...capabilities, ...this.less } };
  }
}

describe('a change whose answer was lost, and which may still land', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  const opened: TestHub[] = [];
  const remotes: InHouseAgenda[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
  });
  afterAll(async () => {
    for (const hub of opened) await hub.close();
    for (const remote of remotes) await remote.close();
    await pool.end();
    await database.drop();
  });

  it.each([
    ['is repeated at once where the backend refuses what comes too late', true, 2],
    ['is not repeated before it can no longer land where the backend refuses nothing', false, 1],
  ])('%s', async (_what, conditionalWrites, sentBefore) => {
    const backends = (inner: Backends): Backends => new Modest(inner, { conditionalWrites, settleMs: 60_000 });
    const hub = await openHub({ url: database.appUrl, around: { backends } });
    opened.push(hub);
    const remote = await openInHouse();
    remotes.push(remote);
    const practice = await createPractice(pool);
    const { organization: organizationId, agenda: agendaId, motif: motifId } = practice;
    const opening = `INSERT INTO opening_occurrence SELECT organization_id, id, tstzrange(to_timestamp($1), to_timestamp($2)), agenda_id FROM opening`;
    await query(pool, practice, opening, [(TEN - DAY) / 1000, (TEN + DAY) / 1000]);
    await linkAgenda(hub, practice, remote.account);
    const actor = { kind: 'collaborator', id: practice.collaborator, key: newId() } as const;
    const request = { organizationId, id: newId(), actor, key: null };
    const patient = { lastName: 'Durand', firstName: 'Zoé' };
    const booked = await hub.booking.book({ ...request, agendaId, motifId, start: TEN, patient, waitMs: 5_000 });
    if (booked.outcome !== 'booked') throw new Error(JSON.stringify(booked));
    const patches = async (): Promise<number> => {
      const { counts } = (await remote.control('requests', null, 'GET')) as { counts: Record<string, number> };
      return counts[PATCH] ?? 0;
    };

    await remote.loseRequest('update');
    const { version } = booked.record;
    await hub.booking.move({ ...request, version, start: TEN + HOUR, motifId: null, waitMs: 0 });
    await hub.lanes.run({ organizationId, agendaId, sync: 'none' });
    await query(pool, practice, 'UPDATE remote_write SET due_at = now()');
    await hub.lanes.run({ organizationId, agendaId, sync: 'none' });
    expect(await patches()).toBe(sentBefore);

    await query(pool, practice, `UPDATE remote_write SET due_at = now(), last_sent_at = now() - interval '61 seconds'`);
    await hub.lanes.run({ organizationId, agendaId, sync: 'none' });
    expect(await patches()).toBe(2);
    expect((await hub.bookings.get(request))?.status).toBe('confirmed');
    expect((await remote.entries()).map(({ start }) => start)).toEqual([TEN + HOUR]);
  });
});
