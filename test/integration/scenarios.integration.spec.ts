import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, type BookingAnswer } from '#application';
import { HOUR, Loop, MINUTE, TEN } from '../support/loop.js';

const HALF = 30 * MINUTE;
/** Longer than the patience of the hub in these tests with one call. */
const LATE_MS = 4_000;

/** An answer in the vendor's words that is about some other entry. */
const named = (id: string): string =>
  JSON.stringify({ id, start: TEN + 6 * HOUR, end: TEN + 7 * HOUR, title: 'Privé', reference: null, version: 1 });

let loop: Loop;

beforeAll(async () => {
  loop = await Loop.start();
});
afterAll(() => loop.stop());
beforeEach(() => loop.open());

const fault = (body: object): Promise<unknown> => loop.remote.control('faults', { faults: [body] });

/** Lets the hub work until nothing is open any more, as a worker would; the whole of a minute at most. */
async function settled(ids: readonly string[]): Promise<string[]> {
  for (const end = Date.now() + 60_000; ;) {
    await loop.pull();
    const records = await Promise.all(ids.map((id) => loop.stands(id)));
    const open = records.some(({ status }) => ['pending', 'unknown', 'compensating'].includes(status));
    if (!open || Date.now() > end) return records.map(({ status }) => status);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** The vendor's own log: what it refused until when, and what came before that time all the same. */
async function tooSoon(retryAfterSeconds: number): Promise<{ refused: number; calls: string[] }> {
  const { recent } = (await loop.remote.control('requests', null, 'GET')) as {
    recent: { method: string; url: string; status: number; came: number; answered: number }[];
  };
  const refusals = recent.filter(({ status }) => status === 429 || status === 503);
  const calls = recent.filter(({ came }) =>
    refusals.some(({ answered }) => came > answered && came < answered + retryAfterSeconds * 1000),
  );
  return { refused: refusals.length, calls: calls.map(({ method, url }) => `${method} ${url}`) };
}

/** Six bookings while something goes wrong with every third: each stands once, or was never said to. */
async function sixBookings(waitMs = 5000): Promise<void> {
  const answers = [];
  for (let slot = 0; slot < 6; slot += 1) {
    let answer = await loop.book(TEN + slot * HALF, waitMs);
    // Left in peace just now: nothing was booked, and whoever asks is told when to ask again.
    for (let again = 0; again < 20 && answer.status === 503; again += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      answer = await loop.book(TEN + slot * HALF, waitMs);
    }
    answers.push(answer);
  }
  expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 202)).toEqual([]);
  const ids = answers.map(({ record }) => record!.id);
  expect(await settled(ids)).toEqual(ids.map(() => 'confirmed'));
  const ours = (await loop.there()).filter(([, id]) => id !== null);
  expect(ours).toEqual(ids.map((id, slot) => [TEN + slot * HALF, id]));
}

describe('what goes wrong on the way to the vendor', () => {
  it.each<[string, object]>([
    ['scenario 2: the answer is lost after the commit, the line hangs', { kind: 'hang-after-commit', nth: 3 }],
    [
      'scenario 3: the answer is lost after the commit, the line is reset (RST)',
      { kind: 'reset', after: true, nth: 3 },
    ],
    [
      'scenario 3: the answer is lost after the commit, the line is closed (FIN)',
      { kind: 'close', after: true, nth: 3 },
    ],
    ['scenario 4: the answer is torn after one byte', { kind: 'torn', bytes: 1, after: true, nth: 3 }],
    ['scenario 4: the answer is torn after fifty bytes', { kind: 'torn', bytes: 50, after: true, nth: 3 }],
    ['scenario 4: the answer is torn before its last byte', { kind: 'torn', bytes: -1, after: true, nth: 3 }],
    ['scenario 5: the request is torn, the vendor has nothing', { kind: 'reset', nth: 3 }],
    ['scenario 6: the request lands after our timeout', { kind: 'latency', ms: LATE_MS, nth: 3 }],
    ['scenario 7: the vendor answers 500', { kind: 'error', status: 500, nth: 3 }],
    ['scenario 7: the vendor answers 502', { kind: 'error', status: 502, nth: 3 }],
    ['scenario 7: the vendor answers 503', { kind: 'error', status: 503, nth: 3 }],
    ['scenario 7: the vendor answers 504 after the commit', { kind: 'error', status: 504, after: true, nth: 3 }],
    ['scenario 8: the vendor answers 200 with a page', { kind: 'html', nth: 3 }],
    ['scenario 8: the vendor answers 200 with nothing', { kind: 'body', body: '', nth: 3 }],
    ['scenario 8: the vendor answers 200 with other JSON', { kind: 'body', body: '{"ok":true}', nth: 3 }],
    [
      'scenario 8: the vendor answers 200 with an id that it does not know',
      { kind: 'body', body: named('none'), nth: 3 },
    ],
  ])(
    '%s',
    async (_what, given) => {
      await fault({ method: 'POST', route: '/entries', ...given });
      await sixBookings();
    },
    120_000,
  );

  it.each<[string, object]>([
    ['429 with Retry-After to a write', { kind: 'rate-limit', method: 'POST', route: '/entries', nth: 3 }],
    ['503 with Retry-After to a write', { kind: 'error', status: 503, method: 'POST', route: '/entries', nth: 3 }],
    ['429 with Retry-After to a read', { kind: 'rate-limit', method: 'GET', nth: 4 }],
    ['503 with Retry-After to a read', { kind: 'error', status: 503, method: 'GET', nth: 4 }],
  ])(
    'scenario 7: the vendor answers %s, and its log shows no call before that time',
    async (_what, given) => {
      await fault({ ...given, retryAfterSeconds: 1, times: 2 });
      const reading = setInterval(() => void loop.pull().catch(() => undefined), 100);
      try {
        await sixBookings(20_000);
      } finally {
        clearInterval(reading);
      }
      const { refused, calls } = await tooSoon(1);
      expect(refused).toBe(2);
      expect(calls).toEqual([]);
    },
    120_000,
  );

  it.each([false, true])(
    'scenario 8: the vendor answers 200 with the id of another entry (carried out: %s)',
    async (after) => {
      const his = await loop.remote.create({ start: TEN + 6 * HOUR, end: TEN + 7 * HOUR, title: 'Privé' });
      await fault({ method: 'POST', route: '/entries', kind: 'body', body: named(his), nth: 3, after });
      await sixBookings();
      expect((await loop.remote.entries()).find(({ id }) => id === his)).toMatchObject({ start: TEN + 6 * HOUR });
    },
    120_000,
  );

  it('scenario 15: cancelled while the create is in flight, while its outcome is unknown, and twice', async () => {
    const before = await loop.book(TEN, 0);
    await loop.cancel(before.record!.id, 0);
    await fault({ kind: 'drop-after-commit', method: 'POST', route: '/entries', times: 1 });
    const during = await loop.book(TEN + HOUR, 0);
    const running = loop.pull('none');
    await loop.cancel(during.record!.id, 0);
    await running;
    await fault({ kind: 'hang-after-commit', method: 'POST', route: '/entries', times: 1 });
    const unknown = await loop.book(TEN + 2 * HOUR, 0);
    await loop.pull('none');
    await Promise.all([loop.cancel(unknown.record!.id, 0), loop.cancel(unknown.record!.id, 0)]);
    await loop.pull('none');
    expect(await loop.stands(unknown.record!.id)).toMatchObject({ status: 'compensating' });
    await loop.timePasses();
    const ids = [before, during, unknown].map(({ record }) => record!.id);
    expect(await settled(ids)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(await loop.there()).toEqual([]);
    expect(await loop.book(TEN)).toMatchObject({ status: 201 });
  }, 120_000);
});

describe('complaint 7: the same request again', () => {
  it('after an answer that was lost: the same appointment, once; with another body: refused', async () => {
    const { organization: organizationId, agenda: agendaId, motif: motifId } = loop.practice;
    const patient = { lastName: 'Durand', firstName: 'Zoé' };
    const ask = (start: number, hash: string): Promise<BookingAnswer> => {
      const key = { key: 'retry', hash: Buffer.from(hash.padEnd(32)) };
      const place = { organizationId, id: newId(), agendaId, motifId, start };
      return loop.hub.booking.book({ ...place, patient, actor: loop.actor(), key, waitMs: 5000 });
    };
    await fault({ kind: 'drop-after-commit', method: 'POST', route: '/entries', times: 1 });
    const [first, again] = [await ask(TEN, 'one'), await ask(TEN, 'one')];
    expect([first.status, again.status, again.record?.id]).toEqual([201, 201, first.record?.id]);
    expect(await ask(TEN + HOUR, 'two')).toMatchObject({ status: 422, problem: 'idempotency-key-reused' });
    expect(await loop.there()).toEqual([[TEN, first.record?.id]]);
  });
});

describe('what the practitioner does in his own tool', () => {
  it('complaint 9: he moves, then deletes: the booking follows, and somebody is asked to telephone', async () => {
    const { appointment, entry } = await loop.booked(TEN);
    await loop.remote.move(entry, TEN + HOUR, TEN + HOUR + HALF);
    await loop.pull();
    expect(await loop.stands(appointment.id)).toMatchObject({ status: 'confirmed', start: TEN + HOUR });
    expect(await loop.callbacks()).toEqual(['moved']);
    await loop.remote.remove(entry);
    await loop.pull();
    expect(await loop.stands(appointment.id)).toMatchObject({ status: 'cancelled' });
    expect(await loop.callbacks()).toEqual(['cancelled']);
    expect(await loop.book(TEN + HOUR)).toMatchObject({ status: 201 });
  });

  it('complaint 10: the cursor expires while he deletes two: both are found out, and nothing beyond what was read', async () => {
    const kept = await loop.booked(TEN);
    const gone = [await loop.booked(TEN + HOUR), await loop.booked(TEN + 2 * HOUR)];
    // Long over, so no listing of the window can show it.
    await loop.sql(
      `INSERT INTO mirror (organization_id, id, link_id, remote_id, content_hash, during)
       SELECT organization_id, gen_random_uuid(), id, 'long-ago', 'hash', '[2020-01-01,2020-01-02)' FROM link`,
    );
    for (const { entry } of gone) await loop.remote.remove(entry);
    await loop.remote.control('expire-cursors');
    expect(await loop.pull()).toBe('done');
    for (const { appointment } of gone)
      expect(await loop.stands(appointment.id)).toMatchObject({ status: 'cancelled' });
    expect(await loop.stands(kept.appointment.id)).toMatchObject({ status: 'confirmed' });
    expect(await loop.sql(`SELECT 1 FROM mirror WHERE remote_id = 'long-ago' AND gone_at IS NULL`)).toHaveLength(1);
  });

  it('complaint 11: an agenda that is suddenly empty, or a page instead of it, cancels nothing and is told', async () => {
    const ids = [];
    for (let slot = 0; slot < 4; slot += 1) ids.push((await loop.booked(TEN + slot * HOUR)).appointment.id);
    await fault({ kind: 'html', method: 'GET', times: 5 });
    expect(await loop.pull('full')).toBe('unreachable');
    await loop.remote.control('faults', { faults: [] });
    await loop.sql('UPDATE connection SET blocked_until = now()');
    for (const { id } of await loop.remote.entries()) await loop.remote.remove(id);
    await loop.remote.control('expire-cursors');
    for (let again = 0; again < 6; again += 1) await loop.pull('full');
    for (const id of ids) expect(await loop.stands(id)).toMatchObject({ status: 'confirmed' });
    expect(await loop.events(loop.linkId)).toContain('deletions-held by system');
    expect(await loop.callbacks()).toEqual([]);
  });
});
