import { describe, expect, test } from '@jest/globals';
import { APPOINTMENT_STATUSES } from './appointment.js';
import type { AppointmentStatus } from './appointment.js';
import type { Interval } from './interval.js';
import { reconcile } from './reconcile.js';
import type { HubAppointment, KnownObject, ReconcileInput, ReconcileLink } from './reconcile-types.js';
import type { RemoteChange, RemoteObject } from './remote.js';

const WINDOW: Interval = { start: 0, end: 1000 };
const NINE: Interval = { start: 90, end: 95 };
const TEN: Interval = { start: 100, end: 105 };
const ELEVEN: Interval = { start: 110, end: 115 };

const object = (rest: Partial<RemoteObject> = {}): RemoteObject => {
  const when = rest.when === undefined ? NINE : rest.when;
  const plain = { when, summary: 'visit', recurring: false, busy: when ? [when] : [], ...rest };
  return {
    remoteId: 'r1',
    version: 'v1',
    contentHash: JSON.stringify([plain.when, plain.summary, plain.recurring, plain.busy]),
    reference: 'ref-a',
    modifiedAt: null,
    ...plain,
  };
};
const known = (rest: Partial<KnownObject> = {}, from: RemoteObject = object()): KnownObject => {
  const { remoteId, version, contentHash, when, summary, busy } = from;
  return { remoteId, version, contentHash, when, summary, busy, appointmentId: 'a', ...rest };
};
const appointment = (status: AppointmentStatus, rest: Partial<HubAppointment> = {}): HubAppointment => ({
  id: 'a',
  status,
  when: NINE,
  summary: 'visit',
  reference: 'ref-a',
  ...rest,
});
const upsert = (rest: Partial<RemoteObject> = {}): RemoteChange => ({ kind: 'upsert', object: object(rest) });
const gone = (remoteId = 'r1'): RemoteChange => ({ kind: 'removed', remoteId });

type Given = Partial<Omit<ReconcileInput, 'link'>> & { link?: Partial<ReconcileLink> };
const plan = ({ link, ...rest }: Given) =>
  reconcile({
    link: { writable: true, policy: 'practitioner-wins', maxDeletionShare: 0.2, maxDeletions: 10, ...link },
    window: WINDOW,
    known: [known()],
    appointments: [],
    changes: [],
    complete: null,
    ...rest,
  });
const types = (given: Given) => plan(given).map(({ type }) => type);
const ours = (status: AppointmentStatus, change: RemoteChange, link?: Partial<ReconcileLink>) =>
  types({ appointments: [appointment(status)], changes: [change], ...(link ? { link } : {}) });
const foreign = (count: number): KnownObject[] =>
  Array.from({ length: count }, (_, index) => known({ remoteId: `f${String(index)}`, appointmentId: null }));

describe('an object of ours', () => {
  test.each<[string, AppointmentStatus, RemoteChange, string[]]>([
    ['read again as it was', 'confirmed', upsert(), []],
    ['with a new version only', 'confirmed', upsert({ version: 'v2' }), ['mirror']],
    ['without versions, as it was', 'confirmed', upsert({ version: null }), ['mirror']],
    ['moved', 'confirmed', upsert({ version: 'v2', when: TEN }), ['follow-move']],
    ['moved under the same version', 'confirmed', upsert({ when: TEN }), ['follow-move']],
    ['renamed', 'confirmed', upsert({ version: 'v2', summary: 'mine' }), ['follow-retitle']],
    ['made private', 'confirmed', upsert({ version: 'v2', summary: null }), ['mirror']],
    ['deleted', 'confirmed', gone(), ['follow-cancel']],
    ['freed', 'confirmed', upsert({ version: 'v2', busy: [] }), ['follow-cancel']],
    ['made a series', 'confirmed', upsert({ version: 'v2', recurring: true }), ['conflict']],
    ['left without a time', 'confirmed', upsert({ version: 'v2', when: null }), ['conflict']],
    ['shrunk to nothing', 'confirmed', upsert({ version: 'v2', when: { start: 90, end: 90 } }), ['conflict']],
    ['moved beyond the window', 'confirmed', upsert({ when: { start: 2000, end: 2005 }, busy: [] }), ['follow-move']],
    ['read as wanted', 'pending', upsert(), ['confirm']],
    ['read as wanted after all', 'unknown', upsert({ version: 'v2' }), ['confirm']],
    ['deleted while a change waits', 'pending', gone(), ['follow-cancel']],
    ['absent while the outcome is unknown', 'unknown', gone(), ['forget']],
    ['read while being removed', 'compensating', upsert({ version: 'v2', when: TEN }), ['mirror']],
    ['removed as asked', 'compensating', gone(), ['forget']],
    ['renamed while a person decides', 'conflict', upsert({ version: 'v2', summary: 'mine' }), ['mirror']],
    ['moved while a person decides', 'conflict', upsert({ version: 'v2', when: TEN }), ['follow-move']],
    ['deleted while a person decides', 'conflict', gone(), ['follow-cancel']],
    ['still there though cancelled', 'cancelled', upsert(), ['remove-stray']],
    ['still there as a series though cancelled', 'cancelled', upsert({ recurring: true }), ['mirror']],
    ['gone though cancelled', 'expired', gone(), ['forget']],
    ['held', 'held', upsert({ version: 'v2' }), ['mirror']],
  ])('%s (%s)', (_what, status, change, expected) => {
    expect(ours(status, change)).toEqual(expected);
  });

  test('unchanged, it proves nothing while a write without an answer may still land', () => {
    const waiting = (change: RemoteChange) =>
      types({ appointments: [appointment('pending', { inFlight: true })], changes: [change] });
    expect(waiting(upsert())).toEqual([]);
    expect(waiting(upsert({ version: 'v2' }))).toEqual(['mirror']);
    expect(waiting(upsert({ version: 'v2', contentHash: 'other' }))).toEqual(['confirm']);
  });

  test('its busy time is the claim of its appointment, not of its mirror', () => {
    const withoutClaims = [known({ busy: [] })];
    expect(types({ known: withoutClaims, appointments: [appointment('confirmed')], changes: [upsert()] })).toEqual([]);
  });

  test('on a link where the hub wins', () => {
    const hubWins = { policy: 'hub-wins' } as const;
    expect(ours('confirmed', upsert({ when: TEN }), hubWins)).toEqual(['write-back']);
    expect(ours('confirmed', upsert({ when: TEN }), { ...hubWins, writable: false })).toEqual(['conflict']);
    expect(ours('confirmed', gone(), hubWins)).toEqual(['follow-cancel']);
  });

  test('nothing is written on a read-only link, whatever is read', () => {
    const changes = [upsert(), upsert({ when: TEN }), upsert({ summary: 'mine' }), upsert({ busy: [] }), gone()];
    for (const status of APPOINTMENT_STATUSES) {
      for (const policy of ['practitioner-wins', 'hub-wins'] as const) {
        for (const change of changes) {
          const found = ours(status, change, { policy, writable: false });
          expect(found).not.toContain('write-back');
          expect(found).not.toContain('remove-stray');
        }
      }
    }
  });

  test('when the hub moved it too, the practitioner wins; when only its text changed, the hub writes', () => {
    const moving = { appointments: [appointment('pending', { when: ELEVEN })] };
    expect(types({ ...moving, changes: [upsert()] })).toEqual([]);
    expect(types({ ...moving, changes: [upsert({ version: 'v2', when: TEN })] })).toEqual(['follow-move']);
    expect(types({ ...moving, changes: [upsert({ version: 'v2', summary: 'mine' })] })).toEqual(['write-back']);
    expect(types({ ...moving, changes: [upsert({ version: 'v2', when: ELEVEN })] })).toEqual(['confirm']);
  });

  test('is found by reference when its creation had no answer', () => {
    const lost = { known: [], appointments: [appointment('unknown')] };
    expect(types({ ...lost, changes: [upsert()] })).toEqual(['confirm']);
    expect(types({ ...lost, changes: [upsert({ summary: 'REWRITTEN' })] })).toEqual(['confirm']);
    expect(types({ ...lost, changes: [upsert({ reference: 'ref-a-older' })] })).toEqual(['mirror']);
  });

  test('a copy of it is foreign busy time, known or found beside it', () => {
    const copy = upsert({ remoteId: 'r2', when: TEN });
    expect(plan({ appointments: [appointment('confirmed')], changes: [copy] })).toMatchObject([
      { type: 'mirror', appointmentId: null },
    ]);
    const both = plan({ known: [], appointments: [appointment('unknown')], changes: [copy, upsert()] });
    expect(both).toMatchObject([
      { type: 'mirror', appointmentId: null, object: { remoteId: 'r2' } },
      { type: 'confirm', object: { remoteId: 'r1' } },
    ]);
  });

  test('a copy of one that was cancelled is left alone, a late write is removed', () => {
    const dead = { known: [], appointments: [appointment('cancelled')] };
    expect(types({ ...dead, changes: [upsert({ when: TEN })] })).toEqual(['mirror']);
    expect(types({ ...dead, changes: [upsert()] })).toEqual(['remove-stray']);
  });

  test('a new id is not a deletion, in whatever order it is told', () => {
    const reborn = upsert({ remoteId: 'r2', when: TEN });
    for (const changes of [
      [gone(), reborn],
      [reborn, gone()],
    ]) {
      expect(plan({ appointments: [appointment('confirmed')], changes })).toMatchObject([
        { type: 'forget', remoteId: 'r1' },
        { type: 'follow-move', to: TEN, object: { remoteId: 'r2' } },
      ]);
    }
    expect(types({ appointments: [appointment('confirmed')], changes: [gone(), upsert({ remoteId: 'r2' })] })).toEqual([
      'forget',
      'confirm',
    ]);
  });

  test('the last of several changes counts', () => {
    const appointments = [appointment('confirmed')];
    expect(types({ appointments, changes: [gone(), upsert()] })).toEqual([]);
    expect(types({ appointments, changes: [upsert({ when: TEN }), gone()] })).toEqual(['follow-cancel']);
  });
});

test('what the practitioner deleted and restored is his: it is not removed once more', () => {
  const restored = (rest: Partial<HubAppointment>) =>
    types({ known: [], appointments: [appointment('cancelled', rest)], changes: [upsert()] });
  expect([restored({ endedThere: true }), restored({ endedThere: false }), restored({})]).toEqual([
    ['mirror'],
    ['remove-stray'],
    ['remove-stray'],
  ]);
});

describe('a request that is answered later', () => {
  const asked = upsert({ acceptance: 'awaited' });
  const waiting = (awaited: HubAppointment['awaited'], rest: Partial<HubAppointment> = {}) => ({
    appointments: [appointment('pending', { awaited: awaited ?? null, ...rest })],
  });

  test('waits, once, whatever its answer was lost to; and is confirmed by nothing but acceptance', () => {
    for (const status of ['pending', 'unknown'] as const)
      expect(types({ known: [], appointments: [appointment(status)], changes: [asked] })).toEqual(['await']);
    expect(types({ ...waiting('visit'), changes: [asked] })).toEqual([]);
    expect(types({ ...waiting('visit'), changes: [upsert({ acceptance: 'awaited', version: 'v2' })] })).toEqual([
      'mirror',
    ]);
    expect(types({ ...waiting('visit'), changes: [upsert({ version: 'v2', contentHash: 'accepted' })] })).toEqual([
      'confirm',
    ]);
    expect(types({ appointments: [appointment('confirmed')], changes: [asked] })).toEqual([]);
  });

  test('is refused, by word or by absence; one that was refused before anybody waited, too', () => {
    const declined = upsert({ acceptance: 'declined', busy: [], version: 'v2' });
    const refused = [{ type: 'follow-cancel', declined: true }];
    expect(plan({ ...waiting('visit'), changes: [declined] })).toMatchObject(refused);
    expect(plan({ ...waiting('visit'), changes: [gone()] })).toMatchObject(refused);
    expect(plan({ known: [], appointments: [appointment('unknown')], changes: [declined] })).toMatchObject(refused);
    expect(plan({ appointments: [appointment('confirmed')], changes: [declined] })).not.toMatchObject(refused);
  });

  test('whose answer is another time follows it, whoever wins otherwise', () => {
    for (const policy of ['practitioner-wins', 'hub-wins', 'newest-wins', 'ask'] as const) {
      const back = { known: [known({ when: TEN })], changes: [upsert({ version: 'v2' })], link: { policy } };
      expect(types({ ...back, ...waiting('move', { when: TEN }) })).toEqual(['follow-move']);
    }
  });

  test('a move that is deleted was an appointment once: it is cancelled', () => {
    expect(plan({ ...waiting('move'), changes: [gone()] })).toMatchObject([{ type: 'follow-cancel' }]);
    expect(plan({ ...waiting('move'), changes: [gone()] })).not.toMatchObject([{ declined: true }]);
  });

  test('many that were refused at once are no agenda that was lost', () => {
    const many = Array.from({ length: 30 }, (_, n) => String(n));
    const answered = many.map((id) =>
      upsert({ remoteId: `r${id}`, reference: `ref-${id}`, acceptance: 'declined', busy: [], version: 'v2' }),
    );
    const found = types({
      known: many.map((id) => known({ remoteId: `r${id}`, appointmentId: id })),
      appointments: many.map((id) => appointment('pending', { id, reference: `ref-${id}`, awaited: 'visit' })),
      changes: answered,
    });
    expect(found).toEqual(many.map(() => 'follow-cancel'));
  });
});

describe('deleting', () => {
  const listing = (...present: string[]) => ({ window: WINDOW, present: new Set(present) });

  test('absence counts inside the listed window only', () => {
    const beyond = known({ remoteId: 'f9', appointmentId: null, when: { start: 2000, end: 2001 }, busy: [] });
    const timeless = known({ when: null, busy: [] });
    const series = known({ remoteId: 'f8', appointmentId: null, when: { start: -50, end: -45 }, busy: [TEN] });
    expect(types({ known: [beyond, timeless], appointments: [appointment('confirmed')], complete: listing() })).toEqual(
      [],
    );
    expect(plan({ known: [beyond, series], complete: listing('r7') })).toEqual([{ type: 'forget', remoteId: 'f8' }]);
  });

  test('the unreadable is kept and put aside', () => {
    const torn: RemoteChange = { kind: 'unreadable', remoteId: 'r1', version: 'v2', reason: 'torn', raw: 'BEGIN' };
    const found = plan({ appointments: [appointment('confirmed')], changes: [torn], complete: listing() });
    expect(found).toEqual([{ type: 'quarantine', remoteId: 'r1', version: 'v2', reason: 'torn', raw: 'BEGIN' }]);
  });

  test('the unreadable takes the time that can be told of it, beside what it took, until it can be read', () => {
    const torn: RemoteChange = {
      kind: 'unreadable',
      remoteId: 'f1',
      version: 'v2',
      reason: 'torn',
      raw: '',
      busy: [TEN],
    };
    const quarantine = { type: 'quarantine', remoteId: 'f1', version: 'v2', reason: 'torn', raw: '' };
    const [mirror, ...rest] = plan({ changes: [torn] });
    expect(mirror).toMatchObject({ type: 'mirror', appointmentId: null, object: { when: TEN, busy: [TEN] } });
    expect(rest).toEqual([quarantine]);
    const before = known({ remoteId: 'f1', appointmentId: null, when: ELEVEN, busy: [ELEVEN] });
    expect(plan({ known: [before], changes: [torn] })).toMatchObject([
      { type: 'mirror', object: { when: ELEVEN, busy: [TEN, ELEVEN], contentHash: 'unreadable', reference: null } },
      quarantine,
    ]);
    const after = { ...before, contentHash: 'unreadable', busy: [TEN, ELEVEN], version: null };
    expect(plan({ known: [after], changes: [torn] })).toEqual([quarantine]);
    // The window cuts it off a little further on each day: what of it is taken already is not taken again.
    const cut = (start: number, end: number): RemoteChange => ({ ...torn, busy: [{ start, end }] });
    expect(plan({ known: [after], changes: [cut(TEN.start + 1, TEN.end)] })).toEqual([quarantine]);
    const grown = { busy: [TEN, { start: TEN.end, end: TEN.end + 1 }, ELEVEN] };
    expect(plan({ known: [after], changes: [cut(TEN.start, TEN.end + 1)] })[0]).toMatchObject({ object: grown });
    const ours = { ...before, appointmentId: 'a1' };
    expect(plan({ known: [ours], appointments: [appointment('confirmed')], changes: [torn] })).toEqual([quarantine]);
    const read = upsert({ remoteId: 'f1', version: 'v3', when: TEN, busy: [TEN], reference: null });
    expect(plan({ known: [after], changes: [read] })).toMatchObject([{ type: 'mirror', object: { busy: [TEN] } }]);
  });

  test('an agenda that lost everything is an outage until a person says otherwise', () => {
    expect(plan({ known: foreign(3), complete: listing() })).toEqual([
      { type: 'brake', deletions: 3, known: 3, held: foreign(3).map(({ remoteId }) => remoteId) },
    ]);
    expect(types({ known: foreign(3), complete: listing(), released: new Set(['f0', 'f1', 'f2']) })).toEqual([
      'forget',
      'forget',
      'forget',
    ]);
    expect(types({ known: foreign(2), complete: listing() })).toEqual(['forget', 'forget']);
    expect(types({ known: foreign(3), complete: listing('f1') })).toEqual(['forget', 'forget']);
  });

  test('what is held stays held until something of it comes back, or a person releases it', () => {
    const held = new Set(['f0', 'f1', 'f2']);
    const made = known({ remoteId: 'f9', appointmentId: null, when: ELEVEN, busy: [ELEVEN] });
    const later = { known: [...foreign(3), made], complete: listing('f9') };
    expect(types(later)).toEqual(['forget', 'forget', 'forget']);
    expect(types({ ...later, held })).toEqual(['brake']);
    // One of them was cancelled here meanwhile: it is no deletion of his any more.
    expect(types({ ...later, known: [...foreign(2), made], held })).toEqual(['brake']);
    expect(types({ ...later, complete: listing('f9', 'f1'), held })).toEqual(['forget', 'forget']);
    expect(types({ ...later, held: new Set(), released: held })).toEqual(['forget', 'forget', 'forget']);
    expect(types({ ...later, complete: listing('f0', 'f1', 'f2', 'f9'), held })).toEqual([]);
    // Eleven are more than a small number: their share decides, and with fifty new ones it is a small one.
    const many = foreign(11);
    const others = Array.from({ length: 50 }, (_, n) => known({ remoteId: `n${String(n)}`, appointmentId: null }));
    const diluted = { known: [...many, ...others], complete: listing(...others.map(({ remoteId }) => remoteId)) };
    expect(types({ ...diluted, held: new Set(many.map(({ remoteId }) => remoteId)) })).not.toContain('brake');
  });

  test('a person releases what he has seen, and nothing more', () => {
    const seen = new Set(foreign(5).map(({ remoteId }) => remoteId));
    const all = { complete: listing(), released: seen };
    expect(types({ known: foreign(5), ...all })).toEqual(Array.from({ length: 5 }, () => 'forget'));
    expect(types({ known: foreign(7), ...all })).toEqual(Array.from({ length: 7 }, () => 'forget'));
    expect(plan({ known: foreign(8), ...all })).toMatchObject([{ type: 'brake', deletions: 8 }]);
  });

  test('the brake needs both a share and a number, counts freed appointments, and spares what the hub removed', () => {
    const removals = (count: number) => foreign(count).map(({ remoteId }) => gone(remoteId));
    expect(types({ known: foreign(50), changes: removals(11) })).toContain('brake');
    expect(types({ known: foreign(50), changes: removals(10) })).not.toContain('brake');
    expect(types({ known: foreign(56), changes: removals(11) })).not.toContain('brake');
    expect(types({ known: foreign(11), knownTotal: 500, changes: removals(11) })).not.toContain('brake');
    const freed = {
      known: [known(), ...foreign(10)],
      appointments: [appointment('confirmed')],
      changes: [upsert({ busy: [] }), ...removals(10)],
    };
    expect(types(freed)).toEqual(['brake']);
    expect(
      types({ ...freed, appointments: [appointment('compensating')], changes: [gone(), ...removals(10)] }),
    ).not.toContain('brake');
  });

  test('what is held back does not hold back the rest', () => {
    const found = plan({
      known: foreign(3),
      complete: listing(),
      changes: [upsert({ remoteId: 'new', reference: null })],
    });
    expect(found.map(({ type }) => type)).toEqual(['brake', 'mirror']);
  });
});

describe('a foreign object', () => {
  test('is mirrored when anything of it differs, its busy time included', () => {
    const base = known({ appointmentId: null });
    expect(types({ known: [base], changes: [upsert()] })).toEqual([]);
    expect(types({ known: [{ ...base, busy: [NINE, TEN] }], changes: [upsert()] })).toEqual(['mirror']);
    expect(
      types({
        known: [
          {
            ...base,
            busy: [
              { start: 90, end: 92 },
              { start: 92, end: 95 },
            ],
          },
        ],
        changes: [upsert()],
      }),
    ).toEqual([]);
    const instant = object({ when: { start: 90, end: 90 }, busy: [] });
    const stored = known({ appointmentId: null, when: null }, instant);
    expect(types({ known: [stored], changes: [{ kind: 'upsert', object: instant }] })).toEqual([]);
    expect(types({ known: [base], changes: [upsert({ version: 'v2' })] })).toEqual(['mirror']);
    expect(types({ known: [], changes: [upsert({ reference: null })] })).toEqual(['mirror']);
    expect(types({ known: [base], changes: [gone()] })).toEqual(['forget']);
    expect(types({ known: [], changes: [gone()] })).toEqual([]);
  });
});

test('ten thousand objects are planned in well under a second', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => String(index));
  const began = performance.now();
  const found = plan({
    known: many.map((id) => known({ remoteId: `r${id}`, appointmentId: id })),
    appointments: many.map((id) => appointment('confirmed', { id, reference: `ref-${id}` })),
    changes: many.map((id) => (Number(id) % 3 === 0 ? gone(`r${id}`) : upsert({ remoteId: `r${id}`, when: TEN }))),
    released: new Set(many.map((id) => `r${id}`)),
  });
  expect(found).toHaveLength(10_000);
  expect(performance.now() - began).toBeLessThan(1000);
});
