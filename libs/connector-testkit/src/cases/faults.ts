import { expect } from '@jest/globals';
import type { ConnectorErrorKind } from '#connector-sdk';
import { both, hasFault, repeatable, writes, type ConformanceCase } from '../case.js';
import { EXCHANGE_MS, type CaseContext } from '../context.js';
import type { FaultName } from '../harness.js';

interface Expectation {
  readonly fault: FaultName;
  readonly read: ConnectorErrorKind;
  /** A write that may have been carried out must say `unknown`; `unavailable` claims that it certainly was not. */
  readonly write: readonly ConnectorErrorKind[];
}

const EXPECTATIONS: readonly Expectation[] = [
  { fault: 'unauthorized', read: 'auth', write: ['auth'] },
  { fault: 'forbidden', read: 'forbidden', write: ['forbidden'] },
  { fault: 'rate-limited', read: 'rate_limited', write: ['rate_limited'] },
  { fault: 'server-error', read: 'unavailable', write: ['unknown'] },
  { fault: 'html', read: 'unavailable', write: ['unknown', 'unavailable'] },
  { fault: 'reset', read: 'unavailable', write: ['unknown'] },
  { fault: 'torn', read: 'unavailable', write: ['unknown'] },
];

const kinds: readonly ConformanceCase[] = EXPECTATIONS.flatMap(({ fault, read, write }) => [
  {
    name: `${fault}: a pull and a find fail as ${read}`,
    unless: hasFault(fault),
    async run(context) {
      await context.harness.fault(fault);
      const errors = [await context.failure(pulled(context)), await context.failure(found(context))];
      expect(errors.map(({ kind }) => kind)).toEqual([read, read]);
      if (fault === 'rate-limited') for (const error of errors) expect(error.retryAfterMs).toBeGreaterThanOrEqual(1000);
    },
  },
  {
    name: `${fault}: a create fails as ${write.join(' or ')}`,
    unless: both(writes, hasFault(fault)),
    async run(context) {
      await context.harness.fault(fault);
      const error = await context.failure(context.session.create(context.booking(context.hour(0)), context.call()));
      expect(write).toContain(error.kind);
      if (fault === 'rate-limited') expect(error.retryAfterMs).toBeGreaterThanOrEqual(1000);
      if (error.kind === 'unknown') return;
      await context.harness.clearFaults();
      expect(await context.harness.remote.list()).toEqual([]);
    },
  },
]);

function pulled(context: CaseContext): Promise<unknown> {
  return context.mirror().pull(context.call().signal);
}

function found({ session, harness, call }: CaseContext): Promise<unknown> {
  return session.find({ agendaId: harness.agendaId, reference: 'kit-none' }, call());
}

const lostAnswers: readonly ConformanceCase[] = (['drop-after-commit', 'hang-after-commit'] as const).flatMap(
  (fault): ConformanceCase[] => [
    {
      name: `${fault}: a create is unknown, is then found, and repeating it leaves one object`,
      unless: both(writes, repeatable, hasFault(fault)),
      async run(context) {
        const { session, harness } = context;
        const booking = context.booking(context.hour(0));
        await harness.fault(fault);
        expect((await context.failure(session.create(booking, context.call()))).kind).toBe('unknown');
        await harness.clearFaults();
        const there = await session.find(booking, context.call());
        expect(there).toMatchObject({ reference: booking.reference, when: context.hour(0) });
        expect((await session.create(booking, context.call())).remoteId).toBe(there?.remoteId);
        expect(await harness.remote.list()).toHaveLength(1);
      },
    },
    {
      name: `${fault}: a move is unknown, and its old version is then stale`,
      unless: both(writes, hasFault(fault)),
      async run(context) {
        const { session, harness } = context;
        const booking = context.booking(context.hour(0));
        const { remoteId, version } = await session.create(booking, context.call());
        const move = { ...booking, remoteId, version, content: context.content(context.hour(1)) };
        await harness.fault(fault);
        expect((await context.failure(session.update(move, context.call()))).kind).toBe('unknown');
        await harness.clearFaults();
        expect(await session.find(booking, context.call())).toMatchObject({ remoteId, when: context.hour(1) });
        expect((await context.failure(session.update(move, context.call()))).kind).toBe('stale');
      },
    },
    {
      name: `${fault}: a cancel is unknown, and cancelling again succeeds`,
      unless: both(writes, hasFault(fault)),
      async run(context) {
        const { session, harness } = context;
        const booking = context.booking(context.hour(0));
        const { remoteId, version } = await session.create(booking, context.call());
        await harness.fault(fault);
        expect((await context.failure(session.cancel({ ...booking, remoteId, version }, context.call()))).kind).toBe(
          'unknown',
        );
        await harness.clearFaults();
        await session.cancel({ ...booking, remoteId, version }, context.call());
        expect(await harness.remote.list()).toEqual([]);
      },
    },
  ],
);

const others: readonly ConformanceCase[] = [
  {
    name: 'a write that was answered with success and never stored is unknown, not done',
    unless: both(writes, hasFault('lose-write')),
    async run(context) {
      await context.harness.fault('lose-write');
      const booking = context.booking(context.hour(0));
      expect((await context.failure(context.session.create(booking, context.call()))).kind).toBe('unknown');
      await context.harness.clearFaults();
      expect(await context.session.find(booking, context.call())).toBeNull();
    },
  },
  {
    name: 'a backend that never answers is given up in time',
    unless: hasFault('hang'),
    async run(context) {
      await context.harness.fault('hang');
      const began = performance.now();
      expect((await context.failure(pulled(context))).kind).toBe('unavailable');
      expect(performance.now() - began).toBeLessThan(EXCHANGE_MS * 3);
    },
  },
  {
    name: 'an abort ends a call at once',
    unless: hasFault('hang'),
    async run(context) {
      await context.harness.fault('hang');
      const began = performance.now();
      const signal = AbortSignal.timeout(200);
      expect((await context.failure(context.mirror().pull(signal))).kind).toBe('unavailable');
      expect(performance.now() - began).toBeLessThan(EXCHANGE_MS * 0.8);
    },
  },
  {
    name: 'a create aborted after it was sent is unknown',
    unless: both(writes, hasFault('hang')),
    async run(context) {
      await context.harness.fault('hang');
      const attempt = context.session.create(context.booking(context.hour(0)), { signal: AbortSignal.timeout(200) });
      expect((await context.failure(attempt)).kind).toBe('unknown');
    },
  },
  {
    name: 'a call given up before it began sends nothing',
    unless: writes,
    async run(context) {
      const attempt = context.session.create(context.booking(context.hour(0)), { signal: AbortSignal.abort() });
      expect(['unavailable', 'unknown']).toContain((await context.failure(attempt)).kind);
      expect(await context.harness.remote.list()).toEqual([]);
    },
  },
];

export const failures: readonly ConformanceCase[] = [...kinds, ...lostAnswers, ...others];
