import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, type AppointmentRecord, type BookingAnswer } from '#application';
import { linkAgenda } from '../support/hub.js';
import { HOUR, Loop, MINUTE, TEN } from '../support/loop.js';
import { openInHouse, type InHouseAgenda, type RemoteEntry } from '../support/remotes.js';

const HALF = 30 * MINUTE;

let loop: Loop;
let second: string;
let other: InHouseAgenda;

beforeAll(async () => {
  loop = await Loop.start();
});
afterAll(async () => {
  await other.close();
  await loop.stop();
});
/** A second agenda of the practice, at a simulator of its own. */
beforeEach(async () => {
  await (other as InHouseAgenda | undefined)?.close();
  await loop.open();
  second = randomUUID();
  await loop.sql(
    `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, capacity, master, opened_until)
     SELECT organization_id, $1, practitioner_id, location_id, 'Second', 1, 'hub', opened_until FROM agenda WHERE id = $2`,
    [second, loop.practice.agenda],
  );
  await loop.sql('INSERT INTO agenda_motif (organization_id, agenda_id, motif_id) VALUES ($1, $2, $3)', [
    loop.practice.organization,
    second,
    loop.practice.motif,
  ]);
  await loop.sql(
    `INSERT INTO opening (organization_id, id, agenda_id, rrule, starts_local, duration_minutes, time_zone)
     SELECT organization_id, gen_random_uuid(), $1, rrule, starts_local, duration_minutes, time_zone FROM opening WHERE agenda_id = $2`,
    [second, loop.practice.agenda],
  );
  await loop.hub.housekeeping.extendOpenings(loop.practice.organization, second);
  other = await openInHouse();
  await linkAgenda(loop.hub, { ...loop.practice, agenda: second }, other.account);
});

function reassign(
  { id, version }: AppointmentRecord,
  to: { waitMs?: number; start?: number } = {},
): Promise<BookingAnswer> {
  const { organization: organizationId } = loop.practice;
  const place = { agendaId: second, start: to.start ?? null, motifId: null, successorId: newId() };
  return loop.hub.booking.reassign({
    ...{ organizationId, id, version, actor: loop.actor(), waitMs: to.waitMs ?? 5000 },
    ...place,
  });
}

/** What is due on either side, by whoever comes by. */
async function settle(): Promise<void> {
  for (let cycle = 0; cycle < 3; cycle += 1) {
    await loop.pull();
    await loop.hub.lanes.run({ organizationId: loop.practice.organization, agendaId: second, sync: 'delta' });
  }
}

const thereToo = async (): Promise<[number, string | null][]> =>
  (await other.entries()).map(({ start, appointmentId }) => [start, appointmentId]);

describe('reassigning to another agenda', () => {
  it('books there first, then removes here; the two know of one another', async () => {
    const { appointment } = await loop.booked(TEN);
    const answer = await reassign(appointment);
    expect(answer).toMatchObject({ status: 200, record: { status: 'confirmed', agendaId: second, start: TEN } });
    const { id } = answer.record!;
    expect(answer.record).toMatchObject({ replaces: appointment.id });
    await settle();
    expect(await loop.stands(appointment.id)).toMatchObject({
      status: 'cancelled',
      replacedBy: id,
      reason: { code: 'REASSIGNED' },
    });
    expect([await loop.there(), await thereToo()]).toEqual([[], [[TEN, id]]]);
    expect(await loop.callbacks()).toEqual([]);
    const patients = await loop.hub.bookings.patients(loop.practice.organization, [id]);
    expect(patients.get(id)).toMatchObject({ lastName: 'Durand' });
  });

  it('complaint 13: while the create is in flight: exactly one remote event, on the second', async () => {
    await loop.remote.loseAnswer('create');
    const booked = await loop.book(TEN, 0);
    // The create is carried out, and nobody hears of it.
    await loop.pull('none');
    const now = await loop.stands(booked.record!.id);
    expect(['pending', 'unknown']).toContain(now.status);
    const answer = await reassign(now);
    await settle();
    expect(await loop.stands(answer.record!.id)).toMatchObject({ status: 'confirmed' });
    await loop.timePasses();
    await settle();
    expect(await loop.stands(now.id)).toMatchObject({ status: 'cancelled', reason: { code: 'REASSIGNED' } });
    expect([await loop.there(), await thereToo()]).toEqual([[], [[TEN, answer.record!.id]]]);
  });

  it('nothing was ever sent: exactly one remote event, on the second', async () => {
    const booked = await loop.book(TEN, 0);
    const answer = await reassign(booked.record!, { waitMs: 0 });
    expect(answer).toMatchObject({ status: 202 });
    await settle();
    expect([await loop.there(), await thereToo()]).toEqual([[], [[TEN, answer.record!.id]]]);
  });

  it('scenario 16: the second is full, here or only there: the old place is kept, nothing is lost', async () => {
    const { appointment } = await loop.booked(TEN);
    await other.create({ start: TEN, end: TEN + HALF, title: 'Patient en ligne' });
    const refused = await reassign(appointment);
    expect(refused).toMatchObject({ outcome: 'refused', status: 409, problem: 'taken' });
    await settle();
    expect(await reassign(appointment)).toMatchObject({ outcome: 'refused', status: 409, problem: 'taken' });
    expect(await loop.stands(appointment.id)).toMatchObject({ status: 'confirmed', start: TEN });
    expect([await loop.there(), await thereToo()]).toEqual([[[TEN, appointment.id]], [[TEN, null]]]);
    expect(await loop.events(appointment.id)).toContain('appointment-reassign-refused by system');
    expect(await reassign(appointment, { start: TEN + HOUR })).toMatchObject({ status: 200 });
  });

  it('asked twice, one is refused; called off meanwhile, nothing stands anywhere', async () => {
    const { appointment } = await loop.booked(TEN);
    expect(await reassign(appointment, { waitMs: 0 })).toMatchObject({ status: 202 });
    expect(await reassign(appointment, { waitMs: 0 })).toMatchObject({ problem: 'write-in-progress' });
    await loop.cancel(appointment.id);
    await settle();
    expect([await loop.there(), await thereToo()]).toEqual([[], []]);
    expect((await loop.sql(`SELECT 1 FROM claim WHERE authority = 'hub'`)).length).toBe(0);
  });
});

/** An entry as a copying tool takes it along. */
function withReference({ start, end, title, appointmentId }: RemoteEntry): Parameters<InHouseAgenda['create']>[0] {
  return { start, end, title, reference: appointmentId === null ? null : `${appointmentId}-1` };
}

describe('a chain of agendas', () => {
  it('complaint 12: hub to A, copied to B, read by the hub: one change, one write, quiet after three cycles', async () => {
    const copies = new Map<string, string>();
    /** Somebody else's tool, that keeps B like A with everything in it. */
    const copy = async (): Promise<number> => {
      let writes = 0;
      const [from, to] = [await loop.remote.entries(), await other.entries()];
      for (const entry of from) {
        const mine = to.find(({ id }) => id === copies.get(entry.id));
        if (mine?.start === entry.start && mine.end === entry.end) continue;
        writes += 1;
        if (mine) await other.move(mine.id, entry.start, entry.end);
        else copies.set(entry.id, await other.create(withReference(entry)));
      }
      for (const [original, mine] of copies) {
        if (from.some(({ id }) => id === original)) continue;
        copies.delete(original);
        writes += 1;
        await other.remove(mine);
      }
      return writes;
    };
    const changes = async (): Promise<number[]> => [await loop.remote.changes(), await other.changes()];
    const before = await changes();
    const { appointment } = await loop.booked(TEN);
    expect(await copy()).toBe(1);
    for (let cycle = 0; cycle < 3; cycle += 1) await settle();
    const quiet = await changes();
    expect(quiet.map((now, side) => now - before[side]!)).toEqual([1, 1]);
    for (let cycle = 0; cycle < 3; cycle += 1) {
      await settle();
      expect(await copy()).toBe(0);
    }
    expect(await changes()).toEqual(quiet);
    expect([await loop.there(), (await thereToo()).length]).toEqual([[[TEN, appointment.id]], 1]);
    expect(await loop.stands(appointment.id)).toMatchObject({ status: 'confirmed', version: appointment.version });
    expect(await loop.conflicts(null)).toEqual([]);
    // The same person is busy in his other agenda, too.
    const { organization: organizationId, motif: motifId } = loop.practice;
    const both = {
      organizationId,
      id: newId(),
      agendaId: second,
      motifId,
      start: TEN,
      patient: { lastName: 'A', firstName: 'B' },
    };
    expect(await loop.hub.booking.book({ ...both, actor: loop.actor(), key: null, waitMs: 2000 })).toMatchObject({
      status: 409,
    });
    await loop.move(await loop.stands(appointment.id), TEN + HOUR, 5000);
    expect(await copy()).toBe(1);
    await settle();
    expect((await thereToo()).map(([start]) => start)).toEqual([TEN + HOUR]);
    await loop.cancel(appointment.id);
    expect(await copy()).toBe(1);
    await settle();
    expect([await loop.there(), await thereToo()]).toEqual([[], []]);
    expect(await loop.sql('SELECT 1 FROM claim')).toEqual([]);
  });

  it('complaint 12: a copy that comes back beside its original is no conflict with it, and keeps the time once alone', async () => {
    const { appointment } = await loop.booked(TEN);
    const copy = { start: TEN, end: TEN + HALF, title: 'DURAND Zoé', reference: `${appointment.id}-1` };
    await loop.remote.create(copy);
    await settle();
    expect(await loop.stands(appointment.id)).toMatchObject({ status: 'confirmed' });
    expect(await loop.conflicts(null)).toEqual([]);
    expect(await loop.move(await loop.stands(appointment.id), TEN + HOUR, 5000)).toMatchObject({ status: 200 });
    await settle();
    expect(await loop.book(TEN)).toMatchObject({ status: 409 });
    expect(await loop.stands(appointment.id)).toMatchObject({ status: 'confirmed', start: TEN + HOUR });
  });
});
