import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SCOPES, type Scope } from '#platform';
import { at, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Client } from './api.suite.js';

const CANARY = 'Zyxwvutsrq';
/** Every route under every scope is some two thousand requests, on a machine that may have other things to do. */
const SLOWLY_MS = 300_000;

interface Target {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly scope: Scope;
}

let api: TestApi;
let practice: Practice;
let ask: Client;
let targets: Target[];

beforeAll(async () => {
  api = await TestApi.start();
  practice = await api.practice();
  ask = await api.client(practice);
  targets = Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const [{ apiKey = [] } = {}] = operation['security'] as { apiKey?: Scope[] }[];
      return apiKey.map((scope) => ({
        method: method.toUpperCase() as Target['method'],
        path: path.replace(/\{[^}]+\}/g, randomUUID()),
        scope,
      }));
    }),
  );
});

afterAll(() => api.stop());

const body = ({ method }: Target): { body?: object } => (['POST', 'PUT', 'PATCH'].includes(method) ? { body: {} } : {});

describe('the document', () => {
  test('declares for every operation who may call it, and what it answers', () => {
    const open = new Set([
      '/health/live',
      '/health/ready',
      '/v1/push/{organizationId}/{linkId}',
      '/feeds/{token}.ics',
      '/v1/consents/callback',
      '/v1/sign-in',
      '/v1/sign-in/providers',
      '/v1/sign-in/callback',
      '/v1/token',
      '/v1/token/revocation',
      '/.well-known/oauth-authorization-server',
    ]);
    const own = new Set(['/v1/sessions', '/v1/sessions/{id}', '/v1/sign-out']);
    for (const [path, methods] of Object.entries(api.document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const security = operation['security'] as { apiKey?: string[] }[] | undefined;
        expect([method, path, security]).toEqual([
          method,
          path,
          open.has(path)
            ? [{}]
            : own.has(path)
              ? [{ apiKey: [] }]
              : [{ apiKey: [expect.stringMatching(new RegExp(SCOPES.join('|')))] }],
        ]);
        expect(Object.keys(operation.responses).length).toBeGreaterThan(1);
        expect(operation['operationId']).toMatch(/^[a-z]+-[a-zA-Z]+$/);
        if (method === 'post' && operation['requestBody'] !== undefined && !open.has(path))
          expect(JSON.stringify(operation['requestBody'])).toContain('#/components/schemas/');
      }
    }
  });

  test('names every route there is', () => {
    const names = Object.entries(api.document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(names.sort()).toEqual([
      'delete /v1/agendas/{id}/closures/{item}',
      'delete /v1/agendas/{id}/motifs/{motifId}',
      'delete /v1/agendas/{id}/openings/{item}',
      'delete /v1/agendas/{id}/reserves/{item}',
      'delete /v1/agendas/{id}/substitutions/{item}',
      'delete /v1/connections/{id}',
      'delete /v1/feeds/{id}',
      'delete /v1/holds/{id}',
      'delete /v1/identities/{id}',
      'delete /v1/identity-providers/{id}',
      'delete /v1/links/{id}',
      'delete /v1/sessions/{id}',
      'delete /v1/waiting-list/{id}',
      'get /.well-known/oauth-authorization-server',
      'get /feeds/{token}.ics',
      'get /health/live',
      'get /health/ready',
      'get /v1/access/explain',
      'get /v1/agendas',
      'get /v1/agendas/{id}',
      'get /v1/agendas/{id}/busy',
      'get /v1/agendas/{id}/busy-changes/{change}',
      'get /v1/agendas/{id}/closures',
      'get /v1/agendas/{id}/closures/{item}',
      'get /v1/agendas/{id}/feeds',
      'get /v1/agendas/{id}/motifs',
      'get /v1/agendas/{id}/motifs/{motifId}',
      'get /v1/agendas/{id}/openings',
      'get /v1/agendas/{id}/openings/{item}',
      'get /v1/agendas/{id}/outside-rules',
      'get /v1/agendas/{id}/reserves',
      'get /v1/agendas/{id}/reserves/{item}',
      'get /v1/agendas/{id}/substitutions',
      'get /v1/agendas/{id}/substitutions/{item}',
      'get /v1/appointments',
      'get /v1/appointments/{id}',
      'get /v1/audit',
      'get /v1/bulk-cancellations/{id}',
      'get /v1/callback-tasks',
      'get /v1/collaborators',
      'get /v1/conflicts',
      'get /v1/conflicts/{id}',
      'get /v1/connections',
      'get /v1/connections/{id}/agendas',
      'get /v1/consents/callback',
      'get /v1/disconnections/{id}',
      'get /v1/erasures/{id}',
      'get /v1/events',
      'get /v1/exports',
      'get /v1/exports/{id}',
      'get /v1/grant-templates',
      'get /v1/grants',
      'get /v1/grants/{id}',
      'get /v1/identities',
      'get /v1/identity-providers',
      'get /v1/links',
      'get /v1/links/{id}',
      'get /v1/links/{id}/brake',
      'get /v1/links/{id}/health',
      'get /v1/links/{id}/plan',
      'get /v1/links/{id}/quarantine',
      'get /v1/links/{id}/quarantine/{item}',
      'get /v1/mandates',
      'get /v1/me/permissions',
      'get /v1/motifs',
      'get /v1/series/{id}',
      'get /v1/sessions',
      'get /v1/sign-in',
      'get /v1/sign-in/callback',
      'get /v1/sign-in/providers',
      'get /v1/slots',
      'get /v1/slots/explain',
      'get /v1/slots/next',
      'get /v1/slots/suggestions',
      'get /v1/teams',
      'get /v1/waiting-list',
      'get /v1/waiting-list/offers',
      'get /v1/waiting-list/{id}',
      'patch /v1/agendas/{id}',
      'patch /v1/appointments/{id}',
      'patch /v1/links/{id}',
      'patch /v1/mandates/{id}',
      'patch /v1/waiting-list/{id}',
      'post /v1/agendas/{id}/busy-changes',
      'post /v1/agendas/{id}/closures',
      'post /v1/agendas/{id}/feeds',
      'post /v1/agendas/{id}/openings',
      'post /v1/agendas/{id}/preview',
      'post /v1/agendas/{id}/reserves',
      'post /v1/agendas/{id}/substitutions',
      'post /v1/appointments',
      'post /v1/appointments/{id}/cancel',
      'post /v1/appointments/{id}/undo',
      'post /v1/audit/exports',
      'post /v1/audit/exports/{id}/fetch',
      'post /v1/bulk-cancellations',
      'post /v1/callback-tasks/{id}/done',
      'post /v1/conflicts/{id}/resolve',
      'post /v1/connections',
      'post /v1/connections/dry-run',
      'post /v1/connections/{id}/consent',
      'post /v1/connections/{id}/dry-run',
      'post /v1/connections/{id}/verify',
      'post /v1/erasures',
      'post /v1/exports/{id}/approve',
      'post /v1/exports/{id}/refuse',
      'post /v1/grants',
      'post /v1/grants/copy',
      'post /v1/grants/{id}/approve',
      'post /v1/grants/{id}/delegate',
      'post /v1/grants/{id}/revoke',
      'post /v1/holds',
      'post /v1/holds/{id}/renew',
      'post /v1/identities',
      'post /v1/identity-providers',
      'post /v1/links',
      'post /v1/links/{id}/approve',
      'post /v1/links/{id}/brake/release',
      'post /v1/links/{id}/pause',
      'post /v1/links/{id}/quarantine/{item}/dismiss',
      'post /v1/links/{id}/quarantine/{item}/retry',
      'post /v1/links/{id}/relink',
      'post /v1/links/{id}/resume',
      'post /v1/links/{id}/sync',
      'post /v1/mandates',
      'post /v1/mandates/{id}/collaborators',
      'post /v1/mandates/{id}/revoke',
      'post /v1/patients/exports',
      'post /v1/patients/exports/{id}/fetch',
      'post /v1/patients/rectification',
      'post /v1/patients/search',
      'post /v1/push/{organizationId}/{linkId}',
      'post /v1/series',
      'post /v1/series/{id}/cancel',
      'post /v1/series/{id}/move',
      'post /v1/sign-out',
      'post /v1/teams',
      'post /v1/token',
      'post /v1/token/revocation',
      'post /v1/waiting-list',
      'post /v1/waiting-list/offers/{id}/accept',
      'post /v1/waiting-list/offers/{id}/refuse',
      'put /v1/agendas/{id}/closures/{item}',
      'put /v1/agendas/{id}/motifs/{motifId}',
      'put /v1/agendas/{id}/openings/{item}',
      'put /v1/agendas/{id}/owner',
      'put /v1/agendas/{id}/reserves/{item}',
      'put /v1/agendas/{id}/substitutions/{item}',
      'put /v1/connections/{id}/responsible',
      'put /v1/connections/{id}/secrets',
      'put /v1/grants/{id}',
      'put /v1/identity-providers/{id}',
      'put /v1/teams/{id}',
    ]);
  });

  test('refuses unknown fields in every body it describes', () => {
    for (const [name, schema] of Object.entries(api.document.components.schemas)) {
      if (/^New|Input$|Change$|Cancellation$|SyncRequest$/.test(name))
        expect([name, schema]).toEqual([name, expect.objectContaining({ additionalProperties: false })]);
    }
  });
});

describe('every operation', () => {
  test('is refused without a key, with a wrong one and with a revoked one, alike', async () => {
    const revoked = await api.key(practice);
    await api.sql(practice, 'UPDATE api_key SET revoked_at = now() WHERE organization_id = $1 AND id = $2', [
      practice.organization,
      revoked.id,
    ]);
    for (const target of targets) {
      const answers = await Promise.all(
        [undefined, `Bearer ${revoked.text}`, `Bearer ${revoked.text.slice(0, -1)}A`, 'Bearer x'].map((authorization) =>
          api.ask(target.method, target.path, { headers: { authorization }, ...body(target) }),
        ),
      );
      const seen = answers.map(({ status, json }) => JSON.stringify([status, { ...json, requestId: '' }]));
      expect([target, new Set(seen).size, answers[0]?.status]).toEqual([target, 1, 401]);
    }
  });

  test(
    'is refused to a key that lacks its scope, and to no other',
    async () => {
      for (const scope of SCOPES) {
        const only = await api.client(practice, [scope]);
        const left = targets.filter(({ path }) => path !== '/v1/events' || scope !== 'event:read');
        const worker = async (): Promise<void> => {
          for (let target = left.shift(); target !== undefined; target = left.shift()) {
            const { status } = await only(target.method, target.path, body(target));
            expect([target, scope, status === 403]).toEqual([target, scope, target.scope !== scope]);
          }
        };
        await Promise.all(Array.from({ length: 4 }, worker));
      }
    },
    SLOWLY_MS,
  );

  test('that writes names who acts', async () => {
    for (const target of targets.filter(({ method }) => method !== 'GET')) {
      const nobody = await ask(target.method, target.path, {
        ...body(target),
        headers: { 'unisson-collaborator': undefined },
      });
      expect([target, nobody.status, nobody.json.type]).toEqual([
        target,
        400,
        expect.stringContaining('collaborator-required'),
      ]);
      const stranger = await ask(target.method, target.path, {
        ...body(target),
        headers: { 'unisson-collaborator': randomUUID() },
      });
      expect([target, stranger.status]).toEqual([target, 403]);
    }
  });

  test('never answers 5xx to nonsense', async () => {
    const nonsense = ['{', '[]', 'null', '""', '{"a":{}}', '{"constructor":1}', '['.repeat(5000)];
    for (const target of targets.filter(({ method }) => method !== 'GET')) {
      for (const text of nonsense) {
        const answer = await ask(target.method, target.path, { body: text });
        expect([target, text, answer.status >= 400 && answer.status < 500]).toEqual([target, text, true]);
      }
    }
    for (const target of targets.filter(({ method }) => method === 'GET')) {
      for (const query of [
        '?x=1',
        '?limit=',
        '?limit=1e9',
        '?agenda=%00',
        '?cursor=%F0%9F',
        '?after=1',
        '?from=a&to=b',
        '?limit[]=1',
        '?__proto__=1',
      ]) {
        const answer = await ask(target.method, target.path + query);
        expect([target, query, answer.status >= 400 && answer.status < 500]).toEqual([target, query, true]);
      }
    }
  });
});

test('an inactive collaborator books nothing', async () => {
  const [{ id }] = (await api.sql(
    practice,
    'INSERT INTO collaborator (organization_id, id, display_name, active) VALUES ($1, gen_random_uuid(), $2, false) RETURNING id',
    [practice.organization, 'Gone'],
  )) as [{ id: string }];
  expect((await ask('POST', '/v1/holds', { body: {}, headers: { 'unisson-collaborator': id } })).status).toBe(403);
});

test('nothing of one organization is seen in another', async () => {
  const mine = {
    agenda: practice.agenda,
    motif: practice.motif,
    start: at('08:00'),
    patient: { lastName: CANARY, firstName: CANARY },
  };
  const booked = await ask('POST', '/v1/appointments', { body: mine });
  expect(booked.status).toBe(201);
  await ask('POST', `/v1/appointments/${booked.json.id as string}/cancel`, { body: { reason: CANARY } });
  const strangers = await api.practice();
  const stranger = await api.client(strangers);
  for (const path of [
    '/v1/agendas',
    '/v1/motifs',
    '/v1/appointments',
    '/v1/events',
    '/v1/connections',
    `/v1/slots/next?motif=${strangers.motif}`,
  ]) {
    const answer = await stranger('GET', path);
    expect([path, answer.status, answer.text.includes(CANARY), answer.text.includes(practice.agenda)]).toEqual([
      path,
      200,
      false,
      false,
    ]);
  }
  const id = booked.json.id as string;
  const unknown = randomUUID();
  for (const [method, path, more] of [
    ['GET', '', {}],
    ['PATCH', '', { body: { start: at('09:00') }, headers: { 'if-match': '"1"' } }],
    ['POST', '/cancel', { body: { reason: 'x' } }],
  ] as const) {
    const [theirs, none] = await Promise.all(
      [id, unknown].map((one) => stranger(method, `/v1/appointments/${one}${path}`, more)),
    );
    expect([theirs?.status, { ...theirs?.json, requestId: '' }]).toEqual([404, { ...none?.json, requestId: '' }]);
  }
  expect((await stranger('DELETE', `/v1/holds/${id}`)).status).toBe(404);
});

test('no secret and no patient is in the log', async () => {
  await ask('POST', '/v1/appointments', { body: '{"patient":{"lastName":"Zyxwvutsrq"}', headers: { cookie: CANARY } });
  expect(api.logged()).not.toContain(CANARY);
  expect(api.logged()).not.toContain('unisson_');
});
