import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Session } from '#connector-sdk';
import { Mirror, type Harness, type Target } from '#connector-testkit';
import { seededRandom } from '../../apps/mock-vendors/src/core/random.js';
import { keldocTarget } from './keldoc-target.js';
import { maiiaTarget } from './maiia-target.js';

const HOUR_MS = 3_600_000;
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const ENTRIES = 130;
const ROUNDS = 40;
const EDITS = 5;

/** A practitioner who never rests, and answers of which some go wrong, while the hub reads one page after another. */
describe.each([maiiaTarget(), keldocTarget()])('a mirror of $connector.id', (target: Target) => {
  let harness: Harness;
  let session: Session;

  beforeAll(async () => {
    harness = await target.start();
    await harness.reset();
    const { connector } = target;
    session = connector.open(
      {
        settings: connector.config.settings.parse(harness.settings),
        secrets: connector.config.secrets.parse(harness.secrets),
      },
      { timeoutMs: 5_000, allowPrivateNetworks: true, now: Date.now },
    );
  });
  afterAll(async () => {
    session.close();
    await harness.stop();
  });

  it.each([1, 2, 3])('is what the agenda is, whatever happened while it was read (%i)', async (seed) => {
    await harness.reset();
    const random = seededRandom(seed);
    const below = (n: number): number => Math.floor(random() * n);
    // Some are moved out of the window, some come back.
    const place = () => {
      const start = WINDOW.start + below(14 * 30 * 24) * HOUR_MS;
      return { start, end: start + HOUR_MS / 2 };
    };
    const { remote } = harness;
    const ids: string[] = [];
    const edit = async (): Promise<void> => {
      const id = ids[below(ids.length)];
      const what = random();
      if (id === undefined || what < 0.3) ids.push((await remote.put({ ...place(), title: 'Privé' })).remoteId);
      else if (what < 0.7) await remote.move(id, place());
      else {
        ids.splice(ids.indexOf(id), 1);
        await remote.remove(id);
      }
    };
    const inside = ({ start, end }: { start: number; end: number }): boolean =>
      start < WINDOW.end && WINDOW.start < end;
    const standing = async () => new Set((await remote.list()).filter(inside).map(({ remoteId }) => remoteId));
    for (let n = 0; n < ENTRIES; n += 1) ids.push((await remote.put({ ...place(), title: 'Privé' })).remoteId);
    const mirror = new Mirror(session, harness.agendaId, WINDOW);
    let read = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      if (random() < 0.2) mirror.cursor = null;
      if (random() < 0.1) await harness.fault('torn');
      const before = await standing();
      const known = [...mirror.objects.keys()].filter((id) => before.has(id));
      const pulling = mirror.pull(AbortSignal.timeout(20_000)).then(
        () => true,
        () => false,
      );
      for (let count = 0; count < EDITS; count += 1) await edit();
      if (await pulling) read += 1;
      await harness.clearFaults();
      // What was known and stands all the while is never taken for gone.
      const after = await standing();
      expect(known.filter((id) => after.has(id) && !mirror.objects.has(id))).toEqual([]);
    }
    expect(read).toBeGreaterThan(ROUNDS / 3);
    await mirror.pull(AbortSignal.timeout(20_000));
    const there = (await remote.list()).filter(inside).map(({ remoteId, start, end }) => ({ remoteId, start, end }));
    const known = [...mirror.objects.values()].flatMap(({ remoteId, when }) =>
      when !== null && inside(when) ? [{ remoteId, ...when }] : [],
    );
    const byId = (a: { remoteId: string }, b: { remoteId: string }): number => (a.remoteId < b.remoteId ? -1 : 1);
    expect(known.sort(byId)).toEqual(there.sort(byId));
  });
});
