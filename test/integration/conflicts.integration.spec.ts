import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AppointmentRecord, ConflictRecord, Resolution } from '#application';
import type { ConflictPolicy } from '#domain';
import { HOUR, Loop, MINUTE, TEN } from '../support/loop.js';

const ELEVEN = TEN + HOUR;
const NOON = TEN + 2 * HOUR;
const HALF = 30 * MINUTE;

let loop: Loop;

beforeAll(async () => {
  loop = await Loop.start();
});
afterAll(() => loop.stop());

/** Booked at ten; the hub moves it to eleven while nobody writes, and he does `his` in his own tool, before or after. */
async function disagree(
  policy: ConflictPolicy,
  his: 'moves' | 'deletes',
  order: 'he-last' | 'hub-last' = 'he-last',
): Promise<string> {
  await loop.open(policy);
  const { appointment, entry } = await loop.booked(TEN);
  const act = (): Promise<void> =>
    his === 'moves' ? loop.remote.move(entry, NOON, NOON + HALF) : loop.remote.remove(entry);
  if (order === 'hub-last') await act();
  // Clocks of two machines differ; here they are one, and a millisecond is enough.
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await loop.move(appointment, ELEVEN)).toMatchObject({ status: 202, record: { status: 'pending' } });
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (order === 'he-last') await act();
  await settle();
  return appointment.id;
}

async function settle(): Promise<void> {
  for (let cycle = 0; cycle < 4; cycle += 1) expect(await loop.pull()).toBe('done');
}

async function theConflict(): Promise<ConflictRecord> {
  const [conflict, ...others] = await loop.conflicts();
  expect(others).toEqual([]);
  return conflict!;
}

async function resolve(conflict: ConflictRecord, resolution: Resolution): Promise<AppointmentRecord> {
  const { organization: organizationId } = loop.practice;
  const request = { version: conflict.version, resolution, actor: loop.actor(), waitMs: 5000 };
  const result = await loop.hub.inbox.resolve({ organizationId, id: conflict.id }, request);
  if (result.outcome !== 'resolved') throw new Error(result.outcome);
  await settle();
  return loop.stands(result.record.id);
}

describe('both moved it', () => {
  it.each<[ConflictPolicy, 'he-last' | 'hub-last', number]>([
    ['practitioner-wins', 'hub-last', NOON],
    ['hub-wins', 'he-last', ELEVEN],
    ['newest-wins', 'he-last', NOON],
    ['newest-wins', 'hub-last', ELEVEN],
  ])('%s, %s: both sides have it where the policy says, once', async (policy, order, start) => {
    const id = await disagree(policy, 'moves', order);
    expect(await loop.stands(id)).toMatchObject({ status: 'confirmed', start });
    expect(await loop.there()).toEqual([[start, id]]);
    expect(await loop.conflicts(null)).toEqual([]);
  });

  it('ask: nothing is written, both places are kept, and the conflict says who did what', async () => {
    const id = await disagree('ask', 'moves');
    const conflict = await theConflict();
    expect(conflict).toMatchObject({
      appointmentId: id,
      reason: 'both-moved',
      base: { start: TEN, end: TEN + HALF },
      ours: { start: ELEVEN, actor: { kind: 'collaborator', id: loop.practice.collaborator }, at: expect.any(Number) },
      theirs: { start: NOON, end: NOON + HALF, actor: { kind: 'practitioner' }, at: expect.any(Number), gone: false },
      state: 'open',
      writable: true,
    });
    expect(JSON.stringify(conflict)).not.toMatch(/Durand|Zoé/i);
    expect(await loop.there()).toEqual([[NOON, id]]);
    for (const start of [ELEVEN, NOON]) expect(await loop.book(start)).toMatchObject({ status: 409, code: 'BUSY' });
    expect(await loop.book(TEN)).toMatchObject({ status: 201 });
    expect(await loop.events(conflict.id)).toEqual(['conflict-opened by system']);
  });

  it.each<[Resolution, number, number, string[]]>([
    [{ choice: 'keep-ours' }, ELEVEN, HALF, []],
    [{ choice: 'keep-theirs' }, NOON, HALF, ['moved']],
    [{ choice: 'merge', start: 'theirs', duration: 'ours' }, NOON, HALF, ['moved']],
  ])('ask, then $choice: both sides follow the decision', async (resolution, start, length, calls) => {
    const id = await disagree('ask', 'moves');
    const conflict = await theConflict();
    expect(await resolve(conflict, resolution)).toMatchObject({ status: 'confirmed', start, end: start + length });
    expect(await loop.there()).toEqual([[start, id]]);
    expect(await loop.callbacks()).toEqual(calls);
    expect(await loop.conflicts('resolved')).toMatchObject([
      { id: conflict.id, resolution: resolution.choice, resolvedBy: { kind: 'collaborator' } },
    ]);
    expect(await loop.events(conflict.id)).toEqual(['conflict-opened by system', 'conflict-resolved by collaborator']);
  });

  it('ask, then merge of his start and our length: a third version is written', async () => {
    await loop.open('ask');
    const { appointment, entry } = await loop.booked(TEN);
    await loop.move(appointment, ELEVEN);
    await loop.remote.move(entry, NOON, NOON + 15 * MINUTE);
    await settle();
    const merged = await resolve(await theConflict(), { choice: 'merge', start: 'theirs', duration: 'ours' });
    expect(merged).toMatchObject({ status: 'confirmed', start: NOON, end: NOON + HALF });
    expect((await loop.remote.entries()).map(({ start, end }) => [start, end])).toEqual([[NOON, NOON + HALF]]);
  });

  it('ask, then cancel: removed there, and somebody telephones', async () => {
    await disagree('ask', 'moves');
    expect(await resolve(await theConflict(), { choice: 'cancel' })).toMatchObject({ status: 'cancelled' });
    expect(await loop.there()).toEqual([]);
    expect(await loop.callbacks()).toEqual(['cancelled']);
    expect(await loop.book(ELEVEN)).toMatchObject({ status: 201 });
  });

  it('ask, and he moves it again: the same conflict, brought up to date; a decision on the old one is refused', async () => {
    const id = await disagree('ask', 'moves');
    const before = await theConflict();
    const [entry] = await loop.remote.entries();
    await loop.remote.move(entry!.id, NOON + HOUR, NOON + HOUR + HALF);
    await settle();
    const now = await theConflict();
    expect(now).toMatchObject({ id: before.id, base: { start: TEN }, theirs: { start: NOON + HOUR } });
    await expect(resolve(before, { choice: 'keep-ours' })).rejects.toThrow('stale');
    await loop.remote.move(entry!.id, ELEVEN, ELEVEN + HALF);
    await settle();
    expect(await loop.stands(id)).toMatchObject({ status: 'confirmed', start: ELEVEN });
    expect(await loop.conflicts('resolved')).toMatchObject([{ id: before.id, resolution: 'settled' }]);
    await expect(resolve(now, { choice: 'cancel' })).rejects.toThrow('stale');
  });
});

describe('he deleted what the hub was moving', () => {
  it('practitioner-wins: cancelled; hub-wins: made anew, once; ask: a conflict', async () => {
    const cancelled = await disagree('practitioner-wins', 'deletes');
    expect(await loop.stands(cancelled)).toMatchObject({ status: 'cancelled' });
    expect([await loop.there(), await loop.callbacks()]).toEqual([[], ['cancelled']]);
    const anew = await disagree('hub-wins', 'deletes');
    expect(await loop.stands(anew)).toMatchObject({ status: 'confirmed', start: ELEVEN });
    expect(await loop.there()).toEqual([[ELEVEN, anew]]);
    for (const policy of ['newest-wins', 'ask'] as const) {
      await disagree(policy, 'deletes');
      expect(await theConflict()).toMatchObject({ reason: 'deleted-there', theirs: { gone: true } });
      expect(await loop.there()).toEqual([]);
    }
  });

  it('keep-ours makes it anew, keep-theirs calls it off', async () => {
    const anew = await disagree('ask', 'deletes');
    expect(await resolve(await theConflict(), { choice: 'keep-ours' })).toMatchObject({ status: 'confirmed' });
    expect(await loop.there()).toEqual([[ELEVEN, anew]]);
    await disagree('ask', 'deletes');
    expect(await resolve(await theConflict(), { choice: 'keep-theirs' })).toMatchObject({ status: 'cancelled' });
    expect([await loop.there(), await loop.callbacks()]).toEqual([[], ['cancelled']]);
  });
});

describe('a write-back that cannot be', () => {
  it('hub-wins: what he moved onto its old place again is not taken from the patient', async () => {
    await loop.open('hub-wins');
    const { appointment, entry } = await loop.booked(TEN);
    await loop.remote.move(entry, ELEVEN, ELEVEN + HALF);
    await loop.remote.create({ start: TEN, end: TEN + HALF, title: 'Réunion' });
    await settle();
    expect(await theConflict()).toMatchObject({
      reason: 'both-moved',
      ours: { start: TEN },
      theirs: { start: ELEVEN },
    });
    await expect(resolve(await theConflict(), { choice: 'keep-ours' })).rejects.toThrow('taken');
    expect(await resolve(await theConflict(), { choice: 'keep-theirs' })).toMatchObject({ start: ELEVEN });
    expect(await loop.there()).toEqual([
      [TEN, null],
      [ELEVEN, appointment.id],
    ]);
  });
});

describe('a double-booking on the practitioner’s side', () => {
  it('scenario 10: what is not confirmed yet gives way, refused with three alternatives', async () => {
    await loop.open();
    await loop.remote.create({ start: TEN, end: TEN + HALF, title: 'Patient en ligne' });
    const answer = await loop.book(TEN);
    expect(answer).toMatchObject({ outcome: 'refused', status: 409, problem: 'taken' });
    expect(answer.outcome === 'refused' && answer.alternatives).toHaveLength(3);
    expect(await loop.conflicts(null)).toEqual([]);
  });

  it('the link was down: the booking that waits gives way when it is back, and nobody was promised anything', async () => {
    await loop.open();
    const answer = await loop.book(TEN, 0);
    expect(answer).toMatchObject({ status: 202, record: { status: 'pending' } });
    await loop.remote.create({ start: TEN, end: TEN + HALF, title: 'Patient en ligne' });
    await settle();
    expect(await loop.stands(answer.record!.id)).toMatchObject({ status: 'refused' });
    expect(await loop.there()).toEqual([[TEN, null]]);
    expect([await loop.conflicts(null), await loop.callbacks()]).toEqual([[], []]);
  });

  async function doubleBooked(): Promise<string> {
    await loop.open();
    const { appointment } = await loop.booked(TEN);
    await loop.remote.create({ start: TEN, end: TEN + HOUR, title: 'Réunion' });
    await settle();
    return appointment.id;
  }

  it('complaint 5: both stand: a conflict says so, nothing is removed, and nothing more is confirmed there', async () => {
    const id = await doubleBooked();
    expect(await loop.stands(id)).toMatchObject({ status: 'conflict', reason: { code: 'PRACTITIONER_BUSY' } });
    expect(await theConflict()).toMatchObject({
      appointmentId: id,
      reason: 'double-booked',
      ours: { start: TEN },
      theirs: { start: TEN, end: TEN + HOUR, actor: { kind: 'practitioner' } },
    });
    expect(await loop.there()).toHaveLength(2);
    expect(await loop.book(TEN)).toMatchObject({ status: 409 });
  });

  it('he removes his own event: settled by itself', async () => {
    const id = await doubleBooked();
    const his = (await loop.remote.entries()).find(({ appointmentId }) => appointmentId === null);
    await loop.remote.remove(his!.id);
    await settle();
    expect(await loop.stands(id)).toMatchObject({ status: 'confirmed' });
    expect(await loop.conflicts(null)).toMatchObject([{ state: 'resolved', resolution: 'settled' }]);
  });

  it('keep-ours: both stay, the appointment is overbooked, and the question is not put again', async () => {
    const id = await doubleBooked();
    const kept = await resolve(await theConflict(), { choice: 'keep-ours' });
    expect(kept).toMatchObject({ id, status: 'confirmed', overbooked: true });
    await loop.pull('full');
    expect([await loop.conflicts(), await loop.there()]).toMatchObject([[], [{}, {}]]);
  });

  it.each(['keep-theirs', 'cancel'] as const)(
    '%s: ours is removed there, and the patient is called back',
    async (choice) => {
      await doubleBooked();
      expect(await resolve(await theConflict(), { choice })).toMatchObject({ status: 'cancelled' });
      expect(await loop.there()).toEqual([[TEN, null]]);
      expect(await loop.callbacks()).toEqual(['cancelled']);
    },
  );

  it('merge is not possible, and says so', async () => {
    await doubleBooked();
    await expect(resolve(await theConflict(), { choice: 'merge', start: 'theirs' })).rejects.toThrow('impossible');
    expect(await loop.conflicts()).toHaveLength(1);
  });
});
