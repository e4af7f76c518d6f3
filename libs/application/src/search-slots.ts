import { bookableVisits, type Interval } from '#domain';
import type { Calendar } from './calendar.js';
import type { Freshness, Slot } from './model.js';
import { askedBy, SECRETARIAT, type Asker } from './rules.js';

const DAY = 86_400_000;
/** How far "the next slot" is looked for: the first days at once, then ever wider. */
const NEXT_HORIZON_DAYS = 183;
const NEXT_FIRST_DAYS = 1;
/** "The next slot" is asked of so many agendas first, then of ever more: what some offer bounds how far others have to look. */
const NEXT_FIRST_AGENDAS = 8;
const NEXT_MORE_AGENDAS = 8;
/** Alternatives offered with a refusal. */
const ALTERNATIVES = 3;

export interface SlotQuery {
  readonly organizationId: string;
  readonly agendaIds: readonly string[];
  readonly motifId: string;
  readonly window: Interval;
  /** Most slots per agenda. */
  readonly limit: number;
  /** A secretariat without a patient in mind when absent. */
  readonly asker?: Asker;
}

/** What a search found: an agenda that could not be read is reported beside the slots, never as full. */
export interface SlotsFound {
  readonly slots: readonly (Slot & { readonly timeZone: string })[];
  readonly agendas: readonly (Freshness & { readonly timeZone: string })[];
}

/** Bookable slots, computed from openings and claims as they stand. */
export class SearchSlots {
  constructor(private readonly calendar: Calendar) {}

  /** `null` when the motif is unknown. Slots are sorted by start, then agenda. */
  async search(query: SlotQuery): Promise<SlotsFound | null> {
    const found = await this.calendar.windows(query);
    if (found === null) return null;
    const { now, agendas } = found;
    const { asker = SECRETARIAT } = query;
    const slots = agendas
      .filter(({ freshness }) => freshness.certainty !== 'unreachable')
      .flatMap(({ agendaId, rules, minutes, facts }) => {
        const asked = askedBy(query.motifId, { now, rules, minutes, secretariat: null, patientVisits: [] }, asker);
        return bookableVisits(facts, asked, query.window, query.limit).map((visit) => ({
          ...visit,
          agendaId,
          motifId: query.motifId,
          timeZone: facts.timeZone,
        }));
      })
      .sort(byStart);
    return { slots, agendas: agendas.map(({ freshness, facts }) => ({ ...freshness, timeZone: facts.timeZone })) };
  }

  /** The first `limit` slots from an instant on, over six months. */
  async next(query: Omit<SlotQuery, 'window'> & { readonly from: number }): Promise<SlotsFound | null> {
    const slots: SlotsFound['slots'][number][] = [];
    let first: SlotsFound | null = null;
    let { agendaIds } = query;
    let days = NEXT_FIRST_DAYS;
    for (let day = 0; day < NEXT_HORIZON_DAYS && slots.length < query.limit; day += days / 2) {
      const window = { start: query.from + day * DAY, end: query.from + Math.min(day + days, NEXT_HORIZON_DAYS) * DAY };
      days *= 2;
      const found = await this.earliest({ ...query, agendaIds, window });
      if (found === null) return null;
      slots.push(...found.slots);
      first ??= found;
      // An agenda that becomes reachable on the way has not been looked at from the beginning.
      agendaIds = first.agendas.filter(({ certainty }) => certainty !== 'unreachable').map(({ agendaId }) => agendaId);
    }
    return first === null ? null : { slots: slots.slice(0, query.limit), agendas: first.agendas };
  }

  /** The slots of the window that are among the first `limit` of all agendas together, and maybe later ones. */
  private async earliest(query: SlotQuery): Promise<SlotsFound | null> {
    const slots: SlotsFound['slots'][number][] = [];
    const agendas: SlotsFound['agendas'][number][] = [];
    let asked = 0;
    let portion = NEXT_FIRST_AGENDAS;
    do {
      // At the same instant, the agenda's id decides.
      const end = Math.min(query.window.end, (slots[query.limit - 1]?.start ?? Infinity) + 1);
      const agendaIds = query.agendaIds.slice(asked, asked + portion);
      const found = await this.search({ ...query, agendaIds, window: { start: query.window.start, end } });
      if (found === null) return null;
      slots.push(...found.slots);
      slots.sort(byStart);
      agendas.push(...found.agendas);
      asked += portion;
      portion *= NEXT_MORE_AGENDAS;
    } while (asked < query.agendaIds.length);
    return { slots, agendas };
  }

  /** The nearest free slots from the refused start on; fewer when there are not so many. */
  async alternatives(refused: {
    organizationId: string;
    agendaId: string;
    motifId: string;
    start: number;
  }): Promise<readonly (Slot & { readonly timeZone: string })[]> {
    const { organizationId, agendaId, motifId, start } = refused;
    return (
      (await this.next({ organizationId, agendaIds: [agendaId], motifId, from: start, limit: ALTERNATIVES }))?.slots ??
      []
    );
  }
}

function byStart(a: Slot, b: Slot): number {
  return a.start - b.start || a.agendaId.localeCompare(b.agendaId);
}
