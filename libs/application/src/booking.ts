import type { BackendHolds } from './backend-holds.js';
import { isLive } from '#domain';
import type { Actor, AppointmentRecord, Patient, Reason, RequestKey } from './model.js';
import type { AppointmentRef, BookingTerms, Bookings, PlaceResult, ReassignCommand } from './ports.js';
import { refusalOf, type Refusal } from './refusals.js';
import { askerFor, type Asker } from './rules.js';
import type { Place, SearchSlots } from './search-slots.js';
import type { WriteThrough } from './write-through.js';

/** 201/200: as the record says. 202: being carried to the practitioner's agenda; not to be promised yet. */
export interface Booked {
  readonly outcome: 'booked';
  readonly status: 200 | 201 | 202;
  readonly record: AppointmentRecord;
}

export type BookingAnswer = Booked | Refusal;

interface Request {
  readonly organizationId: string;
  readonly actor: Extract<Actor, { kind: 'collaborator' }>;
  /** Milliseconds the caller is ready to wait for the practitioner's agenda. */
  readonly waitMs: number;
  /** A secretariat's own booking when absent. */
  readonly terms?: BookingTerms;
}

export interface PlaceRequest extends Request {
  readonly id: string;
  readonly agendaId: string;
  readonly motifId: string;
  readonly start: number;
  readonly key: RequestKey | null;
}

/** A secretariat's own booking. */
export const OWN_TERMS: BookingTerms = { audience: 'SECRETARIAT' };

/** Refusals that answer a key for good; after any other, the same request may be tried again. */
const KEPT: ReadonlySet<Refusal['problem']> = new Set(['taken', 'rule', 'hold-ended', 'appointment-ended']);

/** Holding, booking, moving, cancelling: one claim in the database first, then the practitioner's agenda within the caller's patience. */
export class Booking {
  constructor(
    private readonly bookings: Bookings,
    private readonly slots: SearchSlots,
    private readonly through: WriteThrough,
    /** `null`: no tool of a practitioner keeps anything for us. */
    private readonly holds: BackendHolds | null = null,
  ) {}

  async hold(request: PlaceRequest & { readonly holdSeconds: number }): Promise<BookingAnswer> {
    const { holdSeconds, terms = OWN_TERMS } = request;
    const command = { ...request, holdSeconds, collaboratorId: request.actor.id, patient: null, terms };
    return this.place(request, (acceptStale) => this.bookings.place({ ...command, acceptStale }));
  }

  async book(request: PlaceRequest & { readonly patient: Patient }): Promise<BookingAnswer> {
    const command = {
      ...request,
      holdSeconds: null,
      collaboratorId: request.actor.id,
      terms: request.terms ?? OWN_TERMS,
    };
    return this.place(request, (acceptStale) => this.bookings.place({ ...command, acceptStale }));
  }

  async bookHold(
    request: Request & { readonly holdId: string; readonly patient: Patient; readonly key: RequestKey | null },
  ): Promise<BookingAnswer> {
    const command = { ...request, collaboratorId: request.actor.id, terms: request.terms ?? OWN_TERMS };
    return this.place(request, (acceptStale) => this.bookings.confirmHold({ ...command, acceptStale }));
  }

  async move(
    request: Request &
      AppointmentRef & { readonly version: number; readonly start: number | null; readonly motifId: string | null },
  ): Promise<BookingAnswer> {
    const before = await this.bookings.get(request);
    if (before === null) return refusalOf({ outcome: 'unknown' });
    const wanted = {
      agendaId: before.agendaId,
      motifId: request.motifId ?? before.motifId,
      start: request.start ?? before.start,
    };
    const command = { ...request, collaboratorId: request.actor.id, terms: request.terms ?? OWN_TERMS };
    const result = await this.through.fresh(request, (acceptStale) => this.bookings.move({ ...command, acceptStale }));
    if (result.outcome !== 'placed') return this.refusal(() => this.moving(request, wanted), result);
    const record = result.remote ? await this.through.settled(request, result.record, request.waitMs) : result.record;
    if (record.status === 'confirmed' && record.start !== wanted.start)
      return this.refusal(() => this.moving(request, wanted), {
        outcome: 'taken',
        code: record.reason?.code ?? 'BUSY',
      });
    return answer(record, 200);
  }

  /** Moves to another agenda: a successor is booked there, and the old one goes once that is certain; until then it stays. */
  async reassign(
    request: Request & Omit<ReassignCommand, 'acceptStale' | 'collaboratorId' | 'terms'>,
  ): Promise<BookingAnswer> {
    const before = await this.bookings.get(request);
    if (before === null) return refusalOf({ outcome: 'unknown' });
    const { organizationId, agendaId, successorId } = request;
    const wanted = { agendaId, motifId: request.motifId ?? before.motifId, start: request.start ?? before.start };
    const command = { ...request, collaboratorId: request.actor.id, terms: request.terms ?? OWN_TERMS };
    const result = await this.through.fresh(request, (acceptStale) =>
      this.bookings.reassign({ ...command, acceptStale }),
    );
    if (result.outcome !== 'placed') return this.refusal(() => this.moving(request, wanted), result);
    const successor = { organizationId, id: successorId };
    const record = await this.through.settled(successor, result.record, request.waitMs);
    if (!isLive(record.status) || record.status === 'compensating') return this.outcomeOf(request, record);
    const replaced = await this.bookings.get(request);
    if (replaced !== null)
      await this.through.settled(request, replaced, record.status === 'confirmed' ? request.waitMs : 0);
    return answer(record, 200);
  }

  async cancel(
    request: Request &
      AppointmentRef & { readonly version: number | null; readonly reason: Reason; readonly key: RequestKey | null },
  ): Promise<BookingAnswer> {
    const result = await this.bookings.cancel(request, request);
    if (result.outcome === 'answered') return replay(result);
    // A crash between the cancellation and its answer leaves the key without one: its repetition follows it to the end.
    const begun =
      result.outcome === 'placed'
        ? result.record
        : result.outcome === 'running'
          ? await this.bookings.get(request)
          : null;
    if (begun === null) return this.refusal(null, result);
    const record = begun.status === 'compensating' ? await this.through.settled(request, begun, request.waitMs) : begun;
    return this.remember(request, answer(record, 200));
  }

  async release(ref: AppointmentRef, actor: Actor): Promise<boolean> {
    const released = await this.bookings.release(ref, actor);
    if (released) await this.holds?.letGo(ref);
    return released;
  }

  /** What is held here is held in the practitioner's own tool too, where it can; where it is taken there, it is taken. */
  private async heldThere(
    request: Request & Partial<PlaceRequest> & { key: RequestKey | null },
    record: AppointmentRecord,
  ): Promise<BookingAnswer> {
    const ref = { organizationId: request.organizationId, id: record.id };
    const kept = await this.holds?.keep(ref);
    if (kept !== 'taken')
      return this.remember(request, answer((kept === 'kept' ? await this.bookings.get(ref) : null) ?? record, 201));
    await this.bookings.release(ref, request.actor);
    const taken = { outcome: 'taken', code: 'BUSY' } as const;
    return this.remember(request, await this.refusal(named(request, this.through.now()), taken));
  }

  private async place(
    request: Request & Partial<PlaceRequest> & { key: RequestKey | null },
    take: (acceptStale: boolean) => Promise<PlaceResult>,
  ): Promise<BookingAnswer> {
    const result = await this.through.fresh(request, take);
    if (result.outcome === 'answered') return replay(result);
    if (result.outcome === 'running') return this.join(request, result.resource);
    if (result.outcome !== 'placed')
      return this.remember(request, await this.refusal(named(request, this.through.now()), result));
    if (result.record.status === 'held' && result.remote) return this.heldThere(request, result.record);
    if (result.record.status !== 'pending') return answer(result.record, 201);
    const record = await this.through.settled({ ...request, id: result.record.id }, result.record, request.waitMs);
    return this.remember(request, await this.outcomeOf(request, record));
  }

  /** A twin of a request that is still under way, or that a crash cut off: both wait for the same appointment. */
  private async join(request: Request & { key: RequestKey | null }, resource: string): Promise<BookingAnswer> {
    const record = await this.bookings.get({ organizationId: request.organizationId, id: resource });
    if (record === null)
      return { outcome: 'refused', status: 409, problem: 'idempotency-in-progress', retryAfterMs: 1000 };
    const settled = await this.through.settled({ ...request, id: resource }, record, request.waitMs);
    return this.remember(request, await this.outcomeOf(request, settled));
  }

  private async outcomeOf(request: Asking, record: AppointmentRecord): Promise<BookingAnswer> {
    if (isLive(record.status) && record.status !== 'compensating') return answer(record, 201);
    const { organizationId } = request;
    const asker = askerOf(request, this.through.now());
    return this.refusal(
      { ...record, organizationId, asker },
      { outcome: 'taken', code: record.reason?.code ?? 'BUSY' },
    );
  }

  /**
   * Binds an answer to the request's key; an earlier answer to the same key is the answer. "Under way" is none: whoever
   * repeats the request is told what has become of it.
   */
  async remember(
    request: { organizationId: string; key: RequestKey | null },
    given: BookingAnswer,
  ): Promise<BookingAnswer> {
    const { key } = request;
    if (key === null || given.status === 202 || (given.outcome === 'refused' && !KEPT.has(given.problem))) return given;
    const body = given.outcome === 'booked' ? given.record : given;
    const first = await this.bookings.answerKey(request.organizationId, key, {
      status: given.status,
      body,
      resource: given.record?.id ?? null,
    });
    return first === null ? given : replay(first);
  }

  /** Whoever moves an appointment asks for its patient. */
  private async moving(
    request: Request & AppointmentRef,
    wanted: Omit<Place, 'organizationId' | 'asker'>,
  ): Promise<Place> {
    const { organizationId, id } = request;
    const patient = (await this.bookings.patients(organizationId, [id])).get(id);
    return { ...wanted, organizationId, asker: askerOf({ ...request, patient }, this.through.now()) };
  }

  /** What is answered where nothing was placed; with other times when it is known what was wanted. */
  async refusal(wanted: Place | null | (() => Promise<Place>), result: PlaceResult): Promise<Refusal> {
    if (result.outcome === 'rule' || result.outcome === 'taken') {
      const status = result.outcome === 'taken' ? 409 : 422;
      const place = typeof wanted === 'function' ? await wanted() : wanted;
      const { outcome, patientVisits, ...why } = result;
      if (place === null) return { outcome: 'refused', status, problem: outcome, alternatives: [], ...why };
      // An agenda without rules of its own keeps nothing for anybody: who asks need not be looked up.
      const asker = patientVisits === undefined ? { audience: place.asker.audience } : place.asker;
      const alternatives = await this.slots.alternatives({ ...place, asker, patientVisits: patientVisits ?? [] });
      return { outcome: 'refused', status, problem: outcome, alternatives, ...why };
    }
    return refusalOf(result);
  }
}

/** 202 as long as the practitioner's agenda is not certain. */
export function answer(record: AppointmentRecord, done: 200 | 201): Booked {
  const open = record.status === 'pending' || record.status === 'unknown' || record.status === 'compensating';
  return { outcome: 'booked', status: open ? 202 : done, record };
}

/** The first answer to a key, as it was given. */
export function replay(first: { status: number; body: unknown }): BookingAnswer {
  if (first.status >= 300) return first.body as Refusal;
  return { outcome: 'booked', status: first.status as Booked['status'], record: first.body as AppointmentRecord };
}

type Asking = Request & { readonly patient?: Patient | null | undefined };

function named(request: Asking & Partial<PlaceRequest>, now: number): Place | null {
  const { organizationId, agendaId, motifId, start } = request;
  return agendaId === undefined || motifId === undefined || start === undefined
    ? null
    : { organizationId, agendaId, motifId, start, asker: askerOf(request, now) };
}

/** Alternatives are looked for as the booking was asked for. */
function askerOf({ actor, terms = OWN_TERMS, patient }: Asking, now: number): Asker {
  return askerFor({ ...terms, collaboratorId: actor.id, patient }, now);
}
