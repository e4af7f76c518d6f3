import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Practice } from '../../../test/support/practice.js';
import { TestApi, type Answer, type Client } from './api.suite.js';
import { date, paris } from './rules.suite.js';

interface Request {
  readonly method: Parameters<Client>[0];
  readonly path: string;
  readonly body: string;
  readonly status: number;
  readonly code: string | undefined;
}

const AGENDAS = ['martin', 'leroy', 'noel', 'salle-laser', 'alix', 'bruno', 'chloe'];
const MOTIFS = ['consultation', 'urgence', 'premiere', 'laser', 'controle'];

let api: TestApi;
let practice: Practice;
let ask: Client;
const ids = new Map<string, string>();

beforeAll(async () => {
  api = await TestApi.start();
  practice = await api.practice();
  ask = await api.client(practice);
  ids.set('maison', randomUUID());
  const place = [practice.organization, ids.get('maison'), 'Maison de santé', 'Europe/Paris'];
  await api.sql(practice, 'INSERT INTO location (organization_id, id, name, time_zone) VALUES ($1, $2, $3, $4)', place);
  for (const name of AGENDAS) {
    ids.set(name, randomUUID());
    const values = [ids.get(name), name, practice.agenda, ids.get('maison')];
    await api.sql(
      practice,
      `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name) SELECT organization_id, $1, practitioner_id, $4, $2 FROM agenda WHERE id = $3`,
      values,
    );
  }
  for (const name of MOTIFS) {
    ids.set(name, randomUUID());
    await api.sql(
      practice,
      'INSERT INTO motif (organization_id, id, label_fr, label_en, duration_minutes) VALUES ($1, $2, $3, $3, 30)',
      [practice.organization, ids.get(name), name],
    );
  }
});

afterAll(() => api.stop());

/** The requests of a document, in order: method and path, body, and `# status [code]`. */
function requestsOf(text: string): Request[] {
  const blocks = [...text.matchAll(/```http\n(.*?)```/gs)].map(([, block = '']) => block);
  return [...blocks.join('').matchAll(/^(GET|POST|PUT|PATCH|DELETE) (.+?)\n([^#]*?)^# (\d{3})(?: ([A-Z_]+))?$/gms)].map(
    ([, method, path = '', body = '', status, code]) => ({
      ...{ method: method as Request['method'], path, body, code },
      status: Number(status),
    }),
  );
}

function filled(text: string): string {
  return text.replaceAll(/\{([a-z][a-z0-9: -]*)\}/g, (_, name: string) => {
    const [, time] = /^monday(?: (\d\d:\d\d))?$/.exec(name) ?? [];
    if (name === 'monday') return date();
    const value = time === undefined ? ids.get(name) : paris(time);
    if (value === undefined) throw new Error(`nobody knows {${name}}`);
    return value;
  });
}

async function send({ method, path, body }: Request): Promise<Answer> {
  const [route = '', query] = path.split('?');
  const search = new URLSearchParams();
  for (const part of query === undefined ? [] : query.split('&')) {
    const [name = '', value = ''] = part.split('=');
    search.append(name, filled(value));
  }
  const target = filled(route) + (query === undefined ? '' : `?${search.toString()}`);
  const seen = method === 'PUT' || method === 'PATCH' ? await ask('GET', target) : null;
  const version = seen?.status === 200 ? { 'if-match': seen.headers['etag'] } : {};
  return ask(method, target, {
    headers: version,
    ...(body === '' ? {} : { body: JSON.parse(filled(body)) as unknown }),
  });
}

const codesOf = ({ json }: Answer): unknown[] => [
  json?.code,
  ...((json?.reasons ?? []) as { code: string }[]).map(({ code }) => code),
];

test('three practices are what the document says', async () => {
  const text = await fs.readFile(new URL('../../../docs/practices.md', import.meta.url), 'utf8');
  const requests = requestsOf(text);
  expect(requests.length).toBe([...text.matchAll(/^# \d{3}/gm)].length);
  for (const request of requests) {
    const answer = await send(request);
    const said = { request: `${request.method} ${request.path} ${request.body}`, status: answer.status };
    const codes = request.code === undefined ? [] : codesOf(answer).filter((code) => code === request.code);
    expect({ ...said, code: codes[0] }).toEqual({ ...said, status: request.status, code: request.code });
  }
});
