import { overlaps } from '#domain';
import type {
  AgendaRules,
  ChangeResult,
  EquipmentFacts,
  Kept,
  RuleChange,
  RuleFault,
  RuleKind,
  RuleTypes,
} from './agenda-rules.js';

/** More of one kind in one agenda is no practice's: expanding them has to stay quick. */
export const MOST_OF_A_KIND = 300;

/** The rules as they will be, versions left aside. Holidays are expanded, not kept: see expandRules. */
export function applied(rules: AgendaRules, change: RuleChange): AgendaRules {
  if (change.kind === 'agenda') return { ...rules, settings: { ...rules.settings, ...change.settings } };
  return { ...rules, kept: { ...rules.kept, [change.kind]: changed(rules.kept[change.kind], change) } };
}

function changed<K extends RuleKind>(
  all: readonly Kept<K>[],
  { id, rule }: { readonly id: string; readonly rule: RuleTypes[K] | null },
): readonly Kept<K>[] {
  const others = all.filter((kept) => kept.id !== id);
  return rule === null ? others : [...others, { id, version: 0, rule }];
}

/** Why a change cannot be made to what stands, by its version; `null` when nothing speaks against it. */
export function obstacle(
  rules: AgendaRules,
  change: RuleChange,
  version: number | 'new' | null,
): Exclude<ChangeResult['outcome'], 'changed' | 'faults'> | null {
  const standing = versionOf(rules, change);
  if (standing === null) {
    const offered = change.kind === 'motif' && change.rule !== null && rules.motifs.some(({ id }) => id === change.id);
    if (version === 'new' || (offered && version === null)) return null;
    return offered ? 'stale' : 'unknown';
  }
  if (version === null) return 'required';
  if (version !== standing) return 'stale';
  return computedFrom(rules, change);
}

function versionOf(rules: AgendaRules, change: RuleChange): number | null {
  if (change.kind === 'agenda') return rules.version;
  return rules.kept[change.kind].find(({ id }) => id === change.id)?.version ?? null;
}

/** What the closure that it would change comes from, unless somebody typed it. */
export function computedFrom({ kept }: AgendaRules, change: RuleChange): 'holiday' | 'backend' | null {
  const source = change.kind === 'closure' && kept.closure.find(({ id }) => id === change.id)?.rule.source;
  return source === 'holiday' || source === 'backend' ? source : null;
}

/** What a schema alone cannot judge. `equipment`: the agendas that the change names and that exist. */
export function faultsOfChange(
  rules: AgendaRules,
  change: RuleChange,
  equipment: { readonly named: readonly EquipmentFacts[]; readonly servesOthers: boolean },
): RuleFault[] {
  if (change.kind === 'agenda' || change.rule === null) return [];
  const others = rules.kept[change.kind].filter(({ id }) => id !== change.id);
  const typed = others.filter(({ rule }) => !('source' in rule) || rule.source === 'typed');
  if (typed.length >= MOST_OF_A_KIND)
    return [{ path: '', message: `the agenda has ${String(typed.length)} of them already` }];
  switch (change.kind) {
    case 'opening':
      return unknownMotifs(rules, change.rule.motifIds ?? [], 'motifs');
    case 'reserve':
      return unknownMotifs(rules, change.rule.keptFor.motifIds, 'keptFor.motifs');
    case 'substitution': {
      const { rule } = change;
      const beside = rules.kept.substitution.some((other) => other.id !== change.id && overlaps(other.rule, rule));
      return beside ? [{ path: 'start', message: 'overlaps another substitution' }] : [];
    }
    case 'motif':
      return faultsOfRuling(rules, change.rule, equipment);
    case 'closure':
      return [];
  }
}

function faultsOfRuling(
  rules: AgendaRules,
  { equipment = [], next }: RuleTypes['motif'],
  { named, servesOthers }: Parameters<typeof faultsOfChange>[2],
): RuleFault[] {
  const faults = equipment.flatMap((id, index) => {
    const message = faultOfEquipment(id, rules.agendaId, named);
    return message === null ? [] : [{ path: `equipment.${String(index)}`, message }];
  });
  if (equipment.length > 0 && servesOthers)
    faults.push({ path: 'equipment', message: 'cannot be: this agenda is itself equipment of another' });
  if (next !== undefined && !rules.motifs.some(({ id }) => id === next.motifId))
    faults.push({ path: 'next.motif', message: 'is not known' });
  return faults;
}

function faultOfEquipment(id: string, agendaId: string, named: readonly EquipmentFacts[]): string | null {
  if (id === agendaId) return 'is this agenda itself';
  const known = named.find((agenda) => agenda.id === id);
  if (known === undefined) return 'is not known';
  if (known.linked) return 'is linked to an outside agenda';
  return known.needsSome ? 'needs equipment itself' : null;
}

function unknownMotifs({ motifs }: AgendaRules, ids: readonly string[], path: string): RuleFault[] {
  const known = new Set(motifs.map(({ id }) => id));
  return ids.flatMap((id, index) =>
    known.has(id) ? [] : [{ path: `${path}.${String(index)}`, message: 'is not known' }],
  );
}
