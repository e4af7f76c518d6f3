import { describe, expect, it } from '@jest/globals';
import type { Action, RemoteObject } from '#domain';
import { MAX_ITEMS, planFirstSync, type PlannedAppointment } from './first-sync-plan.js';

const object = (remoteId: string, start: number, busy = true): RemoteObject => ({
  remoteId,
  version: '1',
  contentHash: remoteId,
  reference: null,
  when: { start, end: start + 10 },
  recurring: false,
  busy: busy ? [{ start, end: start + 10 }] : [],
  summary: 'Privé',
  modifiedAt: null,
});
const mirror = (remoteId: string, start: number, busy = true): Action => ({
  type: 'mirror',
  object: object(remoteId, start, busy),
  appointmentId: null,
});
const appointment = (id: string, start: number, buffer = 0): PlannedAppointment => ({
  id,
  start,
  end: start + 10,
  occupies: { start: start - buffer, end: start + 10 + buffer },
  motif: 'Consultation',
});
const steps = (plan: ReturnType<typeof planFirstSync>): string[] =>
  plan.items.map(({ step, appointmentId, remoteId }) => `${step} ${appointmentId ?? remoteId ?? ''}`);

describe('the plan of a first synchronisation', () => {
  it('tells what becomes of each side, in order of time', () => {
    const actions: Action[] = [
      mirror('busy', 100),
      mirror('free', 50, false),
      { type: 'confirm', appointmentId: 'same', object: object('a', 20) },
      { type: 'follow-move', appointmentId: 'moved', object: object('b', 40), to: { start: 40, end: 50 } },
      { type: 'remove-stray', appointmentId: 'dead', object: object('c', 60) },
      { type: 'quarantine', remoteId: 'odd', version: null, reason: 'torn', raw: 'secret' },
    ];
    const ours = [
      appointment('same', 20),
      appointment('moved', 30),
      appointment('new', 200),
      appointment('clash', 105),
    ];
    const plan = planFirstSync('two-way', actions, ours);
    expect(steps(plan)).toEqual([
      'unreadable odd',
      'adopt same',
      'follow moved',
      'leave free',
      'remove dead',
      'mirror busy',
      'conflict clash',
      'create new',
    ]);
    expect(plan.counts).toMatchObject({ adopt: 1, follow: 1, leave: 1, remove: 1, mirror: 1, conflict: 1, create: 1 });
    expect(JSON.stringify(plan)).not.toMatch(/Privé|secret/);
  });

  it('touching is no overlap, a buffer counts', () => {
    expect(steps(planFirstSync('two-way', [mirror('busy', 100)], [appointment('x', 110)]))).toContain('create x');
    expect(steps(planFirstSync('two-way', [mirror('busy', 100)], [appointment('x', 110, 5)]))).toContain('conflict x');
  });

  it('writes nothing on a link that only reads', () => {
    const plan = planFirstSync('read-only', [mirror('busy', 100)], [appointment('x', 300), appointment('y', 100)]);
    expect(steps(plan)).toEqual(['conflict y', 'mirror busy']);
  });

  it('is bounded, its counts are not', () => {
    const many = Array.from({ length: MAX_ITEMS + 5 }, (_, index) => mirror(`m${String(index)}`, index * 20));
    const plan = planFirstSync('two-way', many, []);
    expect([plan.items.length, plan.counts.mirror]).toEqual([MAX_ITEMS, MAX_ITEMS + 5]);
  });
});
