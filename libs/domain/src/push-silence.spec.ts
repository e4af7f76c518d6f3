import { describe, expect, it } from '@jest/globals';
import { foundElsewhere, judgeSilence, SILENT_READS, type ReadBesidePushes } from './push-silence.js';
import type { Action } from './reconcile-types.js';
import type { RemoteObject } from './remote.js';

const READ: ReadBesidePushes = { live: true, announced: false, found: true, silent: 0 };
const object: RemoteObject = {
  remoteId: 'a',
  version: '1',
  contentHash: 'h',
  reference: null,
  when: null,
  recurring: false,
  busy: [],
  summary: null,
  modifiedAt: null,
};

describe('a subscription', () => {
  it.each<[string, Partial<ReadBesidePushes>, number, string]>([
    ['that is not there announces nothing', { live: false, silent: 2 }, 2, 'not-subscribed'],
    ['of an agenda in which nothing changes need not say anything', { found: false, silent: 2 }, 2, 'nothing-found'],
    ['that announced something is heard', { announced: true, silent: 2 }, 0, 'announced'],
    ['that was heard, though nothing was found', { announced: true, found: false, silent: 1 }, 0, 'announced'],
    ['may miss one', {}, 1, 'unannounced'],
    ['may miss two', { silent: 1 }, 2, 'unannounced'],
    ['that missed three in a row is silent', { silent: SILENT_READS - 1 }, SILENT_READS, 'silent'],
    ['stays silent until it is heard', { silent: 7 }, 8, 'silent'],
  ])('%s', (_, change, silent, reason) => {
    expect(judgeSilence({ ...READ, ...change })).toEqual({ silent, reason });
  });
});

describe('a change that the other side made', () => {
  const names = { appointmentId: 'x', remoteId: 'a', object };
  it.each<[string, Action, boolean, boolean]>([
    ['his own object', { type: 'mirror', object, appointmentId: null }, true, false],
    ['the echo of ours', { type: 'mirror', object, appointmentId: 'x' }, false, false],
    ['ours, confirmed', { type: 'confirm', ...names }, false, false],
    ['ours, moved by him', { type: 'follow-move', ...names, to: { start: 0, end: 1 } }, true, true],
    ['ours, deleted by him', { type: 'follow-cancel', ...names, object: null }, true, true],
    ['his, deleted', { type: 'forget', remoteId: 'a' }, true, true],
    ['unreadable', { type: 'quarantine', remoteId: 'a', version: null, reason: '', raw: '' }, false, false],
  ])('%s', (_, action, inDelta, inComplete) => {
    expect([foundElsewhere([action], false), foundElsewhere([action], true)]).toEqual([inDelta, inComplete]);
    expect(foundElsewhere([], false)).toBe(false);
  });
});
