import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newId } from '#application';
import { parseEnvironment } from '#platform';
import { addAgenda, moreAgendas } from '../../../test/support/agendas.js';
import { linkAgenda, TEST_KEYS } from '../../../test/support/hub.js';
import { InHouseHub, ownTime } from '../../../test/support/in-house-hub.js';
import { openCalendar, startRadicale, type RemoteCalendar } from '../../../test/support/remotes.js';
import type { RadicaleServer } from '../../../test/support/radicale.js';
import { createUseCases, workOf, type UseCases } from './use-cases.js';

const HANGING = 24;
const { start } = ownTime(3);

let at: InHouseHub;
let radicale: RadicaleServer;
let healthy: RemoteCalendar;
let useCases: UseCases;
let work: ReturnType<typeof workOf>;

beforeAll(async () => {
  at = await InHouseHub.start();
  const environment = parseEnvironment({
    DATABASE_URL: 'postgres://unused',
    UNISSON_KEYS: TEST_KEYS,
    ALLOW_PRIVATE_NETWORKS: 'true',
  });
  useCases = createUseCases(at.hub.database, environment, at.alarm);
  work = workOf(useCases);
  radicale = await startRadicale();
  healthy = await openCalendar(radicale);
});
afterAll(async () => {
  await useCases.close();
  await healthy.close();
  await radicale.stop();
  await at.stop();
});

it(`scenario 12: a worker carries bookings to another vendor while ${HANGING} practitioners’ calls to one hang`, async () => {
  await at.link();
  const { organization: organizationId, motif: motifId, collaborator } = at.practice;
  const slow = await moreAgendas(at, HANGING, 'own');
  const beside = randomUUID();
  await addAgenda(at, beside);
  await linkAgenda(at.hub, { ...at.practice, agenda: beside }, healthy.account);
  const ids = new Map<string, string>();
  for (const agendaId of [...slow, beside]) {
    const actor = { kind: 'collaborator', id: collaborator, key: newId() } as const;
    const place = { organizationId, id: newId(), agendaId, motifId, start };
    const patient = { lastName: 'Durand', firstName: 'Zoé' };
    const { record } = await at.hub.booking.book({ ...place, patient, actor, key: null, waitMs: 0 });
    ids.set(agendaId, record!.id);
  }
  const status = async (agenda: string) =>
    (await at.hub.bookings.get({ organizationId, id: ids.get(agenda)! }))!.status;
  const hanging = async (): Promise<number> => {
    const { faults } = await at.control<{ faults: { fired: number }[] }>('GET', 'faults');
    return faults[0]!.fired;
  };

  await at.fault({ kind: 'latency', ms: 2_500, method: 'POST', route: '/entries' });
  let done = 0;
  const drains = slow.map((agendaId) => work.drainLane({ organizationId, agendaId }).finally(() => (done += 1)));
  while ((await hanging()) < HANGING - done) await delay(20);
  await work.drainLane({ organizationId, agendaId: beside });
  expect(await status(beside)).toBe('confirmed');
  expect(await Promise.all(slow.map(status))).toEqual(slow.map(() => 'pending'));
  expect(HANGING - done).toBeGreaterThan(0);

  await Promise.all(drains);
  await at.control('DELETE', 'faults');
  for (const agendaId of slow) await work.drainLane({ organizationId, agendaId });
  expect(await Promise.all(slow.map(status))).toEqual(slow.map(() => 'confirmed'));
}, 60_000);
