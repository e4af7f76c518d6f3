import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '#application';
import { moreAgendas } from '../support/agendas.js';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';

const HALF_HOUR = 1_800_000;
const AGENDAS = 4;
/** Bookings asked for at once. */
const AT_ONCE = 8;

/** So many appointments are written by the lanes of four agendas, while every write comes back as a push. */
export function ownWritesComeBack({ count, timeoutMs }: { count: number; timeoutMs: number }): void {
  describe('our own writes (1,000 in the chaos suite, fewer before each landing)', () => {
    let at: InHouseHub;
    let agendas: string[] = [];

    beforeAll(async () => {
      at = await InHouseHub.start();
      await at.link();
      await at.hub.housekeeping.extendOpenings(at.ids.organizationId, at.practice.agenda);
      agendas = [at.practice.agenda, ...(await moreAgendas(at, AGENDAS - 1, 'one'))];
      at.alarm.rings = true;
    });
    afterAll(() => at.stop());

    const book = async (n: number): Promise<number> => {
      const { organization: organizationId, motif: motifId, collaborator } = at.practice;
      const { status } = await at.hub.booking.book({
        organizationId,
        id: newId(),
        agendaId: agendas[n % AGENDAS]!,
        motifId,
        start: ownTime(2).start + Math.floor(n / AGENDAS) * HALF_HOUR,
        patient: { lastName: 'Durand', firstName: 'Zoé' },
        actor: { kind: 'collaborator', id: collaborator, key: newId() },
        key: null,
        waitMs: 0,
      });
      return status;
    };
    const everywhere = (sync: 'none' | 'full') =>
      Promise.all(
        agendas.map((agendaId) => at.hub.lanes.run({ organizationId: at.ids.organizationId, agendaId, sync })),
      );
    const open = async (): Promise<boolean> =>
      (await at.sql(`SELECT 1 FROM appointment WHERE status <> 'confirmed' LIMIT 1`)).length > 0;
    const writesAsked = async (): Promise<number> => {
      const { counts } = await at.control<{ counts: Record<string, number> }>('GET', 'requests');
      const writes = Object.entries(counts).filter(([route]) => /^(POST|PATCH|DELETE) .*\/entries/.test(route));
      return writes.reduce((sum, [, number]) => sum + number, 0);
    };

    it(
      `scenario 38: ${String(count)} of them come back as pushes and cause no further write`,
      async () => {
        await at.control('DELETE', 'requests');
        const statuses = new Set<number>();
        const waiting = Array.from({ length: count }, (_, n) => n);
        const asking = async (): Promise<void> => {
          for (let n = waiting.shift(); n !== undefined; n = waiting.shift()) statuses.add(await book(n));
        };
        await Promise.all(Array.from({ length: AT_ONCE }, asking));
        expect([...statuses]).toEqual([202]);
        for (const end = Date.now() + timeoutMs / 2; (await open()) && Date.now() < end;) await everywhere('none');
        for (let pulls = 0; pulls < 3; pulls += 1) await everywhere('full');
        expect(await open()).toBe(false);
        expect(at.answers.length).toBeGreaterThanOrEqual(count / 2);
        expect(await writesAsked()).toBe(count);
        const { entries } = await at.control<{ entries: { agendaId: string; deleted: boolean }[] }>('GET', 'dump');
        const there = entries.filter(({ agendaId, deleted }) => !deleted && agendas.includes(agendaId.slice(7)));
        expect(there).toHaveLength(count);
        const told = `SELECT 1 FROM event WHERE type LIKE 'appointment-%' AND actor->>'kind' = 'practitioner'`;
        expect(await at.sql(told)).toEqual([]);
      },
      timeoutMs,
    );
  });
}
