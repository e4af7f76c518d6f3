import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ACTIONS, type AccessAction } from '#domain';
import { fill } from '../../../test/support/every-table.js';
import { OpenApiFuzz, type FuzzTarget } from '../../../test/support/openapi-fuzz.js';
import { inTenant, openPool, type Practice } from '../../../test/support/practice.js';
import { TestApi, type Answer, type Client } from './api.suite.js';
import { secondAgenda, Secretary } from './grants.suite.js';

/** A route, and what the document declares that it needs. */
interface Route extends FuzzTarget {
  readonly action: AccessAction;
  /** What its `id` names. */
  readonly on: string;
  /** Whether what it tells takes seeing who patients are besides. */
  readonly tellsIdentity: boolean;
}

/** What a path can name in one organization. */
interface Place {
  readonly agenda: string;
  readonly motif: string;
  readonly appointment: string;
  readonly connection: string;
  readonly link: string;
  /** Of everything else. */
  readonly id: string;
}

let api: TestApi;
let practice: Practice;
let owner: Client;
let fuzz: OpenApiFuzz;
let routes: Route[];
let mine: Place;
let theirs: Place;

beforeAll(async () => {
  api = await TestApi.start();
  practice = await api.practice({ master: 'remote' });
  owner = await api.client(practice);
  [mine, theirs] = [await everythingOf(practice), await everythingOf(await api.practice({ master: 'remote' }))];
  fuzz = new OpenApiFuzz(api.document, [randomUUID()]);
  routes = fuzz.targets.flatMap((target) => {
    const operation = api.document.paths[target.template]?.[target.method.toLowerCase()];
    const action = operation?.['x-action'] as AccessAction | 'self' | undefined;
    return action === undefined || action === 'self'
      ? []
      : [
          {
            ...target,
            action,
            on: operation?.['x-on'] as string,
            tellsIdentity: operation?.['x-identity'] !== undefined,
          },
        ];
  });
});

afterAll(() => api.stop());

/** A row of every kind, as the paths name them. */
async function everythingOf(of: Practice): Promise<Place> {
  const pool = openPool(api.databaseUrl, 1);
  try {
    const { id, held, connection } = await inTenant(pool, of.organization, (client) => fill(client, of));
    return { agenda: of.agenda, motif: of.motif, link: of.link, appointment: held, connection, id };
  } finally {
    await pool.end();
  }
}

const nowhere = (): Place => {
  const [agenda, motif, appointment, connection, link, id] = Array.from({ length: 6 }, () => randomUUID());
  return { agenda, motif, appointment, connection, link, id } as Place;
};

const pathOf = ({ template, on }: Route, place: Place): string =>
  template
    .replace('{id}', on in place ? place[on as keyof Place] : place.id)
    .replace('{motifId}', place.motif)
    .replace(/\{[^}]+\}/g, place.id);

/** The names that a route takes beside its path. */
const namesOf = ({ parameters, body }: Route): { inQuery: string[]; inBody: string[] } => ({
  inQuery: parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name),
  inBody: body === null ? [] : fuzz.fieldsOf(body),
});

/** What a request names of agendas and motifs wherever its route takes them. */
function named(place: Place, names: readonly string[]): Record<string, string | string[]> {
  const all = { agenda: place.agenda, agendas: [place.agenda], motif: place.motif, motifs: [place.motif] };
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}

function send(ask: Client, route: Route, place: Place, body?: unknown): Promise<Answer> {
  const { inQuery, inBody } = namesOf(route);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(named(place, inQuery))) query.set(name, [value].flat().join());
  const path = query.size === 0 ? pathOf(route, place) : `${pathOf(route, place)}?${query.toString()}`;
  const given = route.body === null ? undefined : (body ?? named(place, inBody));
  return ask(route.method, path, { headers: { 'if-match': '"1"' }, ...(given !== undefined && { body: given }) });
}

/** Asks every route, a few at a time, and tells what does not answer as it should. */
async function wrong(
  asked: readonly Route[],
  told: (route: Route) => Promise<unknown>,
  due: (route: Route) => unknown,
) {
  const seen: unknown[] = [];
  const left = [...asked];
  const worker = async (): Promise<void> => {
    for (let route = left.shift(); route !== undefined; route = left.shift()) {
      const [is, should] = [JSON.stringify(await told(route)), JSON.stringify(due(route))];
      if (is !== should) seen.push([route.method, route.template, is, 'should be', should]);
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return seen;
}

async function secretary(actions: readonly AccessAction[], more: Readonly<Record<string, unknown>> = {}) {
  const one = await Secretary.of(api, practice);
  await one.grant(actions, more);
  return one.ask;
}

const refusal = ({ status, json }: Answer): unknown => (status === 403 ? [403, json.code, json.right] : 'not refused');

const WITH_MOTIF = new Set(['appointment', 'series', 'conflict', 'callback-task', 'waiting-offer']);
/** Taken time has no motif; but whoever names one is asked about it. */
const isAboutMotif = (route: Route): boolean => {
  const { inQuery, inBody } = namesOf(route);
  const names = [...inQuery, ...inBody].some((name) => name === 'motif' || name === 'motifs');
  return names || route.template.includes('{motifId}') || (WITH_MOTIF.has(route.on) && route.action !== 'see-busy');
};

describe('every route of the document', () => {
  test('declares an action that there is', () => {
    expect(routes.length).toBeGreaterThan(100);
    expect(routes.filter(({ action }) => !ACTIONS.includes(action))).toEqual([]);
  });

  test.each([
    ['expired', { valid_until: '2020-01-01T00:00Z' }, 'GRANT_EXPIRED'],
    ['revoked', { state: 'revoked', revoked_at: '2020-01-01T00:00Z' }, 'GRANT_REVOKED'],
    ['for another audience', { audiences: ['SNP'] }, 'GRANT_AUDIENCE'],
    ['outside hours', { hours: '{"periods":[],"holidays":"never"}' }, 'OUTSIDE_WORKING_HOURS'],
  ])('is refused under a grant that is %s', async (_, more, code) => {
    const ask = await secretary(ACTIONS, more);
    const told = async (route: Route): Promise<unknown> => refusal(await send(ask, route, mine));
    expect(await wrong(routes, told, ({ action }) => [403, code, action])).toEqual([]);
  });

  test('is refused without its action, whatever else is allowed, and opened by that action alone', async () => {
    for (const action of ACTIONS) {
      const all = routes.filter((route) => route.action === action);
      const without = await secretary(ACTIONS.filter((one) => one !== action));
      const refused = async (route: Route): Promise<unknown> => refusal(await send(without, route, mine));
      expect(await wrong(all, refused, () => [403, 'RIGHT', action])).toEqual([]);
      const [alone, seeing] = [await secretary([action]), await secretary([action, 'see-identity'])];
      const opened = async (route: Route): Promise<unknown> =>
        refusal(
          await send(route.tellsIdentity ? seeing : alone, route, {
            ...nowhere(),
            ...{ agenda: mine.agenda, motif: mine.motif },
          }),
        );
      const blind = all.filter(({ tellsIdentity }) => tellsIdentity && action !== 'see-identity');
      const unseen = async (route: Route): Promise<unknown> => refusal(await send(alone, route, mine));
      expect(await wrong(blind, unseen, () => [403, 'RIGHT', 'see-identity'])).toEqual([]);
      expect(await wrong(all, opened, () => 'not refused')).toEqual([]);
    }
  });

  test('is refused for another motif where it is about one', async () => {
    const ask = await secretary(ACTIONS, { motif_ids: [randomUUID()] });
    const told = async (route: Route): Promise<unknown> =>
      refusal(await send(ask, route, isAboutMotif(route) ? mine : { ...nowhere(), agenda: mine.agenda }));
    expect(routes.filter(isAboutMotif).length).toBeGreaterThan(20);
    const due = (route: Route): unknown => (isAboutMotif(route) ? [403, 'GRANT_MOTIF', route.action] : 'not refused');
    expect(await wrong(routes, told, due)).toEqual([]);
  });

  test('finds nothing of another organization, nor of an agenda out of reach: both answer as what there is not', async () => {
    const narrow = await secretary(ACTIONS, { agenda_ids: [await secondAgenda(api, practice)] });
    const all = routes.filter(({ template, on }) => template.includes('{id}') && on !== 'organization');
    for (const [ask, place, naming] of [
      [owner, theirs, all],
      // The grant among the rows is about every agenda, and so about his as well.
      [narrow, { ...mine, motif: theirs.motif }, all.filter(({ on }) => on !== 'grant')],
    ] as const) {
      const told = async (route: Route, at: Place): Promise<unknown> => {
        const body = route.body === null ? undefined : fuzz.wellFormed(route.body, 7);
        const { status, json } = await send(ask, route, at, body);
        return [status, JSON.stringify({ ...json, requestId: '' }).replaceAll(/[0-9a-f-]{36}/g, '')];
      };
      const unknown = new Map<Route, unknown>();
      for (const route of naming) unknown.set(route, await told(route, nowhere()));
      expect(
        await wrong(
          naming,
          (route) => told(route, place),
          (route) => unknown.get(route),
        ),
      ).toEqual([]);
      expect([...unknown.values()].filter((one) => (one as [number])[0] === 404).length).toBeGreaterThan(40);
    }
  });
});
