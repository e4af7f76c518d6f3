import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newId, type Backends } from '#application';
import { InHouseHub, ownTime } from '../support/in-house-hub.js';

const { start, end } = ownTime(3);

/** Just before the next create: what happens at the vendor, who is told the reference. */
let before: ((reference: string) => Promise<unknown>) | null = null;

function slipIn(backends: Backends): Backends {
  return {
    async open(organizationId, connectionId) {
      const { session, capabilities } = await backends.open(organizationId, connectionId);
      const create: typeof session.create = async (request, options) => {
        await before?.(request.reference);
        return session.create(request, options);
      };
      return { capabilities, session: { ...session, create } };
    },
  };
}

let at: InHouseHub;

beforeAll(async () => {
  at = await InHouseHub.start({ around: { backends: slipIn } });
});
afterAll(() => at.stop());

it('scenario 9: refused as taken by our own earlier create, whose key the vendor has forgotten: confirmed, and stands once', async () => {
  await at.link();
  await at.hub.housekeeping.extendOpenings(at.practice.organization, at.practice.agenda);
  const { organization: organizationId, agenda: agendaId, motif: motifId, collaborator } = at.practice;
  const tried: string[] = [];
  before = async (reference) => {
    tried.push(reference);
    // Ours, from the first attempt: it lands after it was looked for, and nothing but its reference tells whose it is.
    if (tried.length === 2) await at.edit({ action: 'create', entry: { start, end, title: 'Durand Zoé', reference } });
  };
  await at.fault({ kind: 'reset', method: 'POST', route: '/entries', times: 1 });
  const actor = { kind: 'collaborator', id: collaborator, key: newId() } as const;
  const patient = { lastName: 'Durand', firstName: 'Zoé' };
  const place = { organizationId, id: newId(), agendaId, motifId, start };
  const answer = await at.hub.booking.book({ ...place, patient, actor, key: null, waitMs: 8_000 });
  expect(tried).toEqual([tried[0], tried[0]]);
  const { recent } = await at.control<{ recent: { method: string; status: number }[] }>('GET', 'requests');
  expect(recent.filter(({ method }) => method === 'POST').map(({ status }) => status)).toContain(409);
  expect(answer).toMatchObject({ status: 201, record: { status: 'confirmed', start } });
  expect((await at.entries()).map((entry) => entry.start)).toEqual([start]);
});
