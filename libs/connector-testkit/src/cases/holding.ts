import { expect } from '@jest/globals';
import type { CreateRequest } from '#connector-sdk';
import type { Condition, ConformanceCase } from '../case.js';
import type { CaseContext } from '../context.js';

const holds: Condition = ({ connector }) => (connector.capabilities.hold === 'ttl' ? null : 'hold: none');

/** Keeps the place of a booking that is to follow; tells until when. */
async function hold({ session, call }: CaseContext, { agendaId, reference, content }: CreateRequest): Promise<number> {
  if (session.hold === undefined) throw new Error('hold is ttl, and nothing holds');
  const { start, end, timeZone } = content;
  const kept = await session.hold({ agendaId, reference, when: { start, end }, timeZone }, call());
  return kept.until;
}

export const holding: readonly ConformanceCase[] = [
  {
    name: 'what is held is nobody else’s, is no busy time, and is booked once by whoever held it',
    unless: holds,
    async run(context) {
      const { session, harness } = context;
      const ours = context.booking(context.hour(0));
      expect(await hold(context, ours)).toBeGreaterThan(Date.now());
      await hold(context, ours);
      const theirs = context.booking(context.hour(0));
      expect((await context.failure(hold(context, theirs))).kind).toBe('taken');
      expect((await context.failure(session.create(theirs, context.call()))).kind).toBe('taken');
      const mirror = context.mirror();
      await mirror.pull(context.call().signal);
      expect(mirror.objects.size).toBe(0);
      await session.create(ours, context.call());
      expect(await harness.remote.list()).toEqual([expect.objectContaining(context.hour(0))]);
    },
  },
  {
    name: 'a hold that is given back is free for others, and none is left',
    unless: holds,
    async run(context) {
      const { session, harness } = context;
      const ours = context.booking(context.hour(1));
      await hold(context, ours);
      const { agendaId, reference } = ours;
      await session.cancel({ agendaId, reference, remoteId: null, version: null }, context.call());
      await session.create(context.booking(context.hour(1)), context.call());
      expect(await harness.remote.list()).toHaveLength(1);
    },
  },
];
