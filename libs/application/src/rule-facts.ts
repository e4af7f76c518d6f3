import {
  bookableVisits,
  overlaps,
  refusalsAt,
  AUDIENCES,
  type AgendaFacts,
  type Asked,
  type Interval,
  type RuleCode,
  type RuleRefusal,
} from '#domain';
import type { AgendaRules, MotifBasis, PlacedVisit, SeatTaken, Standing } from './agenda-rules.js';
import { expandRules, type ExpandedRules } from './rule-expansion.js';
import { rulesOf, SECRETARIAT, visitOf, type MotifRuling, type VisitMinutes } from './rules.js';

const DAY = 86_400_000;
/** Quotas look at whole weeks, reserves at whole days. */
const AROUND = 8 * DAY;
/** What changes with who books, for whom and when he asks speaks against a new visit, and not against one that stands. */
const OF_PLACE: ReadonlySet<RuleCode> = new Set([
  'AGENDA_DISABLED',
  'MOTIF_NOT_ALLOWED',
  'AUDIENCE',
  'CLOSED',
  'OFF_GRID',
  'RESERVED_UNTIL',
  'QUOTA_REACHED',
  'RESOURCE',
]);

/** Rules, and what stands under them, over a range: enough to ask about visits that start in it. */
export interface RuledAgenda {
  readonly rules: AgendaRules;
  readonly standing: Standing;
  readonly expanded: ExpandedRules;
  readonly openedUntil: number;
}

/** An appointment that stands where the rules would not let it be booked. */
export interface OutsideVisit {
  readonly visit: PlacedVisit;
  readonly refusals: readonly RuleRefusal[];
}

/** What has to be read to ask about visits that start in a range. */
export function rangeAround({ start, end }: Interval): Interval {
  return { start: start - AROUND, end: end + AROUND };
}

export function ruledAgenda(rules: AgendaRules, standing: Standing, range: Interval): RuledAgenda {
  return { rules, standing, expanded: expandRules(rules, rangeAround(range)), openedUntil: range.end };
}

/** Agendas that the motifs need as equipment. */
export function equipmentOf({ kept }: AgendaRules): string[] {
  return [...new Set(kept.motif.flatMap(({ rule }) => rule.equipment ?? []))];
}

/** Starts that a secretariat could book for a motif, no patient in mind; epoch milliseconds, sorted. */
export function bookableStartsOf(agenda: RuledAgenda, motifId: string, window: Interval): number[] {
  const asked = askedOf(agenda.rules, motifId);
  if (asked === null) return [];
  return bookableVisits(factsOf(agenda, motifId), asked, window, Infinity).map(({ start }) => start);
}

/** The live appointments from now on that the rules would not let be booked where they are, each asked without itself. */
export function outsideRules(agenda: RuledAgenda): OutsideVisit[] {
  const { now } = agenda.rules;
  const coming = agenda.standing.visits.filter(({ live, start }) => live && start >= now);
  const days = Map.groupBy(coming, ({ start }) => Math.floor(start / DAY));
  return [...days].flatMap(([day, visits]) => {
    const near = nearby(agenda, rangeAround({ start: day * DAY, end: (day + 1) * DAY }));
    return visits.flatMap((visit) => {
      const refusals = refusalsOf(near, visit);
      return refusals.length === 0 ? [] : [{ visit, refusals }];
    });
  });
}

/** For whom it was booked is not known any more: what speaks against it for everybody does. */
function refusalsOf(agenda: RuledAgenda, visit: PlacedVisit): RuleRefusal[] {
  const asked = askedOf(agenda.rules, visit.motifId);
  if (asked === null) return [{ code: 'MOTIF_NOT_ALLOWED' }];
  const facts = factsOf(agenda, visit.motifId, visit.id);
  const standing = {
    ...asked,
    visit: {
      ...asked.visit,
      durationMs: visit.end - visit.start,
      bufferBeforeMs: visit.start - visit.occupies.start,
      bufferAfterMs: visit.occupies.end - visit.end,
    },
  };
  const answers = AUDIENCES.map((audience) =>
    refusalsAt(visit.start, facts, { ...standing, audience }).filter(({ code }) => OF_PLACE.has(code)),
  );
  return answers.reduce((least, answer) => (answer.length < least.length ? answer : least));
}

function askedOf(rules: AgendaRules, motifId: string): Asked | null {
  const ruling = rules.kept.motif.find(({ id }) => id === motifId)?.rule;
  const basis = rules.motifs.find(({ id }) => id === motifId);
  if (ruling === undefined || basis === undefined) return null;
  return {
    motifId,
    rules: rulesOf(ruling),
    visit: visitOf(minutesOf(basis, ruling), false),
    audience: SECRETARIAT.audience,
    secretariat: null,
    patient: { visits: [] },
    now: rules.now,
  };
}

/** A visit's minutes as the ruling cuts them. */
export function minutesOf(basis: MotifBasis, ruling: MotifRuling): VisitMinutes {
  const duration = ruling.durationMinutes ?? basis.durationMinutes;
  return {
    duration,
    newcomer: ruling.newPatientDurationMinutes ?? duration,
    before: ruling.bufferBeforeMinutes ?? basis.bufferBeforeMinutes,
    after: ruling.bufferAfterMinutes ?? basis.bufferAfterMinutes,
    granularity: ruling.granularityMinutes ?? basis.granularityMinutes,
  };
}

/** What the database would answer under these rules; `self` is left out of what stands. */
function factsOf({ rules, standing, expanded, openedUntil }: RuledAgenda, motifId: string, self?: string): AgendaFacts {
  const visits = standing.visits.filter(({ id }) => id !== self);
  const live = visits.filter((visit) => visit.live);
  const reserved = ({ start, end }: Interval): boolean =>
    expanded.reserves.some((reserve) => overlaps(reserve, { start, end }));
  const ruling = rules.kept.motif.find(({ id }) => id === motifId)?.rule;
  const seats = (agendaId: string): AgendaFacts['occupied'] =>
    standing.taken.filter((taken) => taken.agendaId === agendaId && taken.holder !== self).map(occupation);
  return {
    active: rules.settings.active,
    offered: ruling !== undefined && rules.motifs.some(({ id, active }) => id === motifId && active),
    timeZone: rules.timeZone,
    capacity: rules.settings.capacity,
    openedUntil,
    openings: expanded.openings,
    closures: [
      ...rules.kept.closure.filter(({ rule }) => rule.source === 'typed').map(({ rule }) => rule),
      ...expanded.holidays,
    ],
    reserves: expanded.reserves,
    occupied: seats(rules.agendaId),
    visits: live.filter((visit) => visit.motifId === motifId).map(({ start }) => start),
    givenBack: visits
      .filter(({ status }) => status === 'cancelled')
      .map(({ start, end, changedAt }) => ({ start, end, at: changedAt })),
    reservedVisits: live.filter(reserved).map(({ start, secretariat }) => ({ start, secretariat })),
    equipment: (ruling?.equipment ?? []).map((agendaId) => {
      const known = standing.equipment.find(({ id }) => id === agendaId);
      return { agendaId, capacity: known?.active ? known.capacity : 0, occupied: seats(agendaId) };
    }),
  };
}

function occupation({ start, end, seat, kind }: SeatTaken): AgendaFacts['occupied'][number] {
  return { interval: { start, end }, seat, kind };
}

/** The same agenda, of which only what lies in the range is looked at: asking about each of many visits stays cheap. */
function nearby(agenda: RuledAgenda, range: Interval): RuledAgenda {
  const inside = <T extends Interval>(all: readonly T[]): T[] => all.filter((one) => overlaps(one, range));
  const { rules, standing, expanded } = agenda;
  const closure = rules.kept.closure.filter(({ rule }) => overlaps(rule, range));
  return {
    ...agenda,
    rules: { ...rules, kept: { ...rules.kept, closure } },
    standing: { ...standing, taken: inside(standing.taken), visits: inside(standing.visits) },
    expanded: {
      openings: inside(expanded.openings),
      reserves: inside(expanded.reserves),
      holidays: inside(expanded.holidays),
    },
  };
}
