import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import type { RuleChange } from '#application';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { createPractice, openPool, place, query, twins, type Practice } from '../../../test/support/practice.js';
import { Database } from './database.js';
import { PgCalendar } from './stores/calendar.js';
import { PgDueWork } from './stores/due-work.js';
import { PgRules } from './stores/rules.js';

const DAY = 86_400_000;

describe('the rules of an agenda, expanded', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let app: Database;
  let rules: PgRules;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    app = await Database.open({ url: database.appUrl, poolSize: 8, applicationName: 'test' });
    rules = new PgRules(app);
  });

  afterAll(async () => {
    await app.close();
    await pool.end();
    await database.drop();
  });

  const change = async (practice: Practice, one: RuleChange, version: number | 'new' = 'new'): Promise<string> => {
    const ref = { organizationId: practice.organization, agendaId: practice.agenda };
    const actor = { kind: 'collaborator', id: practice.collaborator, key: randomUUID() } as const;
    return (await rules.change(ref, one, { version, actor })).outcome;
  };
  const reserve = (hour: string): RuleChange => ({
    kind: 'reserve',
    id: randomUUID(),
    rule: {
      ...{
        rrule: 'FREQ=DAILY',
        start: `2026-01-05T${hour}:00`,
        durationMinutes: 60,
        timeZone: 'Europe/Paris',
        except: [],
      },
      ...{
        label: 'Urgences',
        keptFor: { priorities: [], audiences: [], motifIds: [] },
        release: [],
        recaptureMinutes: null,
      },
    },
  });
  const rows = (practice: Practice): Promise<object[]> =>
    query(
      pool,
      practice,
      `SELECT 'reserve' AS of, reserve_id AS id, during::text FROM reserve_occurrence UNION ALL SELECT 'closure', id, during::text || label || source FROM closure
       UNION ALL SELECT 'opening', opening_id, during::text FROM opening_occurrence ORDER BY 1, 2, 3`,
    );

  test('twice is the same as once, and typed closures stay', async () => {
    const practice = await createPractice(pool);
    const typed = { start: Date.now() + DAY, end: Date.now() + 2 * DAY, label: 'Congés', source: 'typed' } as const;
    expect(await change(practice, reserve('10'))).toBe('changed');
    expect(await change(practice, { kind: 'closure', id: randomUUID(), rule: typed })).toBe('changed');
    expect(await change(practice, { kind: 'agenda', settings: { holidayCalendar: 'guyane' } }, 1)).toBe('changed');
    const once = await rows(practice);
    expect(once.length).toBeGreaterThan(300);
    await new PgCalendar(app).expandRules(practice.organization, practice.agenda);
    expect(await rows(practice)).toEqual(once);
    expect(await change(practice, { kind: 'agenda', settings: { holidayCalendar: null } }, 2)).toBe('changed');
    const closures = (await rows(practice)).filter((row) => 'of' in row && row.of === 'closure');
    expect(closures).toMatchObject([{ during: expect.stringMatching(/Congéstyped$/) }]);
  });

  test('an agenda is due again when less than its own horizon is left', async () => {
    const [near, far] = [await createPractice(pool), await createPractice(pool)];
    const offer = (horizonDays: number): RuleChange => ({ kind: 'motif', id: near.motif, rule: { horizonDays } });
    expect(await change(near, offer(30), 1)).toBe('changed');
    expect(await change(far, { ...offer(366), id: far.motif } as RuleChange, 1)).toBe('changed');
    const due = async (): Promise<string[]> =>
      (await new PgDueWork(app).openings(500))
        .map(({ agendaId }) => agendaId)
        .filter((id) => [near.agenda, far.agenda].includes(id));
    expect(await due()).toEqual([]);
    for (const practice of [near, far])
      await query(pool, practice, `UPDATE agenda SET opened_until = now() + interval '200 days'`);
    expect(await due()).toEqual([far.agenda]);
  });

  test('many who change one agenda at once, and many who book there, wait for each other', async () => {
    const practice = await createPractice(pool);
    const start = new Date(Math.ceil(Date.now() / DAY) * DAY + 3 * DAY + 9 * 3_600_000).toISOString();
    expect(await change(practice, { kind: 'agenda', settings: {} }, 1)).toBe('changed');
    const [changes, placed] = await Promise.all([
      twins(8, (n) =>
        change(practice, { kind: 'agenda', settings: { workedHolidays: [`2027-05-0${String(n + 1)}`] } }, 2),
      ),
      twins(8, () => place(pool, practice, { start })),
    ]);
    expect([...changes].sort()).toEqual(['changed', ...Array.from({ length: 7 }, () => 'stale')]);
    expect(placed.filter(({ outcome }) => outcome === 'placed')).toHaveLength(1);
  });

  test('every change is an event that names who made it', async () => {
    const practice = await createPractice(pool);
    const one = reserve('11');
    await change(practice, one);
    await change(practice, { ...one, rule: null } as RuleChange, 1);
    const events = await query(
      pool,
      practice,
      `SELECT agenda_id, actor->>'id' AS by, data FROM event WHERE type = 'agenda-rules-changed' ORDER BY id`,
    );
    expect(events).toEqual([
      { agenda_id: practice.agenda, by: practice.collaborator, data: { kind: 'reserve', removed: false } },
      { agenda_id: practice.agenda, by: practice.collaborator, data: { kind: 'reserve', removed: true } },
    ]);
  });
});
