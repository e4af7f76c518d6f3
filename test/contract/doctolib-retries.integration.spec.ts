import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ConnectorError, type CreateRequest, type Session } from '#connector-sdk';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import doctolib from '../../libs/connectors/src/doctolib/connector.js';
import { controlOf, type Control, type Dumped } from './simulator-target.js';

const AGENDA = 'practice-20/practitioner-40';
const NINE = Date.parse('2027-06-07T07:00:00Z');
const HALF_HOUR = 1_800_000;
const ATTEMPTS = 40;
const CERTAIN = new Set(['taken', 'stale', 'forbidden', 'invalid', 'not_found']);

const ALWAYS = [0, 1, 2, 3, 4, 5, 6].map((day) => ({ day, ranges: [['00:00', '24:00']] }));
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
/** Each of them, each time, on one request in so many. */
const FAULTS = METHODS.flatMap((method) => [
  { kind: 'error', status: 503, method, probability: 0.05 },
  { kind: 'error', status: 503, method, after: true, probability: 0.05 },
  { kind: 'drop-after-commit', method, probability: 0.05 },
  { kind: 'reset', method, probability: 0.03 },
  { kind: 'torn', method, probability: 0.03 },
  { kind: 'html', method, probability: 0.03 },
]);

const vendors = createMockVendors();
let control: Control;
let session: Session;

beforeAll(async () => {
  const origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
  control = controlOf(origin, 'doctolib');
  const settings = { baseUrl: `${origin}/doctolib`, profile: 'cabinet', motif: '30' };
  session = doctolib.open(
    {
      settings: doctolib.config.settings.parse(settings),
      secrets: doctolib.config.secrets.parse({ clientId: 'retries', clientSecret: 'retries-secret' }),
    },
    { timeoutMs: 2_000, allowPrivateNetworks: true, now: Date.now },
  );
});
afterAll(async () => {
  session.close();
  await vendors.close();
});

/** Tries until the outcome is certain, as the hub's lanes do. */
async function insist(attempt: () => Promise<unknown>): Promise<string> {
  for (let n = 0; n < ATTEMPTS; n += 1) {
    try {
      await attempt();
      return 'done';
    } catch (error) {
      if (!ConnectorError.is(error)) throw error;
      if (CERTAIN.has(error.kind)) return error.kind;
    }
  }
  return 'given up';
}

const call = () => ({ signal: AbortSignal.timeout(5_000) });
const placed = (n: number): { start: number; end: number } => ({
  start: NINE + n * HALF_HOUR,
  end: NINE + (n + 1) * HALF_HOUR,
});
const content = (n: number): CreateRequest['content'] => ({
  ...placed(n),
  timeZone: 'Europe/Paris',
  summary: `Visite ${String(n)}`,
});

it.each([1, 2, 3])(
  'whatever fails on the way, each visit stands once where it was put last (seed %d)',
  async (seed) => {
    await control('POST', 'reset', { seed });
    await control('POST', 'seed', {
      profile: { id: 10, slug: 'cabinet', name: 'Cabinet' },
      clients: [{ id: 'retries', secret: 'retries-secret' }],
      practices: [{ id: 20, name: 'Cabinet', opening_hours: ALWAYS }],
      motives: [{ id: 30, name: 'Suivi' }],
      agendas: [{ key: 'roux', id: 51, name: 'Dr Roux', practice_id: 20, practitioner_id: 40, motives: [30] }],
      quota: 100_000,
    });
    await control('POST', 'faults', { faults: FAULTS });
    const expected: { reference: string; start: number }[] = [];
    for (let n = 0; n < 12; n += 1) {
      const request = { agendaId: AGENDA, reference: `visit-${String(seed)}-${String(n)}`, content: content(n) };
      expect(await insist(() => session.create(request, call()))).toBe('done');
      if (n % 3 === 1) {
        const cancel = { ...request, remoteId: null, version: null };
        expect(await insist(() => session.cancel(cancel, call()))).toBe('done');
      } else if (n % 3 === 2) {
        const later = content(n + 100);
        const move = async (): Promise<void> => {
          const found = await session.find(request, call());
          if (found === null) throw new ConnectorError('not_found', 'the visit is gone');
          if (found.when?.start === later.start) return;
          await session.update({ ...request, ...found, content: later, reference: request.reference }, call());
        };
        expect(await insist(move)).toBe('done');
        expected.push({ reference: request.reference, start: later.start });
      } else expected.push({ reference: request.reference, start: placed(n).start });
    }
    const { faults } = (await control('GET', 'faults')) as { faults: { fired: number }[] };
    expect(faults.reduce((sum, { fired }) => sum + fired, 0)).toBeGreaterThan(10);
    await control('DELETE', 'faults');
    const { entries } = (await control('GET', 'dump')) as unknown as { entries: Dumped[] };
    const standing = entries.filter(({ deleted }) => !deleted).map(({ start }) => start);
    expect(standing.sort((a, b) => a - b)).toEqual(expected.map(({ start }) => start).sort((a, b) => a - b));
    for (const { reference, start } of expected)
      expect((await session.find({ agendaId: AGENDA, reference }, call()))?.when?.start).toBe(start);
  },
);
