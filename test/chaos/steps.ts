import { createHash } from 'node:crypto';
import { newId, type Actor, type BookingAnswer, type RequestKey } from '#application';
import type { TestHub } from '../support/hub.js';

/** In whose name, and where. */
export interface Desk {
  readonly organization: string;
  readonly collaborator: string;
  readonly agenda: string;
  readonly motif: string;
}

/** One thing a caller or a worker asks of the hub; the same step again is a retry of it. */
export type Step =
  | { readonly kind: 'book'; readonly key: string; readonly start: number }
  | { readonly kind: 'hold'; readonly key: string; readonly start: number; readonly seconds: number }
  | { readonly kind: 'confirm'; readonly key: string; readonly hold: string }
  | { readonly kind: 'move'; readonly id: string; readonly version: number; readonly start: number }
  | { readonly kind: 'cancel'; readonly key: string; readonly id: string }
  | { readonly kind: 'lane'; readonly sync: 'none' | 'delta' | 'full' }
  | { readonly kind: 'expire' };

const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };

const keyOf = (step: Step, key: string): RequestKey => ({
  key,
  hash: createHash('sha256').update(JSON.stringify(step)).digest(),
});

/** Asks; `null` for what has no answer. */
export async function perform(hub: TestHub, desk: Desk, step: Step, waitMs: number): Promise<BookingAnswer | null> {
  const organizationId = desk.organization;
  const actor: Extract<Actor, { kind: 'collaborator' }> = { kind: 'collaborator', id: desk.collaborator, key: newId() };
  const request = { organizationId, actor, waitMs };
  switch (step.kind) {
    case 'book':
    case 'hold': {
      const place = {
        ...request,
        id: newId(),
        agendaId: desk.agenda,
        motifId: desk.motif,
        start: step.start,
        key: keyOf(step, step.key),
      };
      return step.kind === 'book'
        ? hub.booking.book({ ...place, patient: PATIENT })
        : hub.booking.hold({ ...place, holdSeconds: step.seconds });
    }
    case 'confirm':
      return hub.booking.bookHold({ ...request, holdId: step.hold, patient: PATIENT, key: keyOf(step, step.key) });
    case 'move':
      return hub.booking.move({ ...request, id: step.id, version: step.version, start: step.start, motifId: null });
    case 'cancel':
      return hub.booking.cancel({
        ...request,
        id: step.id,
        version: null,
        reason: { code: 'CANCELLED' },
        key: keyOf(step, step.key),
      });
    case 'lane':
      await hub.lanes.run({ organizationId, agendaId: desk.agenda, sync: step.sync });
      return null;
    case 'expire':
      await hub.housekeeping.expireHolds(organizationId, desk.agenda);
      return null;
  }
}
