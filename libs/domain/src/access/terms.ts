import { USUAL_IDENTITY, type AccessAction, type GrantTerms } from './grant.js';

/** What nobody gives alone: a second person who may manage the agenda's grants has to approve it. */
const FOUR_EYES: readonly AccessAction[] = ['overbook', 'export'];

/** Whether a second person has to approve a grant. `outside`: its holder does not belong to the practice. */
export function needsSecondPerson({ actions }: Pick<GrantTerms, 'actions'>, outside: boolean): boolean {
  return actions.some((action) => FOUR_EYES.includes(action) || (outside && action === 'see-identity'));
}

/** Whether somebody is a second person for what another asked for: neither who asked, nor who receives it with others. */
export function isSecondPerson(
  id: string,
  { askedBy, receives }: { readonly askedBy: string | null; readonly receives: boolean },
): boolean {
  return id !== askedBy && !receives;
}

const within = <T>(after: readonly T[] | null, before: readonly T[] | null): boolean =>
  before === null || (after !== null && after.every((one) => before.includes(one)));

/** Whether terms allow nothing that the former ones did not. Hours and quotas count as narrower only when added or kept. */
export function isNarrower(after: GrantTerms, before: GrantTerms): boolean {
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const lists = (['motifIds', 'audiences', 'channels'] as const).every((list) =>
    within<unknown>(after[list], before[list]),
  );
  const conditions =
    (before.hours === null || same(after.hours, before.hours)) &&
    (before.quotas.length === 0 || same(after.quotas, before.quotas));
  const delegable = before.delegable || !after.delegable;
  return (
    within(after.actions, before.actions) &&
    within(after.identity, before.identity) &&
    samePlaces(after, before) &&
    lists &&
    conditions &&
    shorter(after, before) &&
    delegable
  );
}

function shorter(after: GrantTerms, before: GrantTerms): boolean {
  const [from, until] = [
    (terms: GrantTerms) => terms.validFrom ?? -Infinity,
    (terms: GrantTerms) => terms.validUntil ?? Infinity,
  ];
  return from(after) >= from(before) && until(after) <= until(before);
}

/** Agendas and locations add up, so both lists have to be inside the former ones, unless those meant every agenda. */
function samePlaces(after: GrantTerms, before: GrantTerms): boolean {
  if (before.agendaIds === null && before.locationIds === null) return true;
  if (after.agendaIds === null && after.locationIds === null) return false;
  return (
    within(after.agendaIds ?? [], before.agendaIds ?? []) && within(after.locationIds ?? [], before.locationIds ?? [])
  );
}

/** A grant as it is usually given; agendas, holder and dates are filled in by who issues it. */
export interface GrantTemplate {
  readonly id: string;
  readonly fr: string;
  readonly en: string;
  readonly terms: GrantTerms;
}

const ANY: Omit<GrantTerms, 'actions'> = {
  identity: USUAL_IDENTITY,
  agendaIds: null,
  locationIds: null,
  motifIds: null,
  audiences: null,
  channels: null,
  hours: null,
  validFrom: null,
  validUntil: null,
  quotas: [],
  delegable: false,
};

export const GRANT_TEMPLATES: readonly GrantTemplate[] = [
  {
    id: 'standard-secretary',
    fr: 'Secrétaire standard',
    en: 'Standard secretary',
    terms: { ...ANY, actions: ['see-busy', 'see-identity', 'create', 'move', 'cancel', 'mark-arrival'] },
  },
  {
    id: 'evening-and-weekend-overflow',
    fr: 'Débordement soir et week-end',
    en: 'Evening and weekend overflow',
    terms: {
      ...ANY,
      actions: ['see-busy', 'see-identity', 'create', 'move', 'cancel'],
      hours: {
        periods: [
          { days: [1, 2, 3, 4, 5], from: '18:00', to: '08:00' },
          { days: [6, 7], from: '00:00', to: '24:00' },
        ],
        holidays: 'always',
      },
    },
  },
  { id: 'read-only', fr: 'Lecture seule', en: 'Read only', terms: { ...ANY, actions: ['see-busy'] } },
];
