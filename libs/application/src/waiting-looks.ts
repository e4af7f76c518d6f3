import { planOffers, type PlannedOffer, type Waiting } from '#domain';
import type { BackendHolds } from './backend-holds.js';
import type { Bookings } from './booking-ports.js';
import type { AgendaWindow, Calendar } from './calendar.js';
import { newId } from './ids.js';
import type { Effects } from './ports.js';
import { askedBy, classOf } from './rules.js';
import type { Candidate, WaitingOffers } from './waiting-ports.js';
import type { WriteThrough } from './write-through.js';

const DAY = 86_400_000;
/** As far as openings are expanded. */
const HORIZON_DAYS = 183;
/** Entries of one agenda in one look. */
const MOST_CANDIDATES = 500;
/** Slots of one agenda that are kept at once for those who wait; the others stay free for whoever calls. */
const MOST_OPEN = 5;
/** Between two looks at an agenda of which nothing was heard: what only time frees is found by then. */
const PAUSE_SECONDS = { least: 60, most: 900 };
/** A slot is kept this long for one candidate. */
const HOLD_SECONDS = 600;
/** A stale agenda is read again before a slot of it is kept. */
const FRESHEN_MS = 4_000;

interface AgendaRef {
  readonly organizationId: string;
  readonly agendaId: string;
}

export interface WaitingLooksParts {
  readonly offers: WaitingOffers;
  readonly bookings: Bookings;
  readonly calendar: Calendar;
  readonly through: WriteThrough;
  readonly effects: Effects;
  /** Left out: no tool of a practitioner keeps anything for us. */
  readonly holds?: BackendHolds;
  readonly holdSeconds?: number;
}

/**
 * Looks at an agenda for those who wait. A look starts from what stands in the database, and its vacancies are removed
 * last: one that is cut off anywhere is repeated, and two at once make no offer twice.
 */
export class WaitingLooks {
  constructor(private readonly parts: WaitingLooksParts) {}

  async look(agenda: AgendaRef): Promise<void> {
    const { offers, bookings } = this.parts;
    const due = await offers.due(agenda);
    if (due.ids.length === 0) return;
    const { release, open } = await offers.settle(agenda);
    for (const id of release) await bookings.release({ organizationId: agenda.organizationId, id }, { kind: 'system' });
    const candidates = open >= MOST_OPEN ? [] : await offers.candidates(agenda, MOST_CANDIDATES);
    const planned = await this.plan(agenda, candidates, MOST_OPEN - open);
    const byEntry = new Map(candidates.map((candidate) => [candidate.entry.id, candidate]));
    for (const offer of planned) {
      const candidate = byEntry.get(offer.entryId);
      if (candidate) await this.offer(agenda, offer, candidate);
    }
    // What the plan gave to one may leave another place free: after an offer, the next look is soon.
    const doubled = Math.min(Math.max(due.pauseSeconds * 2, PAUSE_SECONDS.least), PAUSE_SECONDS.most);
    await offers.answered(agenda, due, planned.length > 0 ? PAUSE_SECONDS.least : doubled);
  }

  private async plan(
    agenda: AgendaRef,
    candidates: readonly Candidate[],
    limit: number,
  ): Promise<readonly PlannedOffer[]> {
    const { calendar, effects } = this.parts;
    const { organizationId, agendaId } = agenda;
    const start = effects.now();
    const window = { start, end: start + HORIZON_DAYS * DAY };
    const found = new Map<string, MotifWindow>();
    for (const motifId of new Set(candidates.flatMap(({ entry }) => entry.motifIds))) {
      const answer = await calendar.windows({ organizationId, agendaIds: [agendaId], motifId, window });
      const [first] = answer?.agendas ?? [];
      if (answer === null || first === undefined || first.freshness.certainty === 'unreachable') continue;
      found.set(motifId, { ...first, now: answer.now });
    }
    const [any] = found.values();
    const waiting = candidates.map((candidate) => waitingOf(candidate, found));
    return any === undefined ? [] : planOffers(waiting, any.facts.timeZone, window, limit);
  }

  /** First the offer, then its hold, then it is shown: whatever is cut off between is found by the next look. */
  private async offer(agenda: AgendaRef, offer: PlannedOffer, { entry }: Candidate): Promise<void> {
    const { offers, bookings, through, holds, holdSeconds = HOLD_SECONDS } = this.parts;
    const { organizationId, agendaId } = agenda;
    const { start, motifId } = offer;
    const ref = { organizationId, id: newId() };
    if (!(await offers.prepare(agenda, { ...offer, id: ref.id }))) return;
    const terms = { audience: entry.audience, newPatient: entry.patient.isNew };
    const place = { ...ref, agendaId, motifId, start, holdSeconds, collaboratorId: entry.createdBy };
    const command = { ...place, actor: { kind: 'system' }, patient: null, key: null, terms } as const;
    const result = await through.fresh({ organizationId, waitMs: FRESHEN_MS }, (acceptStale) =>
      bookings.place({ ...command, acceptStale }),
    );
    const taken = result.outcome !== 'placed' || (result.remote && (await holds?.keep(ref)) === 'taken');
    if (taken) await offers.drop(ref);
    if (result.outcome === 'placed' && (taken || !(await offers.open(ref))))
      await bookings.release(ref, { kind: 'system' });
  }
}

/** What stands in the agenda for one motif, and the database's clock. */
type MotifWindow = AgendaWindow & { readonly now: number };

/** A candidate as the rules see him, in each motif that the agenda offers. */
function waitingOf({ entry, passed, visits }: Candidate, found: ReadonlyMap<string, MotifWindow>): Waiting {
  const { id, priority, deadline, createdAt, availability, audience, patient } = entry;
  const asks = entry.motifIds.flatMap((motifId) => {
    const window = found.get(motifId);
    if (window === undefined) return [];
    const { facts, rules, minutes, now } = window;
    const patientVisits = visits.filter((visit) => visit.motifId === motifId).map(({ start }) => start);
    const known = { now, rules, minutes, secretariat: null, patientVisits };
    return [{ facts, asked: askedBy(motifId, known, { audience, patient: classOf(patient, now) }) }];
  });
  return { id, priority, deadline, since: createdAt, availability, passed, asks };
}
