import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId, type Actor, type BookingAnswer } from '#application';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { HOUR, MINUTE, TEN } from '../support/loop.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, query, type Practice } from '../support/practice.js';
import type { RadicaleServer } from '../support/radicale.js';
import { openCalendar, startRadicale, type RemoteCalendar } from '../support/remotes.js';

const CYCLES = 10;
const HALF = 30 * MINUTE;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé' };

/** A hub with a database of its own, and one practice. */
class Apart {
  hub!: TestHub;
  pool!: pg.Pool;

  constructor(
    readonly database: TestDatabase,
    public practice: Practice,
  ) {}

  static async open(): Promise<Apart> {
    const apart = new Apart(await createTestDatabase(), null!);
    await apart.up();
    apart.practice = await createPractice(apart.pool);
    await apart.hub.housekeeping.extendOpenings(apart.practice.organization, apart.practice.agenda);
    return apart;
  }

  async up(): Promise<this> {
    this.hub = await openHub({ url: this.database.appUrl });
    this.pool = openPool(this.database.appUrl);
    return this;
  }

  async down(): Promise<void> {
    await this.hub.close();
    await this.pool.end();
  }

  async end(): Promise<void> {
    await this.down();
    await this.database.drop();
  }

  actor(): Extract<Actor, { kind: 'collaborator' }> {
    return { kind: 'collaborator', id: this.practice.collaborator, key: newId() };
  }

  book(start: number): Promise<BookingAnswer> {
    const { organization: organizationId, agenda: agendaId, motif: motifId } = this.practice;
    const place = { organizationId, id: newId(), agendaId, motifId, start };
    return this.hub.booking.book({ ...place, patient: PATIENT, actor: this.actor(), key: null, waitMs: 8000 });
  }

  async booked(start: number): Promise<string> {
    const answer = await this.book(start);
    expect(answer).toMatchObject({ outcome: 'booked', record: { status: 'confirmed' } });
    return answer.record!.id;
  }

  run(sync: 'delta' | 'full' | 'reconcile' = 'delta'): Promise<string> {
    return this.hub.lanes.run({ organizationId: this.practice.organization, agendaId: this.practice.agenda, sync });
  }

  status(id: string): Promise<unknown[]> {
    return query(this.pool, this.practice, `SELECT status, lower(during) AS start FROM appointment WHERE id = $1`, [
      id,
    ]);
  }
}

describe('hubs that know nothing of each other', () => {
  let radicale: RadicaleServer;
  let remote: RemoteCalendar;
  let first: Apart;
  const opened: Apart[] = [];

  beforeAll(async () => {
    radicale = await startRadicale();
  });
  afterAll(() => radicale?.stop());
  beforeEach(async () => {
    remote = await openCalendar(radicale);
    first = await Apart.open();
    opened.push(first);
    await linkAgenda(first.hub, first.practice, remote.account);
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.end();
    await remote.close();
  });

  const entries = async (): Promise<string[]> =>
    (await remote.entries()).map(({ id, start, title }) => `${id} ${String((start - TEN) / HOUR)} ${title}`).sort();

  it('at one calendar take each other’s visits for his time, and nothing goes round', async () => {
    const second = await Apart.open();
    opened.push(second);
    await linkAgenda(second.hub, second.practice, remote.account);
    const mine = [await first.booked(TEN), await first.booked(TEN + HOUR)];
    const theirs = [await second.booked(TEN + 2 * HOUR)];
    expect(await second.book(TEN + HOUR)).toMatchObject({ outcome: 'refused' });
    expect(await first.book(TEN + 2 * HOUR)).toMatchObject({ outcome: 'refused' });
    const before = await entries();
    expect(before).toHaveLength(3);
    for (let cycle = 0; cycle < CYCLES; cycle += 1)
      for (const each of [first, second]) expect(await each.run(cycle % 4 === 3 ? 'full' : 'delta')).toBe('done');
    expect(await entries()).toEqual(before);
    for (const [each, ids] of [
      [first, mine],
      [second, theirs],
    ] as const)
      for (const id of ids) expect(await each.status(id)).toMatchObject([{ status: 'confirmed' }]);
  });

  it('restored from a copy of yesterday: what was cancelled since stays so, what was booked since stays there', async () => {
    const [kept, cancelled, moved] = [
      await first.booked(TEN),
      await first.booked(TEN + HOUR),
      await first.booked(TEN + 2 * HOUR),
    ];
    await first.down();
    const yesterday = await first.database.copy();
    await first.up();
    await first.booked(TEN + 3 * HOUR);
    const ref = { organizationId: first.practice.organization, id: cancelled, actor: first.actor(), key: null };
    await first.hub.booking.cancel({ ...ref, version: null, reason: { code: 'CANCELLED' }, waitMs: 8000 });
    const entry = (await remote.entries()).find(({ appointmentId }) => appointmentId === moved)!;
    await remote.move(entry.id, TEN + 5 * HOUR, TEN + 5 * HOUR + HALF);
    await remote.create({ start: TEN + 6 * HOUR, end: TEN + 6 * HOUR + HALF, title: 'Réunion' });
    expect(await first.run()).toBe('done');
    const before = await entries();
    expect(before).toHaveLength(4);

    const restored = await new Apart(yesterday, first.practice).up();
    opened.push(restored);
    for (let cycle = 0; cycle < CYCLES; cycle += 1)
      expect(await restored.run(cycle % 4 === 3 ? 'full' : 'delta')).toBe('done');
    expect(await entries()).toEqual(before);
    expect(await restored.status(kept)).toMatchObject([{ status: 'confirmed', start: new Date(TEN) }]);
    expect(await restored.status(cancelled)).toMatchObject([{ status: 'cancelled' }]);
    expect(await restored.status(moved)).toMatchObject([{ status: 'confirmed', start: new Date(TEN + 5 * HOUR) }]);
    for (const hour of [3, 5, 6]) expect(await restored.book(TEN + hour * HOUR)).toMatchObject({ outcome: 'refused' });
    await restored.booked(TEN + HOUR);
  });
});
