import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import agendaFile from '../../libs/connectors/src/agenda-file/connector.js';
import { ConnectorError, type Session } from '#connector-sdk';
import type { RemoteObject } from '#domain';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { controlOf, type Control } from './simulator-target.js';

const AGENDA = 'PETIT';
const KEY = 'cle-de-signature-commune';
const WINDOW = { start: Date.parse('2027-01-01T00:00:00Z'), end: Date.parse('2028-01-01T00:00:00Z') };
const at = (time: string): number => Date.parse(`2027-06-07T${time}:00+02:00`);
const MINUTE = 60_000;

type Versions = Map<string, string | null>;

let control: Control;
let session: Session;
let baseUrl: string;
let close: () => Promise<unknown>;
const call = { signal: AbortSignal.timeout(120_000) };

beforeAll(async () => {
  const app = createMockVendors();
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  control = controlOf(origin, 'agenda-file');
  baseUrl = `${origin}/agenda-file/dossier`;
  session = opened('csv');
  close = () => app.close();
});

afterAll(() => close());

beforeEach(async () => {
  await control('POST', 'reset');
  await control('POST', 'seed', {
    compte: { identifiant: 'cabinet', motDePasse: 'secret', cle: KEY },
    medecins: [{ code: AGENDA, nom: 'Dr Petit' }],
  });
});

function opened(format: 'csv' | 'icalendar', signingKey = KEY, patienceSeconds = 0.3): Session {
  return agendaFile.open(
    {
      settings: agendaFile.config.settings.parse({ baseUrl, format, patienceSeconds }),
      secrets: { username: 'cabinet', password: 'secret', signingKey },
    },
    { timeoutMs: 1500, allowPrivateNetworks: true, now: Date.now },
  );
}

async function pulled(from: Session, known: Versions = new Map()) {
  const objects: RemoteObject[] = [];
  const request = { agendaId: AGENDA, cursor: null, window: WINDOW, timeZone: 'Europe/Paris' };
  for await (const item of from.pull({ ...request, known: () => Promise.resolve(known) }, call)) {
    if (item.type === 'end') return { objects, present: item.complete?.present ?? new Set<string>() };
    for (const change of item.changes) if (change.kind === 'upsert') objects.push(change.object);
  }
  throw new Error('a pull without its end');
}

const versionsOf = (objects: readonly RemoteObject[]): Versions =>
  new Map(objects.map(({ remoteId, version }) => [remoteId, version]));

async function failure(attempt: Promise<unknown>): Promise<ConnectorError> {
  const error: unknown = await attempt.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!ConnectorError.is(error)) throw new Error('no ConnectorError', { cause: error });
  return error;
}

const put = async (start: number, title = 'Privé'): Promise<string> =>
  (
    (
      await control('POST', 'edit', {
        action: 'create',
        agendaId: AGENDA,
        entry: { start, end: start + 30 * MINUTE, title },
      })
    )['entry'] as { id: string }
  ).id;

const content = (start: number) => ({ start, end: start + 30 * MINUTE, timeZone: 'Europe/Paris', summary: 'Visite' });
const named = (reference: string) => ({ agendaId: AGENDA, reference });
const living = async (): Promise<number> =>
  ((await control('GET', 'dump'))['entries'] as { deleted: boolean }[]).filter(({ deleted }) => !deleted).length;

const onlyOne = async (): Promise<string> => {
  const entries = (await control('GET', 'dump'))['entries'] as { id: string; deleted: boolean }[];
  const [one, ...others] = entries.filter(({ deleted }) => !deleted);
  if (!one || others.length > 0) throw new Error('there is not exactly one');
  return one.id;
};

describe('an order that the program takes up later', () => {
  it('is unknown, then neither there nor certainly absent, and then there, once, however often it was given', async () => {
    await control('POST', 'pace', { inboxMs: 5 * MINUTE });
    const booking = { ...named('ref-late'), content: content(at('09:00')) };
    const error = await failure(session.create(booking, call));
    // A time to wait would keep the whole connection from being read.
    expect([error.kind, error.retryAfterMs]).toEqual(['unknown', undefined]);
    expect((await failure(session.find(booking, call))).kind).toBe('unavailable');
    expect((await failure(session.create(booking, call))).kind).toBe('unknown');
    expect((await failure(session.cancel({ ...booking, remoteId: null, version: null }, call))).kind).toBe(
      'unavailable',
    );
    await control('POST', 'clock', { advanceMs: 6 * MINUTE });
    expect(await session.find(booking, call)).toMatchObject({ remoteId: 'r:ref-late', when: { start: at('09:00') } });
    expect((await session.create(booking, call)).remoteId).toBe('r:ref-late');
    expect(await living()).toBe(1);
  });

  it('is unknown, too, when whoever waits for its answer gives up', async () => {
    await control('POST', 'pace', { inboxMs: 5 * MINUTE });
    const patient = opened('csv', KEY, 30);
    const booking = { ...named('ref-given-up'), content: content(at('09:00')) };
    for (const ms of [150, 250]) {
      const attempt = patient.create(booking, { signal: AbortSignal.timeout(ms) });
      expect((await failure(attempt)).kind).toBe('unknown');
    }
    await control('POST', 'faults', { faults: [{ kind: 'error', method: 'GET', status: 503 }] });
    expect((await failure(patient.create({ ...booking, reference: 'ref-unread' }, call))).kind).toBe('unknown');
    await control('DELETE', 'faults');
    await control('POST', 'clock', { advanceMs: 6 * MINUTE });
    expect((await session.find(booking, call))?.remoteId).toBe('r:ref-given-up');
  });

  it('and exports later still is unknown until an export shows it', async () => {
    await session.listAgendas(call);
    await control('POST', 'pace', { exportMs: 5 * MINUTE });
    const booking = { ...named('ref-shown'), content: content(at('09:00')) };
    expect((await failure(session.create(booking, call))).kind).toBe('unknown');
    expect((await failure(session.find(booking, call))).kind).toBe('unavailable');
    await control('POST', 'clock', { advanceMs: 6 * MINUTE });
    expect((await session.find(booking, call))?.remoteId).toBe('r:ref-shown');
  });

  it('and refuses is refused once, and may be given anew when the time is free', async () => {
    await control('POST', 'pace', { inboxMs: 5 * MINUTE });
    const other = await put(at('09:00'));
    const booking = { ...named('ref-taken'), content: content(at('09:00')) };
    expect((await failure(session.create(booking, call))).kind).toBe('unknown');
    await control('POST', 'clock', { advanceMs: 6 * MINUTE });
    expect(await session.find(booking, call)).toBeNull();
    expect((await failure(session.create(booking, call))).kind).toBe('taken');
    await control('POST', 'edit', { action: 'delete', agendaId: AGENDA, id: other });
    await control('POST', 'pace', { inboxMs: 0 });
    expect((await session.create(booking, call)).remoteId).toBe('r:ref-taken');
    await control('POST', 'edit', { action: 'delete', agendaId: AGENDA, id: await onlyOne() });
    // The program remembers the references of what it did.
    expect((await failure(session.create(booking, call))).kind).toBe('stale');
  });

  it('is not taken for the answer to the same move made long after', async () => {
    const made = await session.create({ ...named('ref-moved'), content: content(at('09:00')) }, call);
    await control('POST', 'pace', { inboxMs: 5 * MINUTE });
    const there = { ...named('ref-moved'), remoteId: made.remoteId, version: null, content: content(at('10:00')) };
    expect((await failure(session.update(there, call))).kind).toBe('unknown');
    await control('POST', 'clock', { advanceMs: 6 * MINUTE });
    await control('POST', 'pace', { inboxMs: 0 });
    expect((await session.update({ ...there, content: content(at('09:00')) }, call)).when?.start).toBe(at('09:00'));
    // Now from nine to ten again: the first answer still lies in the folder.
    expect((await session.update(there, call)).when?.start).toBe(at('10:00'));
  });
});

describe('exports', () => {
  it('with all UIDs made anew change nothing', async () => {
    const ics = opened('icalendar');
    await put(at('09:00'), 'Un');
    await put(at('10:00'), 'Deux');
    const first = await pulled(ics);
    await control('POST', 'renew-uids');
    const second = await pulled(ics, versionsOf(first.objects));
    expect(second.present).toEqual(new Set(first.objects.map(({ remoteId }) => remoteId)));
    expect(second.objects.map(({ remoteId, contentHash }) => [remoteId, contentHash]).sort()).toEqual(
      first.objects.map(({ remoteId, contentHash }) => [remoteId, contentHash]).sort(),
    );
  });

  it('with one UID for two events show both as busy', async () => {
    const [from, to] = [await put(at('09:00'), 'Un'), await put(at('10:00'), 'Deux')];
    await control('POST', 'share-uid', { from, to });
    const { objects } = await pulled(opened('icalendar'));
    expect(objects.flatMap(({ busy }) => busy.map(({ start }) => start)).sort()).toEqual([at('09:00'), at('10:00')]);
  });

  it('that are half written say nothing, though they are signed', async () => {
    await put(at('09:00'));
    await control('POST', 'half-written', { on: true });
    for (const format of ['csv', 'icalendar'] as const)
      expect((await failure(pulled(opened(format)))).kind).toBe('unavailable');
    await control('POST', 'half-written', { on: false });
    expect((await pulled(session)).objects).toHaveLength(1);
  });

  it('signed with another key are not believed, and orders signed with another are refused', async () => {
    const stranger = opened('csv', 'une-cle-de-signature-autre');
    expect((await failure(stranger.verify(call))).message).toContain('signed with the shared key');
    expect((await failure(stranger.create({ ...named('ref-x'), content: content(at('09:00')) }, call))).kind).toBe(
      'auth',
    );
    expect(await living()).toBe(0);
  });

  it('keep what windows-1252 can write', async () => {
    const summary = 'Œuvre « é » — 12 € ; "fin"';
    const made = await session.create({ ...named('ref-1252'), content: { ...content(at('09:00')), summary } }, call);
    expect(made.summary).toBe(summary);
  });
});

it('what the practitioner wrote himself is not changed from here', async () => {
  await put(at('09:00'));
  const [theirs] = (await pulled(session)).objects;
  const asked = { ...named('ref-y'), remoteId: theirs?.remoteId ?? '', version: null };
  expect((await failure(session.update({ ...asked, content: content(at('11:00')) }, call))).kind).toBe('forbidden');
  expect((await failure(session.cancel(asked, call))).kind).toBe('forbidden');
});

it('the second of two like hours is not written', async () => {
  const start = Date.parse('2027-10-31T01:30:00Z');
  const attempt = session.create(
    { ...named('ref-dst'), content: { ...content(start), end: start + 15 * MINUTE } },
    call,
  );
  expect((await failure(attempt)).kind).toBe('invalid');
});
