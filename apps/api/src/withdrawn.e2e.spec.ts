import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { RIGHTS_BELIEVED_MS } from '#application';
import { at, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Answer, type Client } from './api.suite.js';
import { LOOK_MS, RECHECK_MS } from './events/event-stream.js';
import { Secretary } from './grants.suite.js';

const patient = { lastName: 'Durand', firstName: 'Camille' };
/** How long what was withdrawn elsewhere may still act in a request: as long as it is believed. */
const WITHIN_MS = RIGHTS_BELIEVED_MS + 50;
/** What the hub waits for on its own, at most, before a stream ends; the rest of two seconds is for the database. */
const STREAM_WITHIN_MS = LOOK_MS + RECHECK_MS + RIGHTS_BELIEVED_MS;
/** However slow the machine is. */
const SLOW_MS = 30_000;

let api: TestApi;
let practice: Practice;

beforeAll(async () => {
  api = await TestApi.start();
  practice = await api.practice();
});

afterAll(() => api.stop());

/** As another process withdraws it: this one is told by the database alone. */
const revoke = (grant: string): Promise<unknown> =>
  api.sql(
    practice,
    `UPDATE access_grant SET state = 'revoked', revoked_at = now() WHERE organization_id = $1 AND id = $2`,
    [...[practice.organization, grant]],
  );

/** Reads server-sent events until the stream ends. */
async function streamOf(headers: Record<string, string>): Promise<{ ended: Promise<string> }> {
  const answer = await fetch(`${api.url}/v1/events`, { headers: { accept: 'text/event-stream', ...headers } });
  expect(answer.status).toBe(200);
  return { ended: answer.text() };
}

/** What a stream says to its end, once `withdraw` is committed, and how often the hub looked at the rights until then. */
async function endOf(
  ended: Promise<string>,
  withdraw: () => Promise<unknown>,
): Promise<{ said: string; looks: number }> {
  await withdraw();
  const looking = jest.spyOn(api.parts.access.store, 'state');
  const committedAt = performance.now();
  const said = await Promise.race([ended, sleep(SLOW_MS, 'still open', { ref: false })]);
  process.stdout.write(`stream ended ${(performance.now() - committedAt).toFixed(0)} ms after the commit\n`);
  const looks = looking.mock.calls.length;
  looking.mockRestore();
  return { said, looks };
}

describe('what is withdrawn while it is used', () => {
  test('ends an open stream with the reason, and the way back is refused', async () => {
    const secretary = await Secretary.of(api, practice);
    const grant = await secretary.grant(['see-busy']);
    const { text } = await api.key(practice);
    const headers = { authorization: `Bearer ${text}`, 'unisson-collaborator': secretary.id };
    const { ended } = await streamOf(headers);
    const { said, looks } = await endOf(ended, () => revoke(grant));
    expect(said).toContain('event: ended\ndata: {"problem":"grant-missing","code":"GRANT_REVOKED"}');
    expect((await secretary.ask('GET', '/v1/events')).json.code).toBe('GRANT_REVOKED');
    // One beside what is still believed, and the one that tells it: no more passes than the bound is made of.
    expect(looks).toBeLessThanOrEqual(2);
    expect(STREAM_WITHIN_MS).toBeLessThanOrEqual(1500);
  });

  test('ends the stream of a key that was revoked', async () => {
    const { text, id } = await api.key(practice);
    const { ended } = await streamOf({ authorization: `Bearer ${text}` });
    const { said } = await endOf(ended, () =>
      api.sql(practice, 'UPDATE api_key SET revoked_at = now() WHERE organization_id = $1 AND id = $2', [
        ...[practice.organization, id],
      ]),
    );
    expect(said).toContain('"problem":"unauthenticated"');
  });

  test('does not let a hold be confirmed that was placed while the right stood', async () => {
    const secretary = await Secretary.of(api, practice);
    const grant = await secretary.grant(['see-busy', 'create']);
    const held = await secretary.ask('POST', '/v1/holds', {
      body: { agenda: practice.agenda, motif: practice.motif, start: at('09:00') },
    });
    expect(held.status).toBe(201);
    await revoke(grant);
    await sleep(WITHIN_MS);
    const confirmed = await secretary.ask('POST', '/v1/appointments', {
      body: { hold: held.json.id as string, patient },
    });
    expect([confirmed.status, confirmed.json.code]).toEqual([403, 'GRANT_REVOKED']);
    const owner = await api.client(practice);
    expect((await owner('GET', `/v1/appointments/${held.json.id as string}`)).json.status).toBe('held');
  });
});

describe('a secretariat under a mandate', () => {
  let secretariat: Practice;
  let owner: Client;

  beforeAll(async () => {
    secretariat = await api.practice();
    await api.sql(secretariat, `UPDATE organization SET kind = 'secretariat' WHERE organization_id = $1`, [
      secretariat.organization,
    ]);
    owner = await api.client(practice);
  });

  const mandate = (staffing: 'shared' | 'dedicated', more: object = {}): Promise<Answer> =>
    owner('POST', '/v1/mandates', {
      body: {
        secretariat: secretariat.organization,
        label: 'Télésecrétariat',
        staffing,
        startsAt: new Date(Date.now() - 60_000).toISOString(),
        ...more,
      },
    });
  const sent = async (): Promise<Client> => {
    const there = await api.client(secretariat);
    return (method, path, { headers = {}, ...more } = {}) =>
      there(method, path, { ...more, headers: { 'unisson-practice': practice.organization, ...headers } });
  };
  const grantTo = (team: string): Promise<Answer> =>
    owner('POST', '/v1/grants', { body: { holder: { kind: 'team', id: team }, actions: ['see-busy', 'create'] } });

  test('acts in the practice as one of its people, as far as grants go, until the mandate ends', async () => {
    const ask = await sent();
    expect((await ask('GET', '/v1/agendas')).json.type).toContain('mandate-missing');
    const made = await mandate('shared');
    expect(made.status).toBe(201);
    await sleep(WITHIN_MS);
    expect((await ask('GET', '/v1/agendas')).json.code).toBe('RIGHT');
    await grantTo(made.json.team as string);
    const booked = await ask('POST', '/v1/appointments', {
      body: { agenda: practice.agenda, motif: practice.motif, start: at('11:00'), patient },
    });
    expect([booked.status, booked.json.createdBy, booked.json.patient]).toEqual([
      201,
      secretariat.collaborator,
      undefined,
    ]);
    expect((await ask('GET', '/v1/me/permissions')).json).toMatchObject({
      organization: practice.organization,
      secretariat: secretariat.organization,
      everywhere: ['see-busy', 'create'],
    });
    const people = await owner('GET', '/v1/collaborators');
    expect(people.json.items).toContainEqual(
      expect.objectContaining({ id: secretariat.collaborator, kind: 'mandated', mandate: made.json.id }),
    );
    const ended = await owner('POST', `/v1/mandates/${made.json.id as string}/revoke`, {
      headers: { 'if-match': '"1"' },
    });
    expect(ended.json.revokedAt).not.toBeNull();
    await sleep(WITHIN_MS);
    expect((await ask('GET', '/v1/agendas')).json.type).toContain('mandate-missing');
  });

  test('sends nobody whom the practice has shut out', async () => {
    const ask = await sent();
    const made = await mandate('shared');
    await grantTo(made.json.team as string);
    await sleep(WITHIN_MS);
    expect((await ask('GET', '/v1/agendas')).status).toBe(200);
    await api.sql(practice, 'UPDATE collaborator SET active = false WHERE id = $1', [secretariat.collaborator]);
    await sleep(WITHIN_MS);
    expect((await ask('GET', '/v1/agendas')).json.type).toContain('mandate-missing');
    await owner('POST', `/v1/mandates/${made.json.id as string}/revoke`, { headers: { 'if-match': '"1"' } });
  });

  test('of dedicated people sends those whom the practice named, and who they are needs a second person', async () => {
    const ask = await sent();
    const made = await mandate('dedicated');
    await sleep(WITHIN_MS);
    expect((await ask('GET', '/v1/agendas')).json.type).toContain('mandate-missing');
    const named = await owner('POST', `/v1/mandates/${made.json.id as string}/collaborators`, {
      body: { collaborator: secretariat.collaborator, name: 'Claire' },
    });
    expect([named.status, named.json.kind]).toEqual([201, 'mandated']);
    const seeing = await owner('POST', '/v1/grants', {
      body: { holder: { kind: 'collaborator', id: secretariat.collaborator }, actions: ['see-busy', 'see-identity'] },
    });
    expect(seeing.json.state).toBe('proposed');
    expect((await ask('GET', '/v1/agendas')).json.code).toBe('GRANT_AWAITING_APPROVAL');
  });

  test('is no secretariat unless it is one, and no practice of its own', async () => {
    const practices = await api.practice();
    const body = (id: string): object => ({ secretariat: id });
    expect((await mandate('shared', body(practices.organization))).status).toBe(422);
    expect((await mandate('shared', body(randomUUID()))).status).toBe(422);
    expect((await mandate('shared', body(practice.organization))).status).toBe(422);
  });
});
