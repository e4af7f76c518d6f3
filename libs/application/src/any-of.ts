import { isLive } from '#domain';
import { answer, replay, type Booking, type BookingAnswer, type PlaceRequest } from './booking.js';
import type { Refusal } from './refusals.js';
import type { DeskStore } from './desk-ports.js';
import { newId } from './ids.js';
import type { AppointmentRecord, Patient } from './model.js';
import type { Bookings, PlaceResult } from './ports.js';
import type { SearchSlots } from './search-slots.js';
import type { WriteThrough } from './write-through.js';

export type AnyOfRequest = Omit<PlaceRequest, 'id' | 'agendaId'> & {
  readonly agendaIds: readonly string[];
  readonly patient: Patient;
};

/** Alternatives offered when none of the agendas has room. */
const ALTERNATIVES = 3;

/** Refusals of one agenda after which another may still do. */
const ELSEWHERE: ReadonlySet<PlaceResult['outcome']> = new Set([
  'taken',
  'rule',
  'unreachable',
  'stale-copy',
  'unlinked',
  'agenda-unknown',
]);

/** Books with any one of several practitioners: exactly one appointment, first with whom has the fewest that day. */
export class AnyOf {
  constructor(
    private readonly parts: {
      readonly booking: Booking;
      readonly bookings: Bookings;
      readonly desk: DeskStore;
      readonly slots: SearchSlots;
      readonly through: WriteThrough;
    },
  ) {}

  async book(request: AnyOfRequest): Promise<BookingAnswer> {
    const { organizationId, agendaIds, start } = request;
    const loads = await this.parts.desk.dayLoads(organizationId, agendaIds, start);
    const refusals: Refusal[] = [];
    for (const agendaId of inTurn(agendaIds, loads)) {
      const given = await this.tryOne(request, agendaId);
      if (!('elsewhere' in given)) return given;
      refusals.push(given.elsewhere);
    }
    return this.parts.booking.remember(request, await this.noneOf(request, refusals));
  }

  private async tryOne(
    request: AnyOfRequest,
    agendaId: string,
  ): Promise<BookingAnswer | { readonly elsewhere: Refusal }> {
    const { booking, bookings, through } = this.parts;
    const { organizationId, waitMs } = request;
    const terms = request.terms ?? { audience: 'SECRETARIAT' };
    const command = { ...request, id: newId(), agendaId, terms, holdSeconds: null, collaboratorId: request.actor.id };
    const result = await through.fresh(request, (acceptStale) => bookings.place({ ...command, acceptStale }));
    if (result.outcome === 'answered') return replay(result);
    if (result.outcome === 'running') return this.join(request, agendaId, result.resource);
    if (result.outcome !== 'placed') {
      const refusal = await booking.refusal(null, result);
      return ELSEWHERE.has(result.outcome) ? { elsewhere: refusal } : refusal;
    }
    const record = await through.settled({ organizationId, id: result.record.id }, result.record, waitMs);
    const given = await this.answerOf(request, record);
    if (given !== null) return given;
    // His agenda refused it: the key is free for the next one of them.
    await this.release(request, record.id);
    return { elsewhere: await booking.refusal(null, refused(record)) };
  }

  /**
   * A twin, or whoever asks again after "under way", follows what was placed. What was refused is no answer: the others
   * are tried, by whoever gets to the key first.
   */
  private async join(
    request: AnyOfRequest,
    agendaId: string,
    resource: string,
  ): Promise<BookingAnswer | { readonly elsewhere: Refusal }> {
    const { bookings, through } = this.parts;
    const ref = { organizationId: request.organizationId, id: resource };
    const placed = await bookings.get(ref);
    const record = placed && (await through.settled(ref, placed, request.waitMs));
    if (record === null || record.status === 'compensating')
      return { outcome: 'refused', status: 409, problem: 'idempotency-in-progress', retryAfterMs: 1000 };
    const given = await this.answerOf(request, record);
    if (given !== null) return given;
    await this.release(request, resource);
    return this.tryOne(request, agendaId);
  }

  /** What became of the one that was placed; `null` when his agenda refused it, and another may do. */
  private async answerOf(request: AnyOfRequest, record: AppointmentRecord): Promise<BookingAnswer | null> {
    const { booking } = this.parts;
    if (isLive(record.status) && record.status !== 'compensating')
      return booking.remember(request, answer(record, 201));
    if (record.status !== 'cancelled') return null;
    return booking.remember(request, await this.noneOf(request, [await booking.refusal(null, refused(record))]));
  }

  private async release({ organizationId, key }: AnyOfRequest, resource: string): Promise<void> {
    if (key !== null) await this.parts.desk.releaseKey(organizationId, key, resource);
  }

  /** None is free: what tells most of why, and the next slots with any of them. */
  private async noneOf(
    { organizationId, agendaIds, motifId, start }: AnyOfRequest,
    refusals: readonly Refusal[],
  ): Promise<Refusal> {
    const [first] = refusals;
    const told =
      refusals.find(({ problem }) => problem === 'taken') ?? refusals.find(({ code }) => code !== undefined) ?? first;
    if (told === undefined) throw new RangeError('any of none');
    if (told.problem !== 'taken' && told.problem !== 'rule') return told;
    const next = await this.parts.slots.next({ organizationId, agendaIds, motifId, from: start, limit: ALTERNATIVES });
    return { ...told, alternatives: next?.slots ?? [] };
  }
}

function refused({ reason }: AppointmentRecord): PlaceResult {
  return { outcome: 'taken', code: reason?.code ?? 'BUSY' };
}

/** Fewest appointments first; among equals the turn goes round with the number of appointments there are. */
export function inTurn(agendaIds: readonly string[], loads: ReadonlyMap<string, number>): string[] {
  const sorted = [...new Set(agendaIds)].sort();
  const all = [...loads.values()].reduce((sum, load) => sum + load, 0);
  const first = all % sorted.length;
  const loadOf = (id: string): number => loads.get(id) ?? Infinity;
  return [...sorted.slice(first), ...sorted.slice(0, first)].sort((a, b) => {
    const [one, other] = [loadOf(a), loadOf(b)];
    return one === other ? 0 : one - other;
  });
}
