import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';

/** 31 days behind, 183 ahead. */
const WEEKS = Math.ceil((31 + 183) / 7);

describe('the daily comparison', () => {
  let at: InHouseHub;

  beforeAll(async () => {
    at = await InHouseHub.start();
  });
  afterAll(() => at.stop());
  beforeEach(() => at.link(Array.from({ length: 60 }, (_, n) => ownTime(n + 1))));

  const reconcile = () =>
    at.hub.lanes.run({
      organizationId: at.ids.organizationId,
      agendaId: at.practice.agenda,
      sync: 'reconcile',
    });
  /** The hub believes that it has read what happened until now. */
  const loseChanges = () =>
    at.sql(`UPDATE link SET cursor = $2, reconciled_at = clock_timestamp() - interval '1 day' WHERE id = $1`, [
      at.linkId,
      String(seq),
    ]);
  let seq = 0;
  const now = async () => void ({ seq } = await at.control<{ seq: number }>('GET', 'dump'));
  const report = async () =>
    (await at.sql<{ report: unknown }>('SELECT reconcile_report AS report FROM link WHERE id = $1', [at.linkId]))[0]
      ?.report;

  it('finds what was lost, and reads only the week that differs', async () => {
    const [entry] = (await at.entries()).filter(({ start }) => start === ownTime(20).start);
    await at.edit({ action: 'delete', id: entry!.id });
    const made = await at.edit({ action: 'create', entry: ownTime(20) });
    await now();
    await loseChanges();
    await at.pull();
    expect(await at.mirrored()).not.toEqual(await at.remote());
    await at.control('DELETE', 'requests');
    expect(await reconcile()).toBe('done');
    expect(await at.mirrored()).toEqual(await at.remote());
    expect(await at.sql('SELECT 1 FROM claim WHERE agenda_id = $1', [at.practice.agenda])).toHaveLength(60);
    expect(await report()).toEqual({ weeks: WEEKS, readAgain: expect.any(Number), repaired: 2, inARow: 1 });
    // One week for the difference, and the last one or two, of which a part was beyond the horizon yesterday.
    const listed = (await at.requests('/entries?')).filter((url) => url.includes('from='));
    expect((await at.requests('/versions')).length).toBe(WEEKS);
    const reads = listed.filter((url) => {
      const [from, to] = ['from', 'to'].map((name) => Number(new URL(url, 'http://x').searchParams.get(name)));
      expect(to! - from!).toBeLessThanOrEqual(7 * 86_400_000);
      return from! <= made.start && made.start < to!;
    });
    expect(reads).toHaveLength(1);
    expect(listed.length).toBeLessThanOrEqual(3);
    expect((await at.events()).at(-1)).toBe('agenda-repaired');
  });

  const reconciledToday = async () =>
    (await at.sql(`SELECT 1 FROM link WHERE id = $1 AND reconciled_at > now() - interval '1 minute'`, [at.linkId]))
      .length === 1;
  const losesAnEntry = async () => {
    const [entry] = (await at.entries()).filter(({ start }) => start === ownTime(20).start);
    await at.edit({ action: 'delete', id: entry!.id });
    await now();
    await loseChanges();
  };

  it('reads everything when the backend fails in the middle of the comparison', async () => {
    await losesAnEntry();
    await at.fault({ kind: 'error', status: 503, method: 'GET', route: '/versions', nth: 5, times: 1 });
    await at.control('DELETE', 'requests');
    expect(await reconcile()).toBe('done');
    expect((await at.requests('/versions')).length).toBe(5);
    expect(await at.mirrored()).toEqual(await at.remote());
    expect(await reconciledToday()).toBe(true);
  });

  it('is not done, deletes nothing, and stays due when the backend fails again and again', async () => {
    await losesAnEntry();
    await at.fault({ kind: 'error', status: 503, method: 'GET', route: '/versions' });
    await at.fault({ kind: 'error', status: 503, method: 'GET', route: '/entries' });
    expect(await reconcile()).toBe('unreachable');
    expect(await at.mirrored()).toHaveLength(60);
    expect(await reconciledToday()).toBe(false);
    await at.control('DELETE', 'faults');
    await at.sql(`UPDATE link SET poll_at = '-infinity' WHERE id = $1`, [at.linkId]);
    expect(await at.hub.due.reconciles(500)).toContainEqual(at.ids);
    expect(await reconcile()).toBe('done');
    expect(await at.mirrored()).toEqual(await at.remote());
  });

  it('reads nothing twice when nothing was lost', async () => {
    await reconcile();
    await at.control('DELETE', 'requests');
    expect(await reconcile()).toBe('done');
    expect((await at.requests('/entries?')).length).toBeLessThanOrEqual(2);
    expect(await report()).toMatchObject({ weeks: WEEKS, repaired: 0 });
    expect(await at.events()).not.toContain('agenda-repaired');
  });

  it('reads everything after six comparisons by versions, whatever they say', async () => {
    const inARow = async () => ((await report()) as { inARow: number }).inARow;
    for (let day = 1; day <= 6; day += 1) {
      await reconcile();
      expect(await inARow()).toBe(day);
    }
    // Found without a question about versions.
    await at.sql('DELETE FROM claim WHERE agenda_id = $1', [at.practice.agenda]);
    await at.control('DELETE', 'requests');
    expect(await reconcile()).toBe('done');
    expect((await at.requests('/versions')).length).toBe(0);
    expect(await inARow()).toBe(0);
    expect(await at.sql('SELECT 1 FROM claim WHERE agenda_id = $1', [at.practice.agenda])).toHaveLength(60);
    await reconcile();
    expect(await inARow()).toBe(1);
  });

  it('complaint 11: holds back what is missing from several weeks together, few as it may be in each', async () => {
    const gone = (await at.entries()).sort((a, b) => a.start - b.start).filter((_, n) => n % 4 === 0);
    for (const { id } of gone) await at.edit({ action: 'delete', id });
    await now();
    await loseChanges();
    expect(await reconcile()).toBe('done');
    expect(await at.mirrored()).toHaveLength(60);
    expect((await at.hub.brake.get(at.ids.organizationId, at.linkId))?.held).toMatchObject({ deletions: gone.length });
  });

  it('is due once a day, at a time of day that the link’s id gives, on the database’s clock', async () => {
    const links = Array.from({ length: 2_000 }, () => randomUUID());
    const rows = await at.sql<{ since: Date; age: number; hour: number }>(
      `SELECT reconcile_due_since(id) AS since, extract(epoch FROM clock_timestamp() - reconcile_due_since(id))::float8 AS age,
         extract(hour FROM reconcile_due_since(id) AT TIME ZONE 'UTC')::int AS hour FROM unnest($1::uuid[]) id`,
      [links],
    );
    expect(rows.every(({ age }) => age >= 0 && age < 86_400)).toBe(true);
    const hours = Array.from({ length: 24 }, (_, hour) => rows.filter((row) => row.hour === hour).length);
    expect(Math.min(...hours)).toBeGreaterThan(40);
    expect(Math.max(...hours)).toBeLessThan(140);
    const again = await at.sql<{ since: Date }>('SELECT reconcile_due_since(id) AS since FROM unnest($1::uuid[]) id', [
      links,
    ]);
    expect(again.filter(({ since }, n) => since.getTime() !== rows[n]?.since.getTime()).length).toBeLessThan(3);
  });

  it('is handed on when due, not before, and never run twice at once', async () => {
    await at.sql(`UPDATE link SET poll_at = '-infinity' WHERE id = $1`, [at.linkId]);
    const due = async () => ({
      reconcile: (await at.hub.due.reconciles(500)).some(({ linkId }) => linkId === at.linkId),
      poll: (await at.hub.due.links(500)).some(({ linkId }) => linkId === at.linkId),
    });
    expect(await due()).toEqual({ reconcile: false, poll: true });
    await at.sql(`UPDATE link SET reconciled_at = clock_timestamp() - interval '24 hours' WHERE id = $1`, [at.linkId]);
    expect(await due()).toEqual({ reconcile: true, poll: false });
    await at.control('DELETE', 'requests');
    expect(await Promise.all([reconcile(), reconcile(), reconcile()])).toEqual(['done', 'done', 'done']);
    expect((await at.requests('/versions')).length).toBe(WEEKS);
    expect(await due()).toEqual({ reconcile: false, poll: false });
  });
});
