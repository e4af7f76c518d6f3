import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeOnServers } from '../support/dav-servers.js';
import { TEN, HOUR } from '../support/loop.js';
import { CalendarDay, OWN, VISIT } from './calendar-day.js';

/** How much happens on a day. */
export interface DaySize {
  /** By applications that know nothing of the hub. */
  readonly edits: number;
  /** Made by the hub; a fifth of them is moved later, and a fifth cancelled. */
  readonly bookings: number;
}

/** Of five edits of the practitioner's two make an event; one each moves, retitles and removes one. */
const KINDS = ['create', 'create', 'move', 'retitle', 'remove'] as const;
const IDLE_CYCLES = 5;
const TIMEOUT_MS = 600_000;

/** One day on each of these servers, the same everywhere: after each part of it both sides hold the same. */
export function calendarDays(size: DaySize, servers?: readonly string[]): void {
  describeOnServers('a day in the life', (kind) => day(kind, size), servers);
}

function day(kind: Parameters<CalendarDay['begin']>[0], { edits, bookings }: DaySize): void {
  const at = new CalendarDay();
  /** Ids of the practitioner's own events, and the hour that the next one gets. */
  const own: string[] = [];
  let hour = 0;

  beforeAll(() => at.begin(kind), TIMEOUT_MS);
  afterAll(() => at.end());

  const slot = (n: number): number => TEN + n * VISIT;
  const nextHour = (): number => OWN + (hour++ * HOUR) / 2;
  const alike = async (): Promise<void> => {
    await at.settle();
    const { here, there, open } = await at.sides();
    expect(open).toEqual([]);
    expect(here).toEqual(there);
  };
  const edit = async (n: number): Promise<void> => {
    const what = own.length === 0 ? 'create' : KINDS[n % KINDS.length]!;
    const start = nextHour();
    const end = start + HOUR / 2;
    if (what === 'create') own.push(await at.debian.create({ start, end, title: `Visite ${String(n)}` }));
    else if (what === 'move') await at.debian.move(own[n % own.length]!, start, end);
    else if (what === 'retitle') await at.debian.retitle(own[n % own.length]!, `Autre ${String(n)}`);
    else await at.debian.remove(own.splice(n % own.length, 1)[0]!);
  };

  it('what the server does was found out once it was linked, and is kept with the link', async () => {
    const [link] = await at.sql<{ manners: object; known: boolean }>(
      `SELECT manners, probed_at > now() - interval '1 hour' AS known FROM link WHERE id = $1`,
      [at.linkId],
    );
    expect(link).toMatchObject({ known: true, manners: { versions: 'strong', keeps: expect.any(String) } });
    expect(await at.plain.entries()).toEqual([]);
  });

  it(
    `${String(edits)} edits by another application beside ${String(bookings)} bookings by the hub`,
    async () => {
      at.writes();
      const editing = async (): Promise<void> => {
        for (let n = 0; n < edits; n += 1) await edit(n);
      };
      const booking = async (): Promise<void> => {
        for (let n = 0; n < bookings; n += 1) {
          expect(await at.book(slot(n))).toMatchObject({ outcome: 'booked' });
          if (n % 5 === 4) await at.run('delta');
        }
      };
      await Promise.all([editing(), booking()]);
      await alike();
      expect(at.writes().filter((method) => method === 'PUT')).toHaveLength(bookings);
      const { there } = await at.sides();
      expect(there.filter((line) => !line.startsWith('own'))).toHaveLength(bookings);
      expect(there.filter((line) => line.startsWith('own'))).toHaveLength(own.length);
    },
    TIMEOUT_MS,
  );

  it(
    'four writers at once, on what is their own and on the same appointment',
    async () => {
      const fifth = Math.floor(bookings / 5);
      const moved = at.appointments.slice(0, fifth);
      const cancelled = at.appointments.slice(fifth, 2 * fifth);
      const shared = at.appointments[2 * fifth]!;
      const entry = (await at.plain.entries()).find(({ uid }) => uid.startsWith(shared))!;
      await Promise.all([
        (async () => {
          for (const [n, id] of moved.entries()) await at.move(id, slot(bookings + n));
          await at.move(shared, slot(2 * bookings)).catch(() => undefined);
        })(),
        (async () => {
          for (const id of cancelled) await at.cancel(id, at.other);
          await at.run('none', at.other);
        })(),
        (async () => {
          for (let n = 0; n < fifth; n += 1) await edit(n);
          await at.debian.retitle(entry.uid, 'Vu par le cabinet').catch(() => undefined);
        })(),
        (async () => {
          for (let n = 0; n < fifth; n += 1)
            await at.plain.create({ start: nextHour(), end: OWN + (hour * HOUR) / 2, title: 'Application' });
          const start = slot(2 * bookings + 2);
          await at.plain.move(entry.id, start, start + VISIT).catch(() => undefined);
        })(),
        ...Array.from({ length: fifth }, () => at.run('delta')),
      ]);
      await alike();
      for (const id of cancelled) expect(await at.record(id)).toMatchObject({ status: 'cancelled' });
    },
    TIMEOUT_MS,
  );

  it('when nothing changes, nothing is written', async () => {
    at.writes();
    for (let cycle = 0; cycle < IDLE_CYCLES; cycle += 1) expect(await at.run('delta')).toBe('done');
    await at.reconcile();
    await at.run('full');
    expect(at.writes()).toEqual([]);
  });

  it('a dead token, while an event went and another came', async () => {
    await at.sql(
      `UPDATE link SET cursor = 'token:dead-' || gen_random_uuid() WHERE id = $1 AND cursor LIKE 'token:%'`,
      [at.linkId],
    );
    await at.debian.remove(own.pop()!);
    const start = nextHour();
    own.push(await at.debian.create({ start, end: start + HOUR / 2, title: 'Après' }));
    await alike();
    expect(at.writes()).toEqual([]);
  });

  it(
    'a calendar that was deleted and made anew, with an event moved since',
    async () => {
      await at.remake();
      const start = nextHour();
      await at.debian.move(own[0]!, start, start + HOUR / 2);
      await alike();
      expect(at.writes()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'a server that ends in the middle of bookings, and comes back beside a hub that was restarted',
    async () => {
      const free = slot(3 * bookings);
      const answers = Array.from({ length: 6 }, (_, n) =>
        at.book(free + n * VISIT, n % 2 === 0 ? at.hub : at.other, 500),
      );
      await at.server.down('SIGKILL');
      await Promise.all(answers);
      await at.hub.close();
      await at.server.up();
      at.hub = await at.openHub();
      await alike();
      const { there } = await at.sides();
      expect(new Set(there).size).toBe(there.length);
      at.writes();
      for (let cycle = 0; cycle < IDLE_CYCLES; cycle += 1) await at.run('delta');
      expect(at.writes()).toEqual([]);
    },
    TIMEOUT_MS,
  );
}
