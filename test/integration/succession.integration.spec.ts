import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { newId, type LinkDetails, type RelinkOutcome } from '#application';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { controlOf, type Control, type Dumped } from '../contract/simulator-target.js';
import { linkAgenda } from '../support/hub.js';
import { overlaps, query } from '../support/practice.js';
import { ANNE, Waiting } from '../support/waiting.js';
import { HOUR, LinkLife, MINUTE, TEN } from './link-life.suite.js';

const AGENDA = 51;
const ACCOUNT = { login: 'hub', password: 'mot-de-passe-de-test' };
const HALF = 30 * MINUTE;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé' };

type Carried = Dumped & { readonly note: string };

/** The legacy agenda moves away; the successor is whichever connector the settings name. */
describe('an agenda that goes to another vendor for good', () => {
  const life = new LinkLife();
  let vendors: FastifyInstance;
  let legacy: Control;
  let waiting: Waiting;

  beforeEach(async () => {
    vendors = createMockVendors();
    const origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
    legacy = controlOf(origin, 'mon-docteur');
    await legacy('POST', 'seed', { accounts: [ACCOUNT], agendas: [{ id: AGENDA, name: 'Dr Martin' }] });
    const settings = { baseUrl: `${origin}/mon-docteur/ws`, successor: 'in-house' };
    life.linkId = await linkAgenda(life.hub, life.practice, {
      ...{ connectorId: 'mon-docteur', settings, secrets: ACCOUNT, remoteAgendaId: String(AGENDA) },
    });
    waiting = new Waiting(life.hub, life.pool, life.practice);
  });
  afterEach(() => vendors.close());

  async function his(start: number): Promise<void> {
    const entry = { start, end: start + HOUR, title: 'Privé' };
    await legacy('POST', 'edit', { action: 'create', agendaId: String(AGENDA), entry });
    expect(await life.pull('full')).toBe('done');
  }

  /** The old vendor carries everything over, with our notes or without, and closes the agenda. */
  async function migrate(
    named: boolean,
    alter: (entry: Carried) => Partial<Carried> | null = () => ({}),
  ): Promise<void> {
    const successor = { system: 'autre', agenda: life.remote.account.remoteAgendaId };
    const { entries } = (await legacy('POST', 'migrate', { agendaId: AGENDA, successor })) as { entries: Carried[] };
    for (const entry of entries) {
      const altered = alter(entry);
      if (altered === null) continue;
      const { start, end, title, note } = { ...entry, ...altered };
      const reference = /^unisson (.+)$/.exec(note)?.[1] ?? null;
      await life.remote.create({ start, end, title, reference: named ? reference : null });
    }
  }

  async function connect(): Promise<string> {
    const { connectorId, settings, secrets } = life.remote.account;
    const organizationId = life.practice.organization;
    const account = { connectorId, settings, secrets, organizationId, id: newId(), label: 'Nouvel éditeur' };
    const made = await life.hub.connections.create({ ...account, actor: life.actor() });
    if (made.outcome !== 'created') throw new Error(JSON.stringify(made));
    return made.connection.id;
  }

  async function cancel(id: string, waitMs = 5_000): Promise<void> {
    const reason = { code: 'CANCELLED', cause: 'patient' } as const;
    const request = { organizationId: life.practice.organization, id, version: null, reason, key: null };
    await life.hub.booking.cancel({ ...request, actor: life.actor(), waitMs });
  }

  const attempt = (connectionId: string, approved: number | null): Promise<RelinkOutcome> =>
    life.hub.succession.relink(life.ref(), { connectionId, approved, actor: life.actor() });
  /** Looks at what would happen, and approves it. */
  const relink = async (connectionId: string): Promise<RelinkOutcome> => {
    const seen = await attempt(connectionId, null);
    return seen.outcome === 'rehearsed' ? attempt(connectionId, seen.version) : seen;
  };

  const link = async (): Promise<LinkDetails> => (await life.hub.lifecycle.get(life.ref()))!;

  const ours = async (): Promise<[string, number][]> =>
    (await life.remote.entries())
      .flatMap(({ appointmentId, start }): [string, number][] =>
        appointmentId === null ? [] : [[appointmentId, start]],
      )
      .sort((a, b) => a[1] - b[1]);

  it('shows that the link is to be taken up again, and nothing is called deleted or promised meanwhile', async () => {
    const kept = await life.booked(TEN);
    await his(TEN + HOUR);
    await migrate(true);
    expect(await life.pull()).toBe('unreachable');
    const successor = { connectorId: 'in-house', agendaId: life.remote.account.remoteAgendaId };
    expect(await life.health()).toMatchObject({
      ...{ status: 'moved', light: 'red', successor },
      advice: { code: 'AGENDA_MOVED', fr: expect.stringContaining('à reprendre') },
    });
    expect(await link()).toMatchObject({ status: 'moved', successor });
    expect(await life.status(kept)).toBe('confirmed');
    expect(await life.book(TEN + 3 * HOUR, 300)).toMatchObject({ problem: 'agenda-unreachable' });
    expect(await life.book(TEN + HOUR, 300)).toMatchObject({ outcome: expect.not.stringMatching('booked') });
    await life.pull();
    expect((await life.events()).filter((event) => event.startsWith('link-moved'))).toHaveLength(1);
  });

  it('stays known as moved when the old vendor then shuts its doors', async () => {
    await migrate(true);
    await life.pull();
    await legacy('POST', 'seed', { accounts: [{ login: 'nobody', password: 'somebody-else' }], agendas: [] });
    expect(await life.pull()).toBe('unreachable');
    expect(await link()).toMatchObject({ status: 'moved', successor: { connectorId: 'in-house' } });
  });

  it.each([
    ['with our references', true],
    ['without them', false],
  ])(
    'is taken up again %s: nothing twice, nothing lost, bookings, holds and waiting list where they were',
    async (_how, named) => {
      await query(life.pool, life.practice, `UPDATE agenda SET when_unreachable = 'queue'`);
      const [first, second] = [await life.booked(TEN), await life.booked(TEN + HOUR)];
      const cancelled = await life.booked(TEN + 2 * HOUR);
      await his(TEN + 4 * HOUR);
      const entry = await waiting.enter(ANNE);
      const hold = newId();
      const asked = { organizationId: life.practice.organization, agendaId: life.practice.agenda };
      const held = { ...asked, id: hold, motifId: life.practice.motif, start: TEN + 6 * HOUR, holdSeconds: 600 };
      const holding = { ...held, patient: PATIENT, actor: life.actor(), key: null, waitMs: 5_000 };
      expect((await life.hub.booking.hold(holding)).status).toBe(201);
      await legacy('POST', 'freeze', { agendaId: AGENDA });
      // Asked there once: a second time comes after 300 ms, and is no longer certain not to have arrived.
      const queued = await life.book(TEN + 8 * HOUR, 100);
      expect(queued).toMatchObject({ outcome: 'booked', record: { status: 'pending' } });
      await migrate(named);
      // What was queued may still be on its way.
      while ((await life.pull()) === 'busy') await sleep(100);
      // Cancelled while nobody listens: it must go there, too.
      await cancel(cancelled, 100);
      expect(await life.status(cancelled)).toBe('compensating');

      const connectionId = await connect();
      const takenUp = { adopted: 3, byTime: named ? 0 : 3, movedThere: 0, toWrite: 1, foreign: 1 };
      expect(await attempt(connectionId, null)).toMatchObject({ outcome: 'rehearsed', takenUp });
      expect(await link()).toMatchObject({ status: 'moved' });
      expect(await relink(connectionId)).toMatchObject({ outcome: 'relinked', takenUp, link: { id: life.linkId } });
      // Before anything is read again: the practitioner's time is not free for a moment.
      expect(await query(life.pool, life.practice, `SELECT 1 FROM claim WHERE authority = 'remote'`)).toHaveLength(1);
      expect(await Promise.all([first, second].map(life.status))).toEqual(['confirmed', 'confirmed']);

      expect(await life.pull('full')).toBe('done');
      expect(await life.pull('full')).toBe('done');
      expect(await link()).toMatchObject({ status: 'active', phase: 'live', connectionId, successor: null });
      expect(await life.health()).toMatchObject({ light: 'green' });
      const later = queued.outcome === 'booked' ? queued.record.id : '';
      expect(await Promise.all([first, second, later, cancelled, hold].map(life.status))).toEqual([
        ...['confirmed', 'confirmed', 'confirmed', 'cancelled', 'held'],
      ]);
      const starts = (await life.remote.entries()).map(({ start }) => (start - TEN) / HOUR).sort((a, b) => a - b);
      expect(starts).toEqual([0, 1, 4, 8]);
      expect(await waiting.entry(entry)).toMatchObject({ state: 'waiting' });
      expect(await waiting.shown()).toEqual([]);
      expect(await life.book(TEN + 4 * HOUR)).toMatchObject({ problem: 'taken' });
      expect(await overlaps(life.pool, life.practice)).toBe(0);
      const events = await life.events();
      expect(events).toEqual(expect.arrayContaining(['link-created by collaborator', 'link-relinked by collaborator']));
      const history = await query(life.pool, life.practice, `SELECT type FROM event WHERE subject_id = $1`, [first]);
      expect(history.map(({ type }) => type as string)).not.toContain('appointment-cancelled');
      expect(history.map(({ type }) => type as string)).toContain('appointment-confirmed');
    },
  );

  it('what was recognised by its time alone is moved and cancelled there, also when an answer is lost', async () => {
    const [first, second] = [await life.booked(TEN), await life.booked(TEN + HOUR)];
    await migrate(false);
    await life.pull();
    expect(await relink(await connect())).toMatchObject({ outcome: 'relinked', takenUp: { byTime: 2 } });
    expect(await life.pull('full')).toBe('done');
    await life.remote.loseRequest('update');
    const { organization: organizationId } = life.practice;
    const { version } = (await life.hub.bookings.get({ organizationId, id: first }))!;
    const moving = { organizationId, id: first, start: TEN + 3 * HOUR, motifId: null, version, key: null };
    await life.hub.booking.move({ ...moving, actor: life.actor(), waitMs: 2_000 });
    await query(
      life.pool,
      life.practice,
      `UPDATE remote_write SET due_at = now(), last_sent_at = now() - interval '1 hour'`,
    );
    // Whoever carried the move out may still be at it.
    while ((await life.pull()) === 'busy') await sleep(100);
    expect(await life.status(first)).toBe('confirmed');
    await cancel(second);
    expect(await life.status(second)).toBe('cancelled');
    expect((await life.remote.entries()).map(({ start }) => start)).toEqual([TEN + 3 * HOUR]);
  });

  it('what the practitioner moved or added there already is followed; what he left out is written, not called confirmed', async () => {
    const [moved, lost] = [await life.booked(TEN), await life.booked(TEN + HOUR)];
    await migrate(true, ({ start, end }) => (start === TEN ? { start: start + 5 * HOUR, end: end + 5 * HOUR } : null));
    await life.pull();
    const takenUp = { adopted: 0, movedThere: 1, toWrite: 1, foreign: 0 };
    expect(await relink(await connect())).toMatchObject({ outcome: 'relinked', takenUp });
    expect(await life.status(lost)).toBe('pending');
    expect(await life.pull('full')).toBe('done');
    expect(await Promise.all([moved, lost].map(life.status))).toEqual(['confirmed', 'confirmed']);
    expect(await ours()).toEqual([
      [lost, TEN + HOUR],
      [moved, TEN + 5 * HOUR],
    ]);
  });

  it('is a conflict for a person where somebody else stands in its place there', async () => {
    const booked = await life.booked(TEN);
    await migrate(true, () => null);
    await life.remote.create({ start: TEN + 10 * MINUTE, end: TEN + 10 * MINUTE + HALF, title: 'Autre' });
    await life.pull();
    expect(await relink(await connect())).toMatchObject({ outcome: 'relinked', takenUp: { toWrite: 1, foreign: 1 } });
    await life.pull('full');
    expect(await life.status(booked)).toBe('conflict');
    expect(await ours()).toEqual([]);
  });

  it('is not taken up at another kind of backend, before it moved, twice, or where another link leads', async () => {
    const there = await connect();
    expect(await relink(there)).toEqual({ outcome: 'not-moved' });
    await migrate(true);
    await life.pull();
    const { id: here } = await oldConnection();
    expect(await relink(here)).toEqual({ outcome: 'other-kind' });
    expect(await relink(newId())).toEqual({ outcome: 'connection-unknown' });
    const request = { connectionId: there, remoteAgendaId: 'elsewhere', approved: null, actor: life.actor() };
    expect(await life.hub.succession.relink(life.ref(), request)).toEqual({ outcome: 'remote-agenda-unknown' });
    const both = await Promise.all([relink(there), relink(there)]);
    expect(both.filter(({ outcome }) => outcome === 'relinked')).toHaveLength(1);
    expect(await relink(there)).toEqual({ outcome: 'not-moved' });
    expect(await life.hub.lifecycle.removeConnection(await oldConnection(), life.actor())).toBe('removed');
  });

  it('is not taken up while the successor cannot be read, and nothing has changed then', async () => {
    const booked = await life.booked(TEN);
    await migrate(true);
    await life.pull();
    const there = await connect();
    await life.remote.failRead();
    expect(await relink(there)).toMatchObject({ outcome: 'failed', failure: { kind: 'unavailable' } });
    expect([await life.status(booked), (await link()).status]).toEqual(['confirmed', 'moved']);
    expect(await relink(there)).toMatchObject({ outcome: 'relinked' });
  });

  it('is not taken up as it was approved when something else is found there by then', async () => {
    await life.booked(TEN);
    await migrate(true);
    await life.pull();
    const there = await connect();
    const seen = await attempt(there, null);
    if (seen.outcome !== 'rehearsed') throw new Error(seen.outcome);
    expect(await attempt(there, null)).toMatchObject({ version: seen.version });
    await life.remote.create({ start: TEN + 4 * HOUR, end: TEN + 5 * HOUR, title: 'Autre' });
    expect(await attempt(there, seen.version)).toEqual({ outcome: 'stale' });
    expect(await link()).toMatchObject({ status: 'moved' });
    expect(await relink(there)).toMatchObject({ outcome: 'relinked', takenUp: { adopted: 1, foreign: 1 } });
  });

  async function oldConnection(): Promise<{ organizationId: string; id: string }> {
    const known = await life.hub.connections.list(life.practice.organization);
    const { id } = known.find(({ connectorId }) => connectorId === 'mon-docteur')!;
    return { organizationId: life.practice.organization, id };
  }
});
