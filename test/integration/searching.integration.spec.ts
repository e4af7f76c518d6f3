import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { askedBy, SearchSlots, SECRETARIAT } from '#application';
import { refusalsAt } from '#domain';
import { Database, PgCalendar } from '#persistence';
import { seedSearchedPractice, type SearchedPractice } from '../bench/availability-practice.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { openPool } from '../support/practice.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const HOUR = 60 * MINUTE;
const GRID = 20 * MINUTE;

describe('a search', () => {
  let database: TestDatabase;
  let admin: pg.Pool;
  let hub: Database;
  let calendar: PgCalendar;
  let practice: SearchedPractice;
  let slots: SearchSlots;

  beforeAll(async () => {
    database = await createTestDatabase();
    admin = openPool(database.adminUrl, 1);
    const client = await admin.connect();
    practice = await seedSearchedPractice(client, { count: 30, historyDays: 14 });
    client.release(true);
    hub = await Database.open({ url: database.appUrl, poolSize: 4, applicationName: 'test' });
    calendar = new PgCalendar(hub);
    slots = new SearchSlots(calendar);
  });

  afterAll(async () => {
    await hub.close();
    await admin.end();
    await database.drop();
  });

  const motifs = (): string[] => Object.values(practice.motifs);
  const asking = (motifId: string): { organizationId: string; motifId: string } => ({
    organizationId: practice.organization,
    motifId,
  });

  test('returns the starts against which no rule speaks when they are asked one by one, and no others', async () => {
    const compared = { bookable: 0, refused: 0 };
    for (const [n, agendaId] of practice.agendas.entries()) {
      const motifId = motifs()[n % 3]!;
      // From before the morning on, or from the middle of a day: what lies around the window counts, too.
      const start = (Math.ceil(Date.now() / DAY) + (n % 20)) * DAY + (7 + 4 * (n % 2)) * HOUR;
      const window = { start, end: start + 8 * HOUR };
      const found = await slots.search({ ...asking(motifId), agendaIds: [agendaId], window, limit: 500 });
      const offered = new Set(found?.slots.map((slot) => slot.start));
      for (let at = window.start; at < window.end; at += GRID) {
        const one = await calendar.factsAt({ ...asking(motifId), agendaId, start: at });
        const refusals = refusalsAt(at, one!.facts, askedBy(motifId, one!, SECRETARIAT));
        expect({ n, at, offered: offered.has(at), refusals }).toEqual({
          ...{ n, at, refusals },
          offered: refusals.length === 0,
        });
        compared[refusals.length === 0 ? 'bookable' : 'refused'] += 1;
      }
    }
    expect(compared.bookable).toBeGreaterThan(10);
    expect(compared.refused).toBeGreaterThan(300);
  });

  test('for the next slots finds the first of all agendas together, few of which are asked for a whole day', async () => {
    for (let n = 0; n < 12; n += 1) {
      const from = (Math.ceil(Date.now() / DAY) + n) * DAY + n * 2 * HOUR;
      const [motifId, limit] = [motifs()[n % 3]!, 1 + (n % 5)];
      const query = { ...asking(motifId), agendaIds: practice.agendas, limit };
      const next = await slots.next({ ...query, from });
      const all = await slots.search({ ...query, window: { start: from, end: from + 7 * DAY } });
      expect(next?.slots).toEqual(all?.slots.slice(0, limit));
      expect(next?.agendas.map(({ agendaId }) => agendaId).sort()).toEqual([...practice.agendas].sort());
    }
  });
});
