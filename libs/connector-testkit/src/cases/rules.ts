import { expect } from '@jest/globals';
import type { BackendRules } from '#domain';
import { both, hasFault, type Condition, type ConformanceCase } from '../case.js';
import { WINDOW, type CaseContext } from '../context.js';

const ruled: Condition = ({ connector }) =>
  connector.capabilities.availability === 'remote' ? null : `availability: ${connector.capabilities.availability}`;

/** The hours that the practitioner is going to open to the secretariat. */
async function openOnly({ harness, hour }: CaseContext): Promise<void> {
  if (harness.openOnly === undefined) throw new Error('a backend with rules of its own needs openOnly');
  await harness.openOnly([hour(0), hour(2)]);
}

async function rulesOf({ session, harness, call }: CaseContext): Promise<BackendRules> {
  if (session.rules === undefined) throw new Error('availability is remote, and nothing tells the rules');
  return session.rules({ agendaId: harness.agendaId, window: WINDOW, timeZone: 'Europe/Paris' }, call());
}

export const rules: readonly ConformanceCase[] = [
  {
    name: 'the hours that may be booked are told, taken or not, and only those are booked',
    unless: ruled,
    async run(context) {
      await openOnly(context);
      await context.session.create(context.booking(context.hour(0)), context.call());
      expect((await rulesOf(context)).openings).toEqual([context.hour(0), context.hour(2)]);
      const refused = await context.failure(context.session.create(context.booking(context.hour(1)), context.call()));
      expect(refused.kind).toBe('taken');
    },
  },
  {
    name: 'an answer that cannot be read is never "nothing may be booked"',
    unless: both(ruled, hasFault('html')),
    async run(context) {
      await openOnly(context);
      await context.harness.fault('html');
      expect((await context.failure(rulesOf(context))).kind).toBe('unavailable');
    },
  },
];
