import { bookableVisits, rankVisits, unaskedTimes, type AskedTimes, type Interval } from '#domain';
import type { AgendaWindow, Calendar, AskerRecord } from './calendar.js';
import { objectionsAt, withFreshness, type Objection, type Told } from './explain.js';
import type { FoundSlot, Freshness } from './model.js';
import { askedBy, SECRETARIAT, type Asker, type Modality } from './rules.js';
import { rankingContext, type Suggestions } from './suggestions.js';

const DAY = 86_400_000;
/** How far "the next slot" is looked for: the first days at once, then ever wider. */
const NEXT_HORIZON_DAYS = 183;
const NEXT_FIRST_DAYS = 1;
/** "The next slot" is asked of so many agendas first, then of ever more: what some offer bounds how far others have to look. */
const NEXT_FIRST_AGENDAS = 8;
const NEXT_MORE_AGENDAS = 8;
/** Alternatives offered with a refusal. */
const ALTERNATIVES = 3;
/** Days of agendas that are read at once: bounds the memory that a search takes. */
const AGENDA_DAYS_AT_ONCE = 8_000;

/** What a patient can make use of. */
export interface SlotFilter extends AskedTimes {
  /** `null` = any; a motif without a word about it is seen in the cabinet. */
  readonly modality: Modality | null;
}

export interface SlotQuery {
  readonly organizationId: string;
  readonly agendaIds: readonly string[];
  readonly motifId: string;
  readonly window: Interval;
  /** Most slots per agenda. */
  readonly limit: number;
  /** A secretariat without a patient in mind when absent. */
  readonly asker?: Asker;
  readonly filter?: SlotFilter;
}

/** One start of a motif in an agenda, and who asks for it. */
export interface Place {
  readonly organizationId: string;
  readonly agendaId: string;
  readonly motifId: string;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly asker: Asker;
}

/** What a search found: an agenda that could not be read is reported beside the slots, never as full. */
export interface SlotsFound {
  readonly slots: readonly FoundSlot[];
  readonly agendas: readonly (Freshness & { readonly timeZone: string })[];
}

/** Everything that speaks against one start; empty objections: it can be booked. */
export interface Explanation extends Told {
  readonly objections: readonly Objection[];
  readonly freshness: Freshness;
  readonly end: number;
}

/** What was looked at, with the slots in it. */
interface SearchedAgendas {
  readonly windows: readonly AgendaWindow[];
  readonly slots: readonly FoundSlot[];
}

const ANYTIME: SlotFilter = { weekdays: null, dayParts: null, modality: null };

/** Slots of one agenda among which the best are looked for. */
const CANDIDATES = 200;

/** Bookable slots, computed from openings, rules and claims as they stand. */
export class SearchSlots {
  constructor(private readonly calendar: Calendar) {}

  /** `null` when the motif is unknown. Slots are sorted by start, then agenda. */
  async search(query: SlotQuery): Promise<SlotsFound | null> {
    const found = await this.look(query, await this.standingOf(query));
    return found && foundOf(found);
  }

  /** The first `limit` slots from an instant on, over six months. */
  async next(query: Omit<SlotQuery, 'window'> & { readonly from: number }): Promise<SlotsFound | null> {
    return this.first(query, await this.standingOf(query));
  }

  /**
   * The nearest free slots from the refused start on, for the same asker; fewer when there are not so many.
   * `patientVisits`: starts of his other visits for the motif in the agenda.
   */
  async alternatives(
    refused: Omit<Place, 'asker'> & { readonly asker?: Asker; readonly patientVisits?: readonly number[] },
  ): Promise<readonly FoundSlot[]> {
    const { organizationId, agendaId, motifId, start: from, asker = SECRETARIAT, patientVisits = [] } = refused;
    const query = { organizationId, agendaIds: [agendaId], motifId, asker, from, limit: ALTERNATIVES };
    const standing = await this.standingOf(query);
    const visits = patientVisits.map((start) => ({ agendaId, motifId, start }));
    return (await this.first(query, { ...standing, visits }))?.slots ?? [];
  }

  /** Everything that speaks against one start; `null` when agenda or motif is unknown. */
  async explain(question: Place): Promise<Explanation | null> {
    const { start, motifId, asker } = question;
    const found = await this.calendar.factsAt(question);
    if (found === null) return null;
    const { facts, freshness, whenUnreachable, now } = found;
    const asked = askedBy(motifId, found, asker);
    const objections = withFreshness(objectionsAt(start, facts, asked), freshness, whenUnreachable);
    return { objections, freshness, now, timeZone: facts.timeZone, end: start + asked.visit.durationMs };
  }

  /** The best `limit` slots of a window in all, and why; `null` when the motif is unknown. */
  async suggest(query: SlotQuery): Promise<Suggestions | null> {
    const { motifId, asker = SECRETARIAT, limit } = query;
    const standing = await this.standingOf(query);
    const found = await this.look({ ...query, limit: CANDIDATES }, standing);
    if (found === null) return null;
    const ranked = rankVisits(found.slots, rankingContext(found.windows, { motifId, asker, standing }));
    return { slots: ranked.slice(0, limit), agendas: foundOf(found).agendas };
  }

  private async look(query: SlotQuery, standing: AskerRecord): Promise<SearchedAgendas | null> {
    const { agendaIds, window } = query;
    const days = Math.max(1, (window.end - window.start) / DAY);
    const atOnce = Math.max(1, Math.floor(AGENDA_DAYS_AT_ONCE / days));
    const all: { windows: AgendaWindow[]; slots: FoundSlot[] } = { windows: [], slots: [] };
    for (let first = 0; first === 0 || first < agendaIds.length; first += atOnce) {
      const found = await this.calendar.windows({ ...query, agendaIds: agendaIds.slice(first, first + atOnce) });
      if (found === null) return null;
      const windows = found.agendas.filter((agenda) => isOffered(agenda, query.filter ?? ANYTIME));
      all.windows.push(...windows);
      for (const agenda of windows) all.slots.push(...slotsIn(agenda, { ...query, standing, now: found.now }));
    }
    all.slots.sort(byStart);
    return all;
  }

  /** Who asks, and his patient: looked up once for all agendas. */
  private async standingOf({
    organizationId,
    asker,
  }: Pick<SlotQuery, 'organizationId' | 'asker'>): Promise<AskerRecord> {
    const isNamed = asker?.collaboratorId != null || asker?.patientOf != null;
    return isNamed ? this.calendar.standing(organizationId, asker) : NOBODY;
  }

  private async first(
    query: Omit<SlotQuery, 'window'> & { readonly from: number },
    standing: AskerRecord,
  ): Promise<SlotsFound | null> {
    const slots: FoundSlot[] = [];
    let first: SlotsFound | null = null;
    let { agendaIds } = query;
    let days = NEXT_FIRST_DAYS;
    for (let day = 0; day < NEXT_HORIZON_DAYS && slots.length < query.limit; day += days / 2) {
      const window = { start: query.from + day * DAY, end: query.from + Math.min(day + days, NEXT_HORIZON_DAYS) * DAY };
      days *= 2;
      const searched = await this.earliest({ ...query, agendaIds, window }, standing);
      if (searched === null) return null;
      const found = foundOf(searched);
      slots.push(...found.slots);
      first ??= found;
      // An agenda that becomes reachable on the way has not been looked at from the beginning.
      agendaIds = first.agendas.filter(({ certainty }) => certainty !== 'unreachable').map(({ agendaId }) => agendaId);
      if (agendaIds.length === 0) break;
    }
    return first === null ? null : { slots: slots.slice(0, query.limit), agendas: first.agendas };
  }

  /** The slots of the window that are among the first `limit` of all agendas together, and maybe later ones. */
  private async earliest(query: SlotQuery, standing: AskerRecord): Promise<SearchedAgendas | null> {
    const all: { windows: AgendaWindow[]; slots: FoundSlot[] } = { windows: [], slots: [] };
    let asked = 0;
    let portion = NEXT_FIRST_AGENDAS;
    do {
      // At the same instant, the agenda's id decides.
      const end = Math.min(query.window.end, (all.slots[query.limit - 1]?.start ?? Infinity) + 1);
      const agendaIds = query.agendaIds.slice(asked, asked + portion);
      const found = await this.look({ ...query, agendaIds, window: { start: query.window.start, end } }, standing);
      if (found === null) return null;
      all.windows.push(...found.windows);
      all.slots.push(...found.slots);
      all.slots.sort(byStart);
      asked += portion;
      portion *= NEXT_MORE_AGENDAS;
    } while (asked < query.agendaIds.length);
    return all;
  }
}

const NOBODY: AskerRecord = { secretariat: null, visits: [], usualAgendaIds: [] };

function foundOf({ slots, windows }: SearchedAgendas): SlotsFound {
  return { slots, agendas: windows.map(({ freshness, facts }) => ({ ...freshness, timeZone: facts.timeZone })) };
}

function isOffered({ rules }: AgendaWindow, { modality }: SlotFilter): boolean {
  return modality === null || (rules.modality ?? 'cabinet') === modality;
}

function slotsIn(
  { agendaId, freshness, rules, minutes, facts }: AgendaWindow,
  query: SlotQuery & { readonly standing: AskerRecord; readonly now: number },
): FoundSlot[] {
  if (freshness.certainty === 'unreachable') return [];
  const { motifId, standing, now, window, limit, asker = SECRETARIAT, filter = ANYTIME } = query;
  const patientVisits = standing.visits
    .filter((visit) => visit.agendaId === agendaId && visit.motifId === motifId)
    .map(({ start }) => start);
  const asked = askedBy(motifId, { now, rules, minutes, secretariat: standing.secretariat, patientVisits }, asker);
  const except = unaskedTimes(filter, facts.timeZone, window);
  return bookableVisits(facts, asked, { ...window, except }, limit).map((visit) => ({
    ...visit,
    agendaId,
    motifId,
    timeZone: facts.timeZone,
  }));
}

function byStart(a: FoundSlot, b: FoundSlot): number {
  return a.start - b.start || (a.agendaId < b.agendaId ? -1 : 1);
}
