import { isLive, zoneClock, type Audience } from '#domain';
import { answer, type Booking, type BookingAnswer } from './booking.js';
import type { Refusal } from './refusals.js';
import { awaitsAcceptance, type AppointmentRecord, type Reason, type RequestKey } from './model.js';
import type { Bookings, PlaceResult } from './ports.js';
import type { SeriesCommand, SeriesMove, SeriesPlaced, SeriesRecord, SeriesStore } from './series-ports.js';
import { counted, sightOf } from './visibility.js';
import type { WriteThrough } from './write-through.js';

/** One start of a series, and what would have become of it. */
export interface Occurrence {
  /** Epoch milliseconds. */
  readonly start: number;
  readonly outcome: 'free' | 'taken' | 'rule';
  readonly result: PlaceResult;
}

export type SeriesAnswer =
  | { readonly outcome: 'series'; readonly record: SeriesRecord }
  | { readonly outcome: 'conflicts'; readonly occurrences: readonly Occurrence[] }
  | { readonly outcome: 'refused'; readonly refusal: Refusal };

export interface SeriesRef {
  readonly organizationId: string;
  readonly id: string;
}

type Acting = SeriesRef & { readonly actor: SeriesCommand['actor']; readonly waitMs: number };

/** Which visits of a series: all that are still to come, one, or one and those after it. */
export interface Selection {
  readonly appointmentId: string | null;
  readonly following: boolean;
}

export interface OccurrenceAnswer {
  readonly appointmentId: string;
  readonly answer: BookingAnswer;
}

const OPEN: ReadonlySet<string> = new Set(['pending', 'unknown', 'compensating']);
const DAY = 86_400_000;
/** Zones are known this far around what is asked. */
const AROUND_MS = 800 * DAY;
/** Nothing that a copy's age would explain. */
const NOTHING: PlaceResult = { outcome: 'unknown' };
const INCOMPLETE: Reason = { code: 'CANCELLED', text: 'série incomplète' };

/** Visits booked together: claimed in one transaction, then carried to the practitioner's agenda until all stand there, or none. */
export class SeriesBooking {
  constructor(
    private readonly parts: {
      readonly store: SeriesStore;
      readonly booking: Booking;
      readonly bookings: Bookings;
      readonly through: WriteThrough;
    },
  ) {}

  async book(
    request: Omit<SeriesCommand, 'acceptStale'> & { readonly waitMs: number; readonly key: RequestKey | null },
  ): Promise<SeriesAnswer> {
    const { organizationId, starts, waitMs } = request;
    await counted(starts.length);
    const placed = await this.placed(request);
    if (placed.outcome === 'refused')
      return { outcome: 'refused', refusal: await this.parts.booking.refusal(null, placed.result) };
    if (placed.outcome === 'answered') return placed.body as SeriesAnswer;
    if (placed.outcome === 'conflicts') {
      const occurrences = placed.results.map((result, n) => ({ start: starts[n] ?? 0, ...told(result) }));
      return this.remember(request, { outcome: 'conflicts', occurrences });
    }
    const record = await this.settle({ organizationId, id: placed.id }, waitMs);
    if (record === null) throw new Error('a series that was placed is not there');
    return { outcome: 'series', record };
  }

  /**
   * Follows a series until nothing of it is open but what waits for somebody's acceptance, at most `waitMs`: whoever comes next, this process or a worker, goes on
   * from what the database says. `null` when it is unknown.
   */
  async settle({ organizationId, id }: SeriesRef, waitMs: number): Promise<SeriesRecord | null> {
    const { store, through } = this.parts;
    const end = Date.now() + waitMs;
    for (;;) {
      const series = await store.get(organizationId, id);
      if (series === null || series.state === 'done' || series.state === 'undone') return series;
      await this.step(organizationId, series);
      const now = await store.get(organizationId, id);
      const open = now?.appointments.find((one) => OPEN.has(one.status) && !awaitsAcceptance(one));
      if (now === null || open === undefined) {
        if (now?.state === series.state) return now;
        continue;
      }
      if (Date.now() >= end) return now;
      await through.settled({ organizationId, id: open.id }, open, end - Date.now());
    }
  }

  /** Moves one visit to another local time, or it and those after it by as much on the clock, whatever the clocks do between. */
  async move(
    request: Acting & Selection & { readonly start: number; readonly timeZone: string; readonly audience: Audience },
  ): Promise<readonly OccurrenceAnswer[] | null> {
    const { organizationId, id, audience, actor } = request;
    const series = await this.parts.store.get(organizationId, id);
    const chosen = series && chosenOf(series, request);
    if (chosen === null) return null;
    // What was cut off goes on where it was, and shifts nothing twice.
    const isAgain = series?.moving != null && isSameMove(series.moving, request);
    const move = isAgain ? series.moving : moveOf(chosen, request);
    await counted(move.steps.length);
    if (!isAgain) await this.parts.store.moves({ organizationId, id }, move);
    const end = Date.now() + request.waitMs;
    const answers: OccurrenceAnswer[] = [];
    for (const { id: appointmentId, version, to } of move.steps) {
      const there = series?.appointments.find(
        (one) => one.id === appointmentId && one.start === to && isLive(one.status),
      );
      const asked = { organizationId, id: appointmentId, version, start: to, motifId: null, actor };
      const terms = { audience, usesReserved: sightOf()?.usesReserved, series: id };
      const waitMs = Math.max(0, end - Date.now());
      const given = there ? answer(there, 200) : await this.parts.booking.move({ ...asked, terms, waitMs });
      answers.push({ appointmentId, answer: given });
    }
    await this.parts.store.moves({ organizationId, id }, null);
    const places = new Map(move.steps.map(({ id: one, to }) => [one, to]));
    return answers.sort((a, b) => (places.get(a.appointmentId) ?? 0) - (places.get(b.appointmentId) ?? 0));
  }

  async cancel(request: Acting & Selection & { readonly reason: Reason }): Promise<readonly OccurrenceAnswer[] | null> {
    const { organizationId, reason, actor } = request;
    const series = await this.parts.store.get(organizationId, request.id);
    const chosen = series && chosenOf(series, request);
    if (chosen === null) return null;
    await counted(chosen.length);
    const end = Date.now() + request.waitMs;
    const answers: OccurrenceAnswer[] = [];
    for (const { id: appointmentId } of chosen) {
      const waitMs = Math.max(0, end - Date.now());
      const asked = { organizationId, id: appointmentId, version: null, key: null, reason, actor, waitMs };
      answers.push({ appointmentId, answer: await this.parts.booking.cancel(asked) });
    }
    return answers;
  }

  /** Binds what stands in the way to the request's key: its repetition is told the same. */
  private async remember(
    { organizationId, key }: { organizationId: string; key: RequestKey | null },
    body: SeriesAnswer,
  ): Promise<SeriesAnswer> {
    if (key === null) return body;
    const first = await this.parts.bookings.answerKey(organizationId, key, { status: 409, body, resource: null });
    return first === null ? body : (first.body as SeriesAnswer);
  }

  private async placed(
    request: Omit<SeriesCommand, 'acceptStale'> & { readonly waitMs: number },
  ): Promise<SeriesPlaced> {
    let placed: SeriesPlaced = { outcome: 'refused', result: NOTHING };
    await this.parts.through.fresh(request, async (acceptStale) => {
      placed = await this.parts.store.place({ ...request, acceptStale });
      return placed.outcome === 'refused' ? placed.result : NOTHING;
    });
    return placed;
  }

  private async step(organizationId: string, series: SeriesRecord): Promise<void> {
    const { store, booking } = this.parts;
    const ref = { organizationId, id: series.id };
    const { appointments, mode, state, actor } = series;
    // A visit that was cancelled or reassigned meanwhile was meant to be; one that gives way is refused once it is gone.
    const lost = appointments.some(({ status }) => status === 'refused' || status === 'conflict');
    if (state === 'settling' && mode === 'all-or-nothing' && lost) {
      await store.turn(ref, ['settling'], 'undoing');
    } else if (state === 'settling') {
      if (!appointments.some(({ status }) => OPEN.has(status))) await store.turn(ref, ['settling'], 'done');
    } else if (appointments.every(({ status }) => !isLive(status))) {
      await store.turn(ref, ['undoing'], 'undone');
    } else {
      const standing = appointments.filter(({ status }) => isLive(status) && status !== 'compensating');
      for (const { id } of standing)
        await booking.cancel({ organizationId, id, version: null, key: null, reason: INCOMPLETE, actor, waitMs: 0 });
    }
  }
}

/** Of one that could be booked nothing is left to tell: it was taken back with the others. */
function told(result: PlaceResult): Omit<Occurrence, 'start'> {
  if (result.outcome === 'placed') return { outcome: 'free', result: NOTHING };
  return { outcome: result.outcome === 'taken' ? 'taken' : 'rule', result };
}

/** Live visits that are meant, by start; `null` when there is no such visit in the series. */
function chosenOf(
  { appointments }: SeriesRecord,
  { appointmentId, following }: Selection,
): readonly AppointmentRecord[] | null {
  const live = appointments.filter(({ status }) => isLive(status) && status !== 'compensating');
  if (appointmentId === null) return live.filter(({ start }) => start > Date.now());
  const from = live.findIndex(({ id }) => id === appointmentId);
  if (from < 0) return null;
  return following ? live.slice(from) : live.slice(from, from + 1);
}

/** As much on the clock for each, whatever the clocks do between. */
function moveOf(
  chosen: readonly AppointmentRecord[],
  { appointmentId, following, start, timeZone }: Selection & { readonly start: number; readonly timeZone: string },
): SeriesMove {
  const [first] = chosen;
  if (first === undefined) return { appointmentId, following, start, steps: [] };
  const clock = zoneClock(timeZone, { start: first.start - AROUND_MS, end: first.start + AROUND_MS });
  const shift = clock.local(start) - clock.local(first.start);
  const steps = chosen.map(({ id, version, start: from }) => ({
    ...{ id, version },
    to: clock.instant(clock.local(from) + shift),
  }));
  // Those that go later make room from the last one on.
  return { appointmentId, following, start, steps: shift > 0 ? steps.reverse() : steps };
}

function isSameMove(move: SeriesMove, asked: Omit<SeriesMove, 'steps'>): boolean {
  return move.appointmentId === asked.appointmentId && move.following === asked.following && move.start === asked.start;
}
