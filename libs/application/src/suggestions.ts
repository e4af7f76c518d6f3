import { admits, servesMotif, subtract, type RankedAgenda, type Ranked, type RankingContext } from '#domain';
import type { AgendaWindow, AskerRecord } from './calendar.js';
import type { FoundSlot, Freshness } from './model.js';
import { askedBy, type Asker } from './rules.js';

/** Slots with what speaks for each, best first, and every agenda that was looked at. */
export interface Suggestions {
  readonly slots: readonly Ranked<FoundSlot>[];
  readonly agendas: readonly (Freshness & { readonly timeZone: string })[];
}

/** What a ranking looks at. A practitioner prefers a motif where he has opened time for it by name. */
export function rankingContext(
  windows: readonly AgendaWindow[],
  { motifId, asker, standing }: { motifId: string; asker: Asker; standing: AskerRecord },
): RankingContext {
  return {
    agendas: new Map(windows.map((window) => [window.agendaId, rankedAgenda(window, motifId, asker)])),
    patient:
      asker.patientOf == null
        ? null
        : { usualAgendaIds: standing.usualAgendaIds, visits: standing.visits.map(({ start }) => start) },
  };
}

function rankedAgenda({ facts, minutes, rules }: AgendaWindow, motifId: string, asker: Asker): RankedAgenda {
  const { secretariat, patientVisits, now } = { secretariat: null, patientVisits: [], now: 0 };
  const asked = askedBy(motifId, { minutes, rules, secretariat, patientVisits, now }, asker);
  const usable = facts.openings.filter((opening) => servesMotif(opening, asked) && admits(opening.audiences, asked));
  return {
    timeZone: facts.timeZone,
    open: subtract(usable, facts.closures),
    taken: facts.occupied.map(({ interval }) => interval),
    reserves: facts.reserves,
    preferred: usable.filter(({ motifIds }) => motifIds !== null),
    buffers: asked.visit,
  };
}
