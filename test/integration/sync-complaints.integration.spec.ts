import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Backend, Backends, newId, type Actor, type BookingAnswer } from '#application';
import type { PullItem, Session } from '#connector-sdk';
import { linkAgenda } from '../support/hub.js';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';

const HALF_HOUR = 1_800_000;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };

/** True: every object has the same id, whichever agenda it stands in. */
let shared = false;

class SharedIds extends Backends {
  constructor(private readonly real: Backends) {
    super();
  }

  async open(organizationId: string, connectionId: string): Promise<Backend> {
    const { session, capabilities } = await this.real.open(organizationId, connectionId);
    const rename = (item: PullItem): PullItem =>
      item.type === 'end'
        ? { ...item, complete: item.complete && { ...item.complete, present: new Set(['shared']) } }
        : {
            ...item,
            changes: item.changes.map((change) =>
              change.kind === 'upsert'
                ? { ...change, object: { ...change.object, remoteId: 'shared' } }
                : { ...change, remoteId: 'shared' },
            ),
          };
    const pull: Session['pull'] = async function* (request, options) {
      for await (const item of session.pull(request, options)) yield shared ? rename(item) : item;
    };
    return { capabilities, session: { ...session, pull } };
  }
}

describe('synchronisation', () => {
  let at: InHouseHub;

  beforeAll(async () => {
    at = await InHouseHub.start({ around: { backends: (real) => new SharedIds(real) } });
  });
  afterAll(() => at.stop());
  beforeEach(async () => {
    shared = false;
    at.alarm.rings = false;
    await at.link();
    await at.hub.housekeeping.extendOpenings(at.ids.organizationId, at.practice.agenda);
  });

  const actor = (): Extract<Actor, { kind: 'collaborator' }> => {
    return { kind: 'collaborator', id: at.practice.collaborator, key: newId() };
  };
  const book = (n: number, waitMs = 5_000): Promise<BookingAnswer> =>
    at.hub.booking.book({
      organizationId: at.ids.organizationId,
      id: newId(),
      agendaId: at.practice.agenda,
      motifId: at.practice.motif,
      start: ownTime(2).start + n * HALF_HOUR,
      patient: PATIENT,
      actor: actor(),
      key: null,
      waitMs,
    });
  const stands = async (id: string) => (await at.hub.bookings.get({ organizationId: at.ids.organizationId, id }))!;
  /** What a worker does while seconds go by on the database's clock: carries out what is due, for as long as `settled` says no. */
  const work = async (settled: () => Promise<boolean>, seconds: number): Promise<void> => {
    for (let passed = 0; !(await settled()) && passed < seconds; passed += 1) {
      await at.sql(`UPDATE connection SET blocked_until = blocked_until - interval '1 second'`);
      await at.sql(
        `UPDATE remote_write SET due_at = due_at - interval '1 second', last_sent_at = last_sent_at - interval '1 second'`,
      );
      for (const lane of await at.hub.due.lanes(500)) await at.hub.lanes.run({ ...lane, sync: 'none' });
    }
  };

  it('complaint 9: moved or deleted in the practitioner’s tool, an appointment follows, and the log says who did it', async () => {
    const [moved, gone] = [await book(0), await book(2)];
    const entry = (start: number) => at.entries().then((all) => all.find((one) => one.start === start)!.id);
    const to = ownTime(5).start;
    await at.edit({ action: 'move', id: await entry(moved.record!.start), start: to, end: to + HALF_HOUR });
    await at.edit({ action: 'delete', id: await entry(gone.record!.start) });
    await at.pull();
    expect(await stands(moved.record!.id)).toMatchObject({ status: 'confirmed', start: to });
    expect(await stands(gone.record!.id)).toMatchObject({
      status: 'cancelled',
      reason: { code: 'PRACTITIONER_CANCELLED' },
    });
    const told = await at.sql<{ type: string; actor: Actor }>(
      `SELECT type, actor FROM event WHERE subject_id = ANY ($1) AND actor->>'kind' = 'practitioner' ORDER BY type`,
      [[moved.record!.id, gone.record!.id]],
    );
    expect(told.map(({ type }) => type)).toEqual(['appointment-cancelled', 'appointment-moved']);
  });

  it('complaint 16: the same remote id in two practitioners’ agendas blocks both', async () => {
    shared = true;
    const meeting = ownTime(3);
    await at.edit({ action: 'create', entry: meeting });
    const second = randomUUID();
    await at.sql(
      `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, capacity, master, opened_until)
       SELECT organization_id, $1, practitioner_id, location_id, 'Second', 1, 'hub', opened_until FROM agenda WHERE id = $2`,
      [second, at.practice.agenda],
    );
    await at.pull();
    const remoteAgendaId = `agenda-${second}`;
    const agenda = { id: remoteAgendaId, name: 'Dr Leroy', zone: 'Europe/Paris', apiKey: at.account.secrets.apiKey };
    await at.control('POST', 'seed', { agendas: [{ ...agenda, entries: [meeting] }] });
    await linkAgenda(at.hub, { ...at.practice, agenda: second }, { ...at.account, remoteAgendaId });
    const taken = await at.sql<{ agenda_id: string }>(
      `SELECT agenda_id FROM claim WHERE authority = 'remote' AND lower(during) = to_timestamp($1::float8 / 1000) ORDER BY agenda_id`,
      [meeting.start],
    );
    expect(taken.map(({ agenda_id }) => agenda_id)).toEqual([second, at.practice.agenda].sort());
  });

  it('complaint 25: a storm of 429 loses no write, and a cancelled appointment frees its place there', async () => {
    const booked = [await book(0), await book(2)];
    await at.fault({ kind: 'rate-limit', probability: 0.5, times: 8, retryAfterSeconds: 1, route: '/entries' });
    for (let n = 4; n < 10; n += 2) booked.push(await book(n, 50));
    const accepted = booked.filter(({ outcome }) => outcome === 'booked').map(({ record }) => record!);
    const cancelled = accepted[0]!;
    await at.hub.booking.cancel({
      organizationId: at.ids.organizationId,
      id: cancelled.id,
      actor: actor(),
      waitMs: 50,
      version: null,
      key: null,
      reason: { code: 'CANCELLED' },
    });
    const settled = async () => {
      const states = await Promise.all(accepted.map(async ({ id }) => (await stands(id)).status));
      return states.every((status) => status === 'confirmed' || status === 'cancelled');
    };
    await work(settled, 120);
    expect((await stands(cancelled.id)).status).toBe('cancelled');
    await at.control('DELETE', 'faults');
    const there = (await at.entries()).map(({ start }) => start).sort();
    const wanted = accepted.slice(1).map(({ start }) => start);
    expect(there).toEqual(wanted.sort());
  }, 60_000);
});
