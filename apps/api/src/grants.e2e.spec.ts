import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { at, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Answer, type Client } from './api.suite.js';
import { addAgenda, claimsOn, setRules } from './desk.suite.js';
import { secondAgenda, Secretary } from './grants.suite.js';

const STANDARD = ['see-busy', 'see-identity', 'create', 'move', 'cancel'] as const;
const patient = { lastName: 'Durand', firstName: 'Camille' };

let api: TestApi;
let practice: Practice;
/** Of the practice's own collaborator, who may do everything. */
let owner: Client;
let other: string;

beforeAll(async () => {
  api = await TestApi.start();
  practice = await api.practice();
  owner = await api.client(practice);
  other = await secondAgenda(api, practice);
});

afterAll(() => api.stop());

const book = (ask: Client, time: string, more: object = {}): Promise<Answer> =>
  ask('POST', '/v1/appointments', {
    body: { agenda: practice.agenda, motif: practice.motif, start: at(time), patient, ...more },
  });
const tells = ({ status, json }: Answer): unknown[] => [status, json.code];
const tag = ({ headers }: Answer): { headers: { 'if-match': string | undefined } } => ({
  headers: { 'if-match': headers['etag'] },
});

describe('what a grant does not reach', () => {
  test('does not exist: lists, searches, events and ids leave it out', async () => {
    const here = (await book(owner, '08:00')).json.id as string;
    const there = (await book(owner, '08:00', { agenda: other })).json.id as string;
    const { ask, grant } = await secretary();
    await grant(STANDARD, { agenda_ids: [practice.agenda] });
    await api.eventsShown(practice);
    for (const path of [
      '/v1/agendas',
      '/v1/appointments',
      '/v1/events',
      `/v1/slots?motif=${practice.motif}&from=${at('09:00')}&to=${at('11:00')}`,
      '/v1/motifs',
    ]) {
      const answer = await ask('GET', path);
      expect([path, answer.status, answer.text.includes(practice.agenda), answer.text.includes(other)]).toEqual([
        path,
        200,
        true,
        false,
      ]);
      expect(answer.text).not.toContain(there);
    }
    expect((await ask('GET', `/v1/appointments/${here}`)).status).toBe(200);
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['POST', '/cancel', { reason: 'x' }],
    ] as const) {
      const [unseen, unknown] = await Promise.all(
        [there, randomUUID()].map((id) => ask(method, `/v1/appointments/${id}${path}`, { body })),
      );
      expect([unseen!.status, { ...unseen!.json, requestId: '' }]).toEqual([404, { ...unknown!.json, requestId: '' }]);
    }
    expect((await ask('GET', `/v1/agendas/${other}`)).status).toBe(404);
  });

  test('cannot be booked, moved to, held or named in a list of agendas', async () => {
    const { ask, grant } = await secretary();
    await grant(STANDARD, { agenda_ids: [practice.agenda] });
    const booked = await book(ask, '12:00');
    expect(booked.status).toBe(201);
    expect((await book(ask, '12:00', { agenda: other })).status).toBe(404);
    const moved = await ask('PATCH', `/v1/appointments/${booked.json.id as string}`, {
      body: { agenda: other },
      ...tag(booked),
    });
    expect(moved.status).toBe(404);
  });
});

describe('equipment out of sight', () => {
  test('is found free, claimed, moved along and freed by who sees only the practitioner’s agenda', async () => {
    const here = await api.practice();
    const laser = await addAgenda(api, here);
    await setRules(api, here, { equipment: [laser] });
    const secretaryHere = await Secretary.of(api, here);
    const { ask } = secretaryHere;
    await secretaryHere.grant([...STANDARD, 'overbook'], { agenda_ids: [here.agenda] });
    const search = `/v1/slots?motif=${here.motif}&agenda=${here.agenda}&from=${at('09:00')}&to=${at('11:00')}`;
    expect((await ask('GET', search)).json.items).not.toEqual([]);
    const where = { agenda: here.agenda, motif: here.motif, patient };
    const booked = await ask('POST', '/v1/appointments', { body: { ...where, start: at('09:00') } });
    expect([booked.status, await claimsOn(api, here, laser)]).toEqual([201, [{ claim: '09:00-09:30' }]]);
    const self = `/v1/appointments/${booked.json.id as string}`;
    const moved = await ask('PATCH', self, { body: { start: at('10:00') }, ...tag(booked) });
    expect([moved.status, await claimsOn(api, here, laser)]).toEqual([200, [{ claim: '10:00-10:30' }]]);
    expect((await ask('GET', `/v1/agendas/${laser}`)).status).toBe(404);
    expect((await ask('GET', '/v1/agendas')).text).not.toContain(laser);
    await ask('POST', `${self}/cancel`, { body: { reason: 'x' } });
    expect(await claimsOn(api, here, laser)).toEqual([]);
  });
});

describe('identity', () => {
  test('is absent without its right, in lists, answers and after booking', async () => {
    const { ask, grant } = await secretary();
    await grant(['see-busy', 'create'], { agenda_ids: [practice.agenda] });
    const booked = await book(ask, '14:00');
    const one = await ask('GET', `/v1/appointments/${booked.json.id as string}`);
    const all = await ask('GET', '/v1/appointments');
    for (const { status, text, json } of [booked, one, all]) {
      expect(status).toBeLessThan(300);
      expect(text).not.toContain(patient.lastName);
      expect('patient' in json).toBe(false);
    }
    expect((await owner('GET', `/v1/appointments/${booked.json.id as string}`)).json.patient).toMatchObject(patient);
  });

  test('is shown field by field: what a grant leaves out is in no answer, and nobody is found by it', async () => {
    const whole = { ...patient, lastName: 'Quatremère', phone: '06 12 34 56 78', birthDate: '1990-02-03' };
    const known = { ...whole, email: 'c@example.org', newPatient: true };
    const body = { agenda: practice.agenda, motif: practice.motif, start: at('13:00'), patient: known };
    const id = (await owner('POST', '/v1/appointments', { body })).json.id as string;
    const { ask, grant } = await secretary();
    await grant(['see-busy', 'create']);
    await grant(['see-identity'], { identity: ['phone'] });
    await grant(['export']);

    expect(tells(await ask('POST', '/v1/patients/exports', { body: { appointment: id } }))).toEqual([403, 'RIGHT']);
    const search = (by: object) => ask('POST', '/v1/patients/search', { body: by });
    const byName = { lastName: whole.lastName, firstName: whole.firstName, birthDate: whole.birthDate };
    expect((await ask('GET', `/v1/appointments/${id}`)).json.patient).toEqual({ phone: whole.phone });
    expect((await search(byName)).json.items).toEqual([]);
    expect((await search({ phone: whole.phone })).json.items).toEqual([expect.objectContaining({ id })]);
    for (const answer of [await ask('GET', '/v1/appointments'), await search({ phone: whole.phone })])
      expect(answer.text).not.toMatch(/Quatremère|1990-02-03|c@example/);
    const booked = await book(ask, '13:30', { patient: whole, acknowledgeDouble: true });
    expect(booked.json.patient).toEqual({ phone: whole.phone });
    await grant(['see-identity'], { identity: ['name', 'birthDate'], motif_ids: [practice.motif] });
    expect((await ask('GET', `/v1/appointments/${id}`)).json.patient).toEqual(whole);
    const found = (await search(byName)).json.items as { id: string }[];
    expect(found.map((one) => one.id).sort()).toEqual([id, booked.json.id as string].sort());
    const mine = (await ask('GET', '/v1/me/permissions')).json;
    expect(mine.agendas[0]).toMatchObject({ identity: ['phone', 'name', 'birthDate'] });
  });

  test('has a note only where the organization keeps notes, for whom a grant lets see it', async () => {
    const noted = { ...patient, note: 'Digicode 12A34, deuxième étage' };
    const refusal = [403, 'RIGHT', 'note'];
    const tried = async (ask: Client, time: string): Promise<unknown[]> => {
      const { status, json } = await book(ask, time, { patient: noted, acknowledgeDouble: true });
      return status === 201 ? [status, json.patient] : [status, json.code, json.field];
    };
    const { ask, grant } = await secretary();
    await grant(STANDARD);
    await grant(['see-identity'], { identity: ['note'] });
    expect([await tried(owner, '15:00'), await tried(ask, '15:00')]).toEqual([refusal, refusal]);
    const keep = (on: boolean) =>
      api.sql(practice, 'UPDATE organization SET patient_notes = $2 WHERE organization_id = $1', [
        ...[practice.organization, on],
      ]);
    await keep(true);
    api.parts.access.forget(practice.organization);
    expect([await tried(owner, '15:00'), await tried(ask, '15:00')]).toEqual([refusal, [201, noted]]);
    const listed = (await owner('GET', '/v1/appointments')).text;
    expect([listed.includes('Durand'), listed.includes('Digicode')]).toEqual([true, false]);
    await keep(false);
    api.parts.access.forget(practice.organization);
    expect((await ask('GET', '/v1/appointments')).text).not.toContain('Digicode');
  });
});

describe('a decision', () => {
  test('tells the nearest miss', async () => {
    const never = { periods: [], holidays: 'never' };
    const past = new Date(Date.now() - 60_000).toISOString();
    const cases: [object, string][] = [
      [{ state: 'revoked', revoked_at: past }, 'GRANT_REVOKED'],
      [{ state: 'proposed' }, 'GRANT_AWAITING_APPROVAL'],
      [{ valid_until: past }, 'GRANT_EXPIRED'],
      [{ valid_from: new Date(Date.now() + 3_600_000).toISOString() }, 'GRANT_NOT_YET_VALID'],
      [{ channels: ['console'] }, 'GRANT_CHANNEL'],
      [{ motif_ids: [randomUUID()] }, 'GRANT_MOTIF'],
      [{ audiences: ['SNP'] }, 'GRANT_AUDIENCE'],
      [{ hours: JSON.stringify(never) }, 'OUTSIDE_WORKING_HOURS'],
      [{ actions: ['see-busy'] }, 'RIGHT'],
    ];
    for (const [more, code] of cases) {
      const { ask, grant, id } = await secretary();
      await grant(STANDARD, more as Record<string, unknown>);
      expect([code, tells(await book(ask, '16:00'))]).toEqual([code, [403, code]]);
      const why = await owner(
        'GET',
        `/v1/access/explain?action=create&agenda=${practice.agenda}&motif=${practice.motif}&collaborator=${id}`,
      );
      expect(why.json).toMatchObject({ allowed: false, code });
    }
  });

  test('counts a quota once for each booking, however often it is asked for, and gives back what failed', async () => {
    const { ask, grant } = await secretary();
    await grant(['see-busy', 'create'], { quotas: JSON.stringify([{ action: 'create', perDay: 2 }]) });
    const key = { 'idempotency-key': randomUUID() };
    const body = { agenda: practice.agenda, motif: practice.motif, start: at('17:00'), patient };
    for (let n = 0; n < 3; n += 1)
      expect((await ask('POST', '/v1/appointments', { body, headers: key })).status).toBe(201);
    expect((await book(ask, '17:00')).status).toBe(409);
    const reused = await ask('POST', '/v1/appointments', { body: { ...body, start: at('17:30') }, headers: key });
    expect(reused.json.type).toContain('idempotency-key-reused');
    const hold = await ask('POST', '/v1/holds', {
      body: { agenda: practice.agenda, motif: practice.motif, start: at('18:00') },
    });
    expect(hold.status).toBe(201);
    expect((await ask('POST', '/v1/appointments', { body: { hold: hold.json.id as string, patient } })).status).toBe(
      201,
    );
    expect(tells(await book(ask, '19:00'))).toEqual([403, 'GRANT_QUOTA']);
  });

  test('counts each appointment of a series and of a bulk cancellation, and looking counts none', async () => {
    const { ask, grant } = await secretary();
    const quotas = JSON.stringify(['create', 'cancel'].map((action) => ({ action, perDay: 3 })));
    const { agenda, motif } = practice;
    const series = (times: readonly string[], headers = {}): Promise<Answer> =>
      ask('POST', '/v1/series', {
        body: { agenda, motif, patient, starts: times.map((one) => `2031-01-08T${one}`) },
        headers,
      });
    await grant(['see-busy', 'create', 'cancel'], { quotas });
    const key = { 'idempotency-key': randomUUID() };
    expect(tells(await series(['08:00', '09:00', '10:00', '11:00']))).toEqual([403, 'GRANT_QUOTA']);
    for (let n = 0; n < 2; n += 1) expect((await series(['08:00', '09:00'], key)).status).toBe(201);
    expect(tells(await series(['10:00', '11:00']))).toEqual([403, 'GRANT_QUOTA']);
    const made = await series(['10:00']);
    expect(made.status).toBe(201);
    const bulk = { agendas: [agenda], from: '2031-01-08T00:00:00Z', to: '2031-01-09T00:00:00Z', reason: 'x' };
    const looked = await ask('POST', '/v1/bulk-cancellations', { body: bulk });
    const ids = (looked.json.items as { appointment: string }[]).map(({ appointment }) => appointment);
    expect([looked.status, ids.length]).toEqual([200, 3]);
    expect((await ask('POST', `/v1/series/${made.json.id as string}/cancel`, { body: { reason: 'x' } })).status).toBe(
      200,
    );
    expect(tells(await ask('POST', '/v1/bulk-cancellations', { body: { ...bulk, appointments: ids } }))).toEqual([
      ...[403, 'GRANT_QUOTA'],
    ]);
    const two = await ask('POST', '/v1/bulk-cancellations', { body: { ...bulk, appointments: ids.slice(0, 2) } });
    expect(two.status).toBe(200);
    expect(
      tells(await ask('POST', '/v1/bulk-cancellations', { body: { ...bulk, appointments: ids.slice(0, 1) } })),
    ).toEqual([403, 'GRANT_QUOTA']);
  });

  test('needs the right to overbook besides that to book', async () => {
    const { ask, grant } = await secretary();
    await grant(STANDARD);
    expect(tells(await book(ask, '08:00', { overbook: { reason: 'urgent' } }))).toEqual([403, 'RIGHT']);
    await grant(['overbook']);
    expect((await book(ask, '08:00', { overbook: { reason: 'urgent' } })).status).toBe(201);
  });
});

describe('grants are issued', () => {
  const issue = (ask: Client, holder: string, more: object = {}): Promise<Answer> =>
    ask('POST', '/v1/grants', { body: { holder: { kind: 'collaborator', id: holder }, actions: STANDARD, ...more } });

  test('by who may manage them on every agenda concerned, act at once, and end at once', async () => {
    const { ask, id, grant } = await secretary();
    const { ask: deputy, grant: grantDeputy } = await secretary();
    await grantDeputy(['manage-grants', 'see-busy'], { agenda_ids: [practice.agenda] });
    expect(tells(await issue(ask, id))).toEqual([403, 'RIGHT']);
    expect((await issue(deputy, id, { agendas: [other] })).status).toBe(422);
    expect(tells(await issue(deputy, id))).toEqual([403, 'RIGHT']);
    const issued = await issue(deputy, id, { agendas: [practice.agenda] });
    expect([issued.status, issued.json.state]).toEqual([201, 'active']);
    const booked = await book(ask, '20:00');
    expect(booked.status).toBe(201);
    const path = `/v1/grants/${issued.json.id as string}`;
    expect((await deputy('POST', `${path}/revoke`, { headers: { 'if-match': '"9"' } })).status).toBe(412);
    expect((await deputy('POST', `${path}/revoke`, tag(issued))).json.state).toBe('revoked');
    expect(tells(await book(ask, '20:30'))).toEqual([403, 'GRANT_REVOKED']);
    await api.eventsShown(practice);
    const events = await owner('GET', '/v1/events?limit=500');
    const types = (events.json.items as { type: string; data: { grantId?: string } }[])
      .filter(({ data }) => data.grantId === issued.json.id)
      .map(({ type }) => type);
    expect(types).toEqual(['grant-issued', 'grant-revoked']);
    await grant(['see-busy']);
  });

  test('with a second person where one alone may not, and never by who proposed or receives it', async () => {
    const { ask, id } = await secretary();
    const { ask: second, grant: grantSecond } = await secretary();
    await grantSecond(['manage-grants']);
    const proposed = await issue(owner, id, { actions: [...STANDARD, 'overbook'], agendas: [practice.agenda] });
    expect(proposed.json.state).toBe('proposed');
    expect(tells(await book(ask, '21:00'))).toEqual([403, 'GRANT_AWAITING_APPROVAL']);
    const path = `/v1/grants/${proposed.json.id as string}/approve`;
    expect((await owner('POST', path, tag(proposed))).status).toBe(409);
    expect((await second('POST', path, tag(proposed))).json.state).toBe('active');
    expect((await book(ask, '21:00')).status).toBe(201);
  });

  test('to a team never with the approval of one of its members', async () => {
    const { ask: member, id, grant } = await secretary();
    await grant(['manage-grants']);
    const { id: team } = (await owner('POST', '/v1/teams', { body: { name: 'Accueil', members: [id] } })).json;
    const holder = { kind: 'team', id: team };
    const proposed = await owner('POST', '/v1/grants', { body: { holder, actions: ['overbook'] } });
    expect(proposed.json.state).toBe('proposed');
    expect((await member('POST', `/v1/grants/${proposed.json.id as string}/approve`, tag(proposed))).status).toBe(409);
  });

  test('copied from a colleague, narrowed, and passed on within their own bounds', async () => {
    const { id: colleague } = await secretary();
    const { ask, id } = await secretary();
    await issue(owner, colleague, { agendas: [practice.agenda], delegable: true });
    const copied = await owner('POST', '/v1/grants/copy', {
      body: { from: { kind: 'collaborator', id: colleague }, to: { kind: 'collaborator', id } },
    });
    expect([copied.status, copied.json.items.length]).toEqual([201, 1]);
    const [mine] = copied.json.items as [{ id: string; version: number }];
    const { ask: deputy, id: deputyId } = await secretary();
    const passed = await ask('POST', `/v1/grants/${mine.id}/delegate`, {
      body: {
        holder: { kind: 'collaborator', id: deputyId },
        kind: 'overflow',
        actions: ['see-busy', 'create', 'cancel'],
      },
    });
    expect(passed.status).toBe(201);
    expect((await book(deputy, '22:00')).status).toBe(201);
    const narrowed = await owner('PUT', `/v1/grants/${mine.id}`, {
      body: { actions: ['see-busy'], agendas: [practice.agenda], delegable: true },
      headers: { 'if-match': '"1"' },
    });
    expect(narrowed.json).toMatchObject({ state: 'active', actions: ['see-busy'] });
    expect(tells(await book(deputy, '22:30'))).toEqual([403, 'RIGHT']);
    expect((await deputy('GET', '/v1/appointments')).status).toBe(200);
  });

  test('from templates that every console can show, and as permissions that each can read of himself', async () => {
    const templates = await owner('GET', '/v1/grant-templates');
    expect((templates.json.items as { label: { fr: string } }[]).map(({ label }) => label.fr)).toEqual([
      ...['Secrétaire standard', 'Débordement soir et week-end', 'Lecture seule'],
    ]);
    const { ask, grant } = await secretary();
    const id = await grant(['see-busy', 'create'], { agenda_ids: [practice.agenda] });
    expect((await ask('GET', '/v1/me/permissions')).json).toMatchObject({
      everywhere: [],
      agendas: [{ agenda: practice.agenda, actions: ['see-busy', 'create'] }],
      grants: [id],
    });
    expect((await ask('GET', `/v1/access/explain?action=create&agenda=${practice.agenda}`)).json).toMatchObject({
      allowed: true,
      grant: id,
    });
    expect((await ask('GET', `/v1/access/explain?action=create&agenda=${other}`)).status).toBe(404);
  });

  test('to teams, whose members have them as long as they are in', async () => {
    const { ask, id } = await secretary();
    const team = await owner('POST', '/v1/teams', { body: { name: 'Accueil', members: [id] } });
    expect(team.status).toBe(201);
    await owner('POST', '/v1/grants', {
      body: { holder: { kind: 'team', id: team.json.id as string }, actions: ['see-busy', 'create'] },
    });
    expect((await book(ask, '23:00')).status).toBe(201);
    const emptied = await owner('PUT', `/v1/teams/${team.json.id as string}`, {
      body: { name: 'Accueil', members: [] },
      ...tag(team),
    });
    expect(emptied.status).toBe(200);
    expect(tells(await book(ask, '23:30'))).toEqual([403, 'RIGHT']);
  });

  test('and the owner of the agenda is told of each change', async () => {
    const { id } = await secretary();
    const set = await owner('PUT', `/v1/agendas/${practice.agenda}/owner`, {
      body: { collaborator: practice.collaborator, email: 'martin@example.org' },
    });
    expect(set.status).toBe(200);
    const issued = await issue(owner, id, { agendas: [practice.agenda] });
    const notices = await api.sql(
      practice,
      `SELECT n.change, c.email FROM grant_notice n JOIN agenda a ON a.organization_id = n.organization_id AND a.id = n.agenda_id
       JOIN collaborator c ON c.organization_id = a.organization_id AND c.id = a.owner_id WHERE n.organization_id = $1 AND n.grant_id = $2`,
      [practice.organization, issued.json.id],
    );
    expect(notices).toEqual([{ change: 'issued', email: 'martin@example.org' }]);
  });
});

async function secretary(): Promise<{ id: string; ask: Client; grant: Secretary['grant'] }> {
  const one = await Secretary.of(api, practice);
  return { id: one.id, ask: one.ask, grant: (...given) => one.grant(...given) };
}
