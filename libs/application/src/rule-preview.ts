import type { Interval } from '#domain';
import type { AgendaRef, AgendaRules, RuleChange, RuleFault, RuleStore } from './agenda-rules.js';
import type { Told } from './explain.js';
import { applied, computedFrom, faultsOfChange } from './rule-changes.js';
import { expansionWindow } from './rule-expansion.js';
import {
  bookableStartsOf,
  equipmentOf,
  outsideRules,
  rangeAround,
  ruledAgenda,
  type OutsideVisit,
  type RuledAgenda,
} from './rule-facts.js';

const DAY = 86_400_000;
/** Slots that are shown one by one. */
const SHOWN = 50;

const COMPUTED = {
  holiday: 'is a public holiday: preview the agenda instead',
  backend: "is closed in the practitioner's own tool, not here",
} as const;

/** Slots that come or go: how many of each motif, and the first of them by start. */
export interface SlotsChanged {
  readonly counts: readonly { readonly motifId: string; readonly slots: number }[];
  readonly first: readonly { readonly motifId: string; readonly start: number }[];
}

export type PreviewResult =
  | {
      readonly outcome: 'seen';
      readonly timeZone: string;
      readonly window: Interval;
      readonly added: SlotsChanged;
      readonly removed: SlotsChanged;
      /** `already`: it is outside the rules as they are, too. */
      readonly outside: readonly (OutsideVisit & { readonly already: boolean })[];
    }
  | { readonly outcome: 'faults'; readonly faults: readonly RuleFault[] }
  | { readonly outcome: 'unknown' };

/** What rules do, seen without changing anything. */
export class RulePreview {
  constructor(private readonly store: RuleStore) {}

  /** Appointments from now on that stand outside the rules; `null` when the agenda is unknown. */
  async outside(agenda: AgendaRef): Promise<(Told & { outside: OutsideVisit[] }) | null> {
    const rules = await this.store.read(agenda);
    if (rules === null) return null;
    const range = comingRange(rules, rules);
    const standing = await this.store.standing(agenda, equipmentOf(rules), rangeAround(range));
    return { now: range.start, timeZone: rules.timeZone, outside: outsideRules(ruledAgenda(rules, standing, range)) };
  }

  /** What a change would add and remove over some weeks, and which appointments would then be outside the rules. */
  async preview(
    agenda: AgendaRef,
    change: RuleChange,
    { weeks, motifId }: { readonly weeks: number; readonly motifId: string | null },
  ): Promise<PreviewResult> {
    const rules = await this.store.read(agenda);
    if (rules === null) return { outcome: 'unknown' };
    const faults = unknownRule(rules, change);
    const after = applied(rules, change);
    const range = comingRange(rules, after);
    const equipment = [...new Set([rules, after].flatMap(equipmentOf))];
    const standing = await this.store.standing(agenda, equipment, rangeAround(range));
    const { equipment: named, servesOthers } = standing;
    for (const { path, message } of faultsOfChange(rules, change, { named, servesOthers }))
      faults.push({ path: path === '' ? 'rule' : `rule.${path}`, message });
    if (faults.length > 0) return { outcome: 'faults', faults };
    const window = { start: rules.now, end: rules.now + weeks * 7 * DAY };
    const both = { before: ruledAgenda(rules, standing, range), after: ruledAgenda(after, standing, range) };
    const motifs = [...rules.kept.motif, ...after.kept.motif].map(({ id }) => id);
    const asked = [...new Set(motifs)].filter((id) => motifId === null || id === motifId);
    return { outcome: 'seen', timeZone: rules.timeZone, window, ...compare(both, asked, window) };
  }
}

/** From now to where either expansion ends. */
function comingRange(before: AgendaRules, after: AgendaRules): Interval {
  const ends = [before, after].map((rules) => expansionWindow(rules).end);
  return { start: before.now, end: Math.max(...ends) };
}

function unknownRule(rules: AgendaRules, change: RuleChange): RuleFault[] {
  if (change.kind === 'agenda') return [];
  const { kind, id, rule } = change;
  const found = rules.kept[kind].find((kept) => kept.id === id);
  if (found !== undefined) {
    const computed = computedFrom(rules, change);
    return computed === null ? [] : [{ path: 'id', message: COMPUTED[computed] }];
  }
  const isNew = rule !== null && (kind === 'motif' ? rules.motifs.some((motif) => motif.id === id) : id === '');
  return isNew ? [] : [{ path: 'id', message: 'is not known' }];
}

function compare(
  { before, after }: { before: RuledAgenda; after: RuledAgenda },
  motifIds: readonly string[],
  window: Interval,
): Pick<Extract<PreviewResult, { outcome: 'seen' }>, 'added' | 'removed' | 'outside'> {
  const slots = motifIds.map((motifId) => {
    const [old, now] = [before, after].map((agenda) => new Set(bookableStartsOf(agenda, motifId, window)));
    return { motifId, added: missing(now, old), removed: missing(old, now) };
  });
  const already = new Set(outsideRules(before).map(({ visit }) => visit.id));
  return {
    added: told(slots.map(({ motifId, added }) => ({ motifId, starts: added }))),
    removed: told(slots.map(({ motifId, removed }) => ({ motifId, starts: removed }))),
    outside: outsideRules(after).map((one) => ({ ...one, already: already.has(one.visit.id) })),
  };
}

function missing(from: ReadonlySet<number> = new Set(), other: ReadonlySet<number> = new Set()): number[] {
  return [...from].filter((start) => !other.has(start));
}

function told(slots: readonly { readonly motifId: string; readonly starts: readonly number[] }[]): SlotsChanged {
  const first = slots
    .flatMap(({ motifId, starts }) => starts.slice(0, SHOWN).map((start) => ({ motifId, start })))
    .sort((a, b) => a.start - b.start);
  return {
    counts: slots
      .filter(({ starts }) => starts.length > 0)
      .map(({ motifId, starts }) => ({ motifId, slots: starts.length })),
    first: first.slice(0, SHOWN),
  };
}
