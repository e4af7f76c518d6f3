import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { newId } from '#application';
import { connectors } from '#connectors';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { controlOf, type Control } from '../contract/simulator-target.js';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, query, type Practice } from '../support/practice.js';
import { accountOf, VENDOR_ROWS } from '../support/vendor-rows.js';
import { ANNE, NINE, PAUL, Waiting } from '../support/waiting.js';

const MINUTE = 60_000;
const ROW = VENDOR_ROWS.find(({ id }) => connectors.get(id)!.capabilities.hold === 'ttl')!;
const SEED = ROW.seed as { clients: { id: string; secret: string }[]; agendas: object[] };
const OTHER = { clientId: 'scene-other', clientSecret: 'scene-other-secret' };
/** Two practitioners of the same practice. */
const PLACES = [
  { key: 'dr', remoteAgendaId: ROW.agendaId },
  { key: 'autre', remoteAgendaId: ROW.agendaId.replace('40', '41') },
] as const;

describe('what is held at the backend, too', () => {
  const vendors = createMockVendors();
  let database: TestDatabase;
  let pool: pg.Pool;
  let hub: TestHub;
  let origin: string;
  let control: Control;
  let practices: Practice[];

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.appUrl);
    hub = await openHub({ url: database.appUrl, keepsHolds: true });
    origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
    control = controlOf(origin, ROW.id);
  });
  afterAll(async () => {
    await hub.close();
    await vendors.close();
    await pool.end();
    await database.drop();
  });
  beforeEach(async () => {
    await control('POST', 'reset');
    const other = { ...SEED.agendas[0], key: 'autre', id: 52, practitioner_id: 41 };
    const clients = [...SEED.clients, { id: OTHER.clientId, secret: OTHER.clientSecret }];
    await control('POST', 'seed', { ...SEED, clients, agendas: [...SEED.agendas, other] });
    practices = [];
    for (const { remoteAgendaId } of PLACES) {
      const practice = await createPractice(pool);
      await hub.housekeeping.extendOpenings(practice.organization, practice.agenda);
      await linkAgenda(hub, practice, { ...accountOf(ROW, origin), remoteAgendaId });
      practices.push(practice);
    }
  });

  /** Whether a patient can still take that half hour online. */
  const isFreeThere = async (start: number, agendaId: string = PLACES[0].key): Promise<boolean> => {
    const entry = { start, end: start + 30 * MINUTE, title: 'En ligne' };
    const made = await control('POST', 'edit', { action: 'create', by: 'patient', agendaId, entry }).catch(() => null);
    if (made !== null)
      await control('POST', 'edit', { action: 'delete', agendaId, id: (made['entry'] as { id: string }).id });
    return made !== null;
  };
  const isDue = async (): Promise<boolean> =>
    (await hub.due.holds(500)).some(({ agendaId }) => agendaId === practices[0]!.agenda);

  it('is given back there when it ends here, however often that takes', async () => {
    const [practice] = practices as [Practice];
    const ref = { organizationId: practice.organization, agendaId: practice.agenda };
    const actor = { kind: 'collaborator', id: practice.collaborator, key: newId() } as const;
    const asked = { ...ref, id: newId(), motifId: practice.motif, start: NINE, patient: ANNE, actor, key: null };
    expect(await hub.booking.hold({ ...asked, holdSeconds: 120, waitMs: 5_000 })).toMatchObject({ status: 201 });
    expect(await isFreeThere(NINE)).toBe(false);
    await query(
      pool,
      practice,
      `UPDATE appointment SET hold_until = now() - interval '1 second' WHERE status = 'held'`,
    );
    expect(await isDue()).toBe(true);
    await control('POST', 'faults', { faults: [{ kind: 'error', status: 503 }] });
    expect(await hub.housekeeping.expireHolds(ref.organizationId, ref.agendaId)).toBe(1);
    await control('DELETE', 'faults');
    expect([await isFreeThere(NINE), await isDue()]).toEqual([false, true]);
    await hub.housekeeping.expireHolds(ref.organizationId, ref.agendaId);
    expect([await isFreeThere(NINE), await isDue()]).toEqual([true, false]);
  });

  it('keeps what is offered to somebody who waits, and does not offer what is taken there', async () => {
    const [first, second] = practices.map((practice) => new Waiting(hub, pool, practice)) as [Waiting, Waiting];
    await first.enter(ANNE);
    await first.work();
    const [offer] = await first.shown();
    const { start, end } = offer!;
    expect(await isFreeThere(start)).toBe(false);

    const connector = connectors.get(ROW.id)!;
    const account = {
      settings: connector.config.settings.parse(ROW.settings(origin)),
      secrets: connector.config.secrets.parse(OTHER),
    };
    const session = connector.open(account, { timeoutMs: 5_000, allowPrivateNetworks: true, now: Date.now });
    const held = { agendaId: PLACES[1].remoteAgendaId, reference: 'other-1', when: { start, end } };
    await session.hold!({ ...held, timeZone: 'Europe/Paris' }, { signal: AbortSignal.timeout(5_000) });
    session.close();
    await second.enter(ANNE);
    await second.work();
    expect(await second.shown()).toEqual([]);
    const statuses = await query(pool, practices[1]!, 'SELECT status FROM appointment');
    expect(statuses.map(({ status }) => status as string)).toEqual(statuses.map(() => 'expired'));
    expect(statuses.length).toBeGreaterThan(0);
  });

  /** Time passes at the vendor, who keeps nothing for longer than five minutes; here the hold stands. */
  const lapseThere = async (): Promise<void> => {
    await control('POST', 'clock', { advanceMs: 5.5 * MINUTE });
    await query(
      pool,
      practices[0]!,
      `UPDATE appointment SET held_there_until = now() - interval '1 second' WHERE status = 'held'`,
    );
  };
  const takenThereAt = async (start: number): Promise<void> => {
    const entry = { start, end: start + 30 * MINUTE, title: 'En ligne' };
    await control('POST', 'edit', { action: 'create', by: 'patient', agendaId: PLACES[0].key, entry });
  };
  const standingAt = async (start: number): Promise<readonly { title: string; answers: object }[]> => {
    const { entries } = (await control('GET', 'dump')) as unknown as {
      entries: { start: number; title: string; deleted: boolean; answers: object }[];
    };
    return entries.filter((entry) => entry.start === start && !entry.deleted);
  };

  it('is asked for again where it ends there first, and given up where somebody has it by then', async () => {
    const [practice] = practices as [Practice];
    const waiting = new Waiting(hub, pool, practice);
    await waiting.enter(ANNE);
    await waiting.work();
    const [offer] = await waiting.shown();
    const { id, start } = offer!;
    await lapseThere();
    expect(await isDue()).toBe(true);
    await hub.housekeeping.expireHolds(practice.organization, practice.agenda);
    expect([await isFreeThere(start), await isDue()]).toEqual([false, false]);
    expect(await waiting.shown()).toMatchObject([{ id }]);

    await lapseThere();
    await takenThereAt(start);
    await hub.housekeeping.expireHolds(practice.organization, practice.agenda);
    expect(await isDue()).toBe(false);
    await waiting.work();
    expect(await waiting.shown('withdrawn')).toMatchObject([{ id }]);
    expect(await waiting.accept(id)).toBe('ended');
    expect(await standingAt(start)).toMatchObject([{ title: 'En ligne' }]);
  });

  it('is never confirmed on what has ended there: the time is taken anew, or refused', async () => {
    const waiting = new Waiting(hub, pool, practices[0]!);
    await waiting.enter(ANNE);
    await waiting.enter(PAUL);
    await waiting.work();
    await waiting.work();
    const [first, second] = await waiting.shown();
    await lapseThere();
    await takenThereAt(first!.start);
    expect(await waiting.accept(first!.id)).toMatchObject({ outcome: 'refused', status: 409, problem: 'taken' });
    expect(await standingAt(first!.start)).toMatchObject([{ title: 'En ligne' }]);
    expect(await waiting.accept(second!.id)).toMatchObject({ outcome: 'booked', status: 201 });
    expect(await standingAt(second!.start)).toHaveLength(1);
  });

  it('is asked for each minute of a tool that keeps nothing for longer, and booked by whoever holds it', async () => {
    const row = VENDOR_ROWS.find(({ id }) => connectors.get(id)!.config.settings.shape['leases'] !== undefined)!;
    const steer = controlOf(origin, row.id);
    await steer('POST', 'reset');
    await steer('POST', 'seed', row.seed);
    const practice = await createPractice(pool);
    const { organization: organizationId, agenda: agendaId, motif: motifId, collaborator } = practice;
    await hub.housekeeping.extendOpenings(organizationId, agendaId);
    const account = accountOf(row, origin);
    await linkAgenda(hub, practice, { ...account, settings: { ...account.settings, leases: true } });
    const actor = { kind: 'collaborator', id: collaborator, key: newId() } as const;
    const asked = { organizationId, actor, key: null, waitMs: 5_000 };
    const id = newId();
    const held = await hub.booking.hold({ ...asked, id, agendaId, motifId, start: NINE, holdSeconds: 600 });
    expect(held).toMatchObject({ status: 201, record: { heldThereUntil: expect.any(Number) } });
    const takeOnline = (): Promise<unknown> => {
      const entry = { start: NINE, end: NINE + 30 * MINUTE, title: 'En ligne' };
      return steer('POST', 'edit', { action: 'create', by: 'patient', agendaId: row.agendaId, entry });
    };
    await expect(takeOnline()).rejects.toThrow('overlap');
    for (let minute = 0; minute < 2; minute += 1) {
      await steer('POST', 'clock', { advanceMs: MINUTE + 1 });
      const lapsed = `UPDATE appointment SET held_there_until = now() - interval '1 second' WHERE status = 'held'`;
      await query(pool, practice, lapsed);
      await hub.housekeeping.expireHolds(organizationId, agendaId);
      await expect(takeOnline()).rejects.toThrow('overlap');
    }
    expect(await hub.booking.bookHold({ ...asked, holdId: id, patient: ANNE })).toMatchObject({ status: 201 });
  });

  it('asks each patient for himself what the tool asks before it confirms, and tells it only with his name', async () => {
    const [practice] = practices as [Practice];
    const custom_fields = [{ id: 'q1', label: 'Depuis quand ?', required: true }];
    await control('POST', 'seed', { motives: [{ id: 30, name: 'Consultation', minutes: 30, custom_fields }] });
    const questions = [{ id: 'depuis', fr: 'Depuis quand ?', en: 'Since when?', required: true }];
    await query(pool, practice, 'UPDATE agenda_motif SET rules = $1', [{ questions }]);
    const waiting = new Waiting(hub, pool, practice);
    await waiting.book(NINE, { ...ANNE, answers: { depuis: 'Mardi' } });
    await waiting.book(NINE + 30 * MINUTE, { ...PAUL, answers: { depuis: 'Deux ans' } });
    expect(await standingAt(NINE)).toMatchObject([{ answers: { q1: 'Mardi' } }]);
    expect(await standingAt(NINE + 30 * MINUTE)).toMatchObject([{ answers: { q1: 'Deux ans' } }]);
    await query(pool, practice, `UPDATE link SET disclosure = 'initials'`);
    const later = NINE + 60 * MINUTE;
    await expect(
      waiting.book(later, { lastName: 'Petit', firstName: 'Zoé', answers: { depuis: 'Mardi' } }),
    ).rejects.toThrow('REMOTE_REFUSED');
    expect(await standingAt(later)).toEqual([]);
  });
});
