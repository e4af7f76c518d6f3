import type { AgendaRules, PlacedVisit, Standing } from './agenda-rules.js';
import { ruledAgenda, type RuledAgenda } from './rule-facts.js';

interface Parts {
  readonly timeZone?: string;
  readonly now?: number;
  readonly settings?: Partial<AgendaRules['settings']>;
  readonly kept?: Partial<AgendaRules['kept']>;
}

/** An agenda in Lyon with one motif of 30 minutes, without rules but those given. */
export function ruleFixture({ timeZone = 'Europe/Paris', now = 0, settings = {}, kept = {} }: Parts): AgendaRules {
  return {
    agendaId: 'agenda',
    version: 1,
    timeZone,
    now,
    openedUntil: 0,
    settings: {
      capacity: 1,
      active: true,
      whenUnreachable: 'refuse',
      holidayCalendar: null,
      workedHolidays: [],
      ...settings,
    },
    kept: { opening: [], closure: [], reserve: [], substitution: [], motif: [], ...kept },
    motifs: [
      {
        id: 'm',
        labelFr: 'Consultation',
        labelEn: 'Visit',
        active: true,
        durationMinutes: 30,
        bufferBeforeMinutes: 0,
        bufferAfterMinutes: 0,
        granularityMinutes: 30,
      },
    ],
  };
}

/** A confirmed visit of an instant, `minutes` long, and the seat that it takes. */
export function placed(
  id: string,
  start: number,
  minutes = 30,
): { visit: PlacedVisit; taken: Standing['taken'][number] } {
  const interval = { start, end: start + minutes * 60_000 };
  const visit = {
    ...interval,
    ...{
      id,
      motifId: 'm',
      status: 'confirmed' as const,
      live: true,
      overbooked: false,
      secretariat: null,
      changedAt: 0,
    },
    occupies: interval,
  } as const;
  return { visit, taken: { ...interval, agendaId: 'agenda', seat: 1, holder: id, kind: 'busy' } };
}

/** The agenda with these visits in it, over a year from now. */
export function withVisits(rules: AgendaRules, visits: readonly ReturnType<typeof placed>[]): RuledAgenda {
  const standing: Standing = {
    visits: visits.map(({ visit }) => visit),
    taken: visits.map(({ taken }) => taken),
    equipment: [],
    servesOthers: false,
  };
  return ruledAgenda(rules, standing, { start: rules.now, end: rules.now + 365 * 86_400_000 });
}
