import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AUDIENCES } from '../rules/types.js';
import { allowedAgendas, allowedEverywhere, decide, shownIdentity } from './decide.js';
import { ACTIONS, CHANNELS, DELEGATIONS, IDENTITY_FIELDS } from './grant.js';
import type { AccessRequest, AccessAction, AgendaPlace, Grant, GrantTerms } from './grant.js';
import { referenceDecision } from './reference.suite.js';
import { isNarrower } from './terms.js';

const HOUR = 3_600_000;
/** The change to winter time, a Saturday before it, a Friday, and public holidays, with what lies around them. */
const MOMENTS = ['2026-10-25T00:00Z', '2026-05-01T00:00Z', '2026-12-24T20:00Z', '2026-03-28T22:00Z'].map(Date.parse);

const AGENDAS: readonly AgendaPlace[] = [
  { id: 'a1', locationId: 'lyon', timeZone: 'Europe/Paris', holidays: 'metropole' },
  { id: 'a2', locationId: 'lyon', timeZone: 'Europe/Paris', holidays: 'metropole' },
  { id: 'a3', locationId: 'strasbourg', timeZone: 'Europe/Paris', holidays: 'alsace-moselle' },
  { id: 'a4', locationId: 'saint-denis', timeZone: 'Indian/Reunion', holidays: 'reunion' },
];
/** Few, so that grants and requests meet. */
const USED_ACTIONS = ACTIONS.slice(0, 4);

const some = <T>(...values: readonly T[]): fc.Arbitrary<T[] | null> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.subarray([...values]) });
const instant = fc
  .tuple(fc.constantFrom(...MOMENTS), fc.integer({ min: -30 * 60, max: 60 * 60 }))
  .map(([from, minutes]) => from + minutes * 60_000);
const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom('00', '30'))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${minute}`);
const hours = fc.record({
  periods: fc.array(
    fc.record({ days: fc.subarray([1, 2, 3, 4, 5, 6, 7]), from: time, to: fc.oneof(time, fc.constant('24:00')) }),
    { maxLength: 3 },
  ),
  holidays: fc.constantFrom('as-weekday' as const, 'never' as const, 'always' as const),
});
const terms: fc.Arbitrary<GrantTerms> = fc.record({
  actions: fc.subarray([...USED_ACTIONS], { minLength: 1 }),
  identity: fc.subarray([...IDENTITY_FIELDS]),
  agendaIds: some('a1', 'a2', 'a3', 'a4'),
  locationIds: some('lyon', 'strasbourg', 'saint-denis'),
  motifIds: some('m1', 'm2'),
  audiences: some(...AUDIENCES),
  channels: some(...CHANNELS),
  hours: fc.option(hours),
  validFrom: fc.option(instant, { freq: 2 }),
  validUntil: fc.option(instant, { freq: 2 }),
  quotas: fc.array(fc.record({ action: fc.constantFrom(...USED_ACTIONS), perDay: fc.integer({ min: 0, max: 3 }) }), {
    maxLength: 2,
  }),
  delegable: fc.boolean(),
});

/** What the store would hold. */
class Held {
  readonly grants: Grant[] = [];
  readonly used = new Map<string, number>();

  /** Grants that were made from one follow what becomes of it, as they do when they are read anew. */
  put(index: number, change: Partial<Grant>): void {
    this.grants[index] = { ...this.grants[index]!, ...change };
    for (const [at, grant] of this.grants.entries()) {
      if (grant.delegated === null) continue;
      const { id } = grant.delegated.from;
      const from = this.grants.find((one) => one.id === id);
      if (from && from !== grant.delegated.from && at !== index)
        this.put(at, { delegated: { ...grant.delegated, from } });
    }
  }
}

interface Model {
  asked: number;
}

type Step = fc.Command<Model, Held>;
const step = (name: string, run: (held: Held, model: Model) => void, needsGrant = true): Step => ({
  check: () => true,
  run: (model, held) => {
    if (!needsGrant || held.grants.length > 0) run(held, model);
  },
  toString: () => name,
});
const pick = (held: Held, n: number): number => n % held.grants.length;

const issue = fc
  .tuple(terms, fc.constantFrom('active' as const, 'active' as const, 'proposed' as const))
  .map(([given, state]) =>
    step(
      `issue ${JSON.stringify(given)}`,
      (held) => held.grants.push({ ...given, id: `g${String(held.grants.length)}`, state, delegated: null }),
      false,
    ),
  );
const narrow = fc.tuple(fc.nat(), terms).map(([n, given]) =>
  step(`narrow ${String(n)}`, (held) => {
    const before = held.grants[pick(held, n)]!;
    const cut = <T>(a: readonly T[] | null, b: readonly T[] | null): readonly T[] | null =>
      a === null ? b : b === null ? a : a.filter((one) => b.includes(one));
    const after: GrantTerms = {
      ...before,
      actions: before.actions.filter((one) => given.actions.includes(one)),
      identity: before.identity.filter((one) => given.identity.includes(one)),
      motifIds: cut(before.motifIds, given.motifIds),
      audiences: cut(before.audiences, given.audiences),
      channels: cut(before.channels, given.channels),
      hours: before.hours ?? given.hours,
      delegable: before.delegable && given.delegable,
    };
    expect(isNarrower(after, before)).toBe(true);
    held.put(pick(held, n), after);
  }),
);
const approve = fc
  .nat()
  .map((n) => step(`approve ${String(n)}`, (held) => held.put(pick(held, n), { state: 'active' })));
const revoke = fc
  .nat()
  .map((n) => step(`revoke ${String(n)}`, (held) => held.put(pick(held, n), { state: 'revoked' })));
const delegate = fc.tuple(fc.nat(), terms, fc.constantFrom(...DELEGATIONS)).map(([n, given, kind]) =>
  step(`delegate ${String(n)} ${kind} ${JSON.stringify(given)}`, (held) => {
    const from = held.grants[pick(held, n)]!;
    held.grants.push({ ...given, id: `g${String(held.grants.length)}`, state: 'active', delegated: { from, kind } });
  }),
);
const use = fc.nat().map((n) =>
  step(`use ${String(n)}`, (held) => {
    const { id } = held.grants[pick(held, n)]!;
    held.used.set(id, (held.used.get(id) ?? 0) + 1);
  }),
);
const request = fc.record({
  action: fc.constantFrom<AccessAction>(...USED_ACTIONS, 'overbook'),
  agenda: fc.option(fc.constantFrom(...AGENDAS), { freq: 9 }),
  motifId: fc.option(fc.constantFrom('m1', 'm2', 'm3'), { freq: 3 }),
  audience: fc.option(fc.constantFrom(...AUDIENCES), { freq: 3 }),
  channel: fc.constantFrom(...CHANNELS),
});
const ask = fc.array(fc.tuple(request, instant), { minLength: 4, maxLength: 4 }).map((questions) =>
  step(
    `ask ${JSON.stringify(questions)}`,
    ({ grants, used }, model) => {
      for (const [given, at] of questions) {
        const question: AccessRequest = { ...given, used };
        const expected = referenceDecision(question, grants, at);
        expect(decide(question, grants, at)).toEqual(expect.objectContaining(expected));
        model.asked += 1;
      }
    },
    false,
  ),
);

describe('a decision', () => {
  test('agrees with the reference through issuing, narrowing, approving, revoking, delegating and using', () => {
    const steps = fc.commands([issue, issue, delegate, narrow, approve, revoke, use, ask, ask, ask], {
      maxCommands: 40,
    });
    const model = { asked: 0 };
    fc.assert(
      fc.property(steps, (commands) => {
        fc.modelRun(() => ({ model, real: new Held() }), commands);
      }),
      { numRuns: 200 },
    );
    expect(model.asked).toBeGreaterThan(500);
  });

  test('never allows more after narrowing or revoking, nor by a delegated grant than by what it was made from', () => {
    fc.assert(
      fc.property(terms, terms, request, instant, (given, passed, asked, at) => {
        const question = { ...asked, used: new Map<string, number>() };
        const root: Grant = { ...given, id: 'root', state: 'active', delegated: null, delegable: true };
        const from = { ...root, hours: null };
        const child: Grant = { ...passed, id: 'child', state: 'active', delegated: { from, kind: 'overflow' } };
        if (decide(question, [child], at).allowed) expect(decide(question, [from], at).allowed).toBe(true);
        if (
          isNarrower({ ...passed, quotas: given.quotas }, given) &&
          decide(question, [{ ...root, ...passed }], at).allowed
        )
          expect(decide(question, [{ ...root, quotas: passed.quotas }], at).allowed).toBe(true);
        expect(decide(question, [{ ...root, state: 'revoked' }], at).allowed).toBe(false);
        expect(decide(question, [], at)).toEqual({ allowed: false, reason: 'RIGHT' });
      }),
    );
  });

  test('lists exactly the agendas in which each by itself would be allowed', () => {
    fc.assert(
      fc.property(
        fc.array(terms, { maxLength: 5 }),
        request,
        instant,
        (all, { action, audience, channel, motifId }, at) => {
          const grants = all.map((one, n): Grant => ({
            ...one,
            quotas: [],
            id: `g${String(n)}`,
            state: 'active',
            delegated: null,
          }));
          const question = { action, channel, motifId, audience, used: new Map<string, number>() };
          const listed = allowedAgendas({ action, audience, channel, motifId }, { grants, agendas: AGENDAS, at });
          expect(listed).toEqual(
            AGENDAS.filter((agenda) => referenceDecision({ ...question, agenda }, grants, at).allowed),
          );
          if (allowedEverywhere({ action, audience, channel, motifId }, grants, at) !== undefined)
            expect(listed).toEqual(AGENDAS);
        },
      ),
      { numRuns: 40 },
    );
  });
});

test('of patients is shown what any grant shows that allows it there; passed on, no more than what it was made from', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(terms, terms), { maxLength: 4 }), request, instant, (all, asked, at) => {
      const grants = all.flatMap(([given, passed], n): Grant[] => {
        const from: Grant = { ...given, id: `g${String(n)}`, quotas: [], state: 'active', delegated: null };
        const delegated = { from, kind: 'replacement' as const };
        return [from, { ...passed, id: `d${String(n)}`, quotas: [], state: 'active', delegated }];
      });
      const question: AccessRequest = { ...asked, action: 'see-identity', used: new Map() };
      const expected = grants.flatMap((grant) => {
        if (asked.agenda === null || !referenceDecision(question, [grant], at).allowed) return [];
        const { identity, delegated } = grant;
        return delegated === null ? identity : identity.filter((field) => delegated.from.identity.includes(field));
      });
      const shown = shownIdentity(question, grants, at);
      if (asked.agenda !== null) expect([...shown.fields].sort()).toEqual([...new Set(expected)].sort());
      const needed = grants.filter(({ id }) => shown.grantIds.includes(id));
      expect(shownIdentity(question, needed, at)).toEqual(shown);
    }),
  );
});

describe('working hours', () => {
  const grant = (given: GrantTerms['hours']): Grant => ({
    id: 'g',
    state: 'active',
    delegated: null,
    ...{
      actions: ['create'],
      identity: [],
      agendaIds: null,
      locationIds: null,
      motifIds: null,
      audiences: null,
      channels: null,
    },
    ...{ hours: given, validFrom: null, validUntil: null, quotas: [], delegable: false },
  });
  const may = (given: Grant, at: string, agenda = AGENDAS[0]!): boolean =>
    decide(
      { action: 'create', agenda, motifId: null, audience: null, channel: 'console', used: new Map() },
      [given],
      Date.parse(at),
    ).allowed;

  test('run over midnight, in the zone of the place, by the wall clock on both sides of a change', () => {
    const nights = grant({ periods: [{ days: [6], from: '20:00', to: '08:00' }], holidays: 'as-weekday' });
    expect([may(nights, '2026-10-24T17:59Z'), may(nights, '2026-10-24T18:00Z')]).toEqual([false, true]);
    expect([may(nights, '2026-10-25T06:59Z'), may(nights, '2026-10-25T07:00Z')]).toEqual([true, false]);
    expect([may(nights, '2026-10-24T16:00Z', AGENDAS[3]), may(nights, '2026-10-25T04:00Z', AGENDAS[3])]).toEqual([
      true,
      false,
    ]);
  });

  test('know public holidays of the place: off, on all day, or as any other day', () => {
    const days = [{ days: [1, 2, 3, 4, 5], from: '09:00', to: '17:00' }];
    const labourDay = '2026-05-01T08:00Z';
    const goodFriday = '2026-04-03T08:00Z';
    const off = grant({ periods: days, holidays: 'never' });
    expect([may(off, labourDay), may(off, goodFriday), may(off, goodFriday, AGENDAS[2])]).toEqual([false, true, false]);
    expect(may(grant({ periods: days, holidays: 'as-weekday' }), labourDay)).toBe(true);
    const only = grant({ periods: [], holidays: 'always' });
    expect([may(only, labourDay), may(only, new Date(Date.parse(labourDay) + 24 * HOUR).toISOString())]).toEqual([
      true,
      false,
    ]);
  });

  test('say all day, every day', () => {
    const always = grant({
      periods: [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '24:00' }],
      holidays: 'as-weekday',
    });
    for (let hour = 0; hour < 48; hour += 1)
      expect(may(always, new Date(Date.parse('2026-10-24T00:00Z') + hour * HOUR).toISOString())).toBe(true);
  });
});
