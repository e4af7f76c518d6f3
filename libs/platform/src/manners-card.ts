import type { Manners } from '#connector-sdk';

/** What was found out about a linked agenda, in the order in which it is told. */
export const MANNER_TOPICS = [
  'stale-changes',
  'stale-removals',
  'second-creates',
  'versions',
  'text',
  'cursors',
  'missing',
  'invitations',
] as const;

export interface MannerLine {
  readonly topic: (typeof MANNER_TOPICS)[number];
  readonly fr: string;
  readonly en: string;
}

type Told = Omit<MannerLine, 'topic'>;
type Sentences<Value extends string> = Readonly<Record<Value, Told>>;

const STALE_CHANGES: Sentences<NonNullable<Manners['staleChanges']>> = {
  always: {
    fr: "refuse une modification faite d'après un état ancien",
    en: 'refuses a change that is meant for an older state',
  },
  'one-by-one': {
    fr: "accepte plusieurs modifications simultanées d'un même rendez-vous : chaque écriture est relue",
    en: 'accepts several changes of one appointment at the same moment: each write is read back',
  },
  never: {
    fr: "accepte une modification faite d'après un état ancien : l'agenda est relu avant chaque écriture, et rien n'est renvoyé tant qu'une écriture perdue peut encore arriver",
    en: 'accepts a change that is meant for an older state: the agenda is read before each write, and nothing is sent again while a lost write may still arrive',
  },
};
const STALE_REMOVALS: Sentences<NonNullable<Manners['staleRemovals']>> = {
  always: { fr: 'refuse de supprimer un rendez-vous modifié depuis', en: 'refuses to remove what was changed since' },
  never: {
    fr: "supprime même ce qui a été modifié depuis : l'état est vérifié juste avant",
    en: 'removes even what was changed since: the state is checked just before',
  },
};
const SECOND_CREATES: Sentences<NonNullable<Manners['secondCreates']>> = {
  always: { fr: 'refuse un second rendez-vous sous le même nom', en: 'refuses a second appointment under one name' },
  never: {
    fr: 'remplace un rendez-vous de même nom sans le dire : les noms ne se devinent pas',
    en: 'silently replaces an appointment of the same name: names cannot be guessed',
  },
};
const VERSIONS: Sentences<NonNullable<Manners['versions']>> = {
  strong: { fr: 'donne une version à chaque rendez-vous', en: 'gives each appointment a version' },
  weak: { fr: 'donne des versions approximatives', en: 'gives approximate versions' },
  none: {
    fr: 'ne donne pas de version : chaque rendez-vous est relu',
    en: 'gives no versions: each appointment is read again',
  },
};
const TEXT: Sentences<NonNullable<Manners['keeps']>> = {
  'as-written': { fr: "garde ce qui est écrit à l'identique", en: 'keeps what is written as it was' },
  rewritten: {
    fr: "réécrit à sa façon ce qu'on lui confie : sa forme est reprise telle quelle, sans nouvelle écriture",
    en: 'rewrites what it is given in its own way: its form is taken over, and not written again',
  },
};
const CURSORS: Sentences<NonNullable<Manners['deadCursors']>> = {
  refused: {
    fr: 'dit quand la liste des changements doit être reprise depuis le début',
    en: 'says when the list of changes must be begun anew',
  },
  believed: {
    fr: "ne dit pas quand la liste des changements est perdue : la comparaison quotidienne s'en aperçoit",
    en: 'does not say when the list of changes is lost: the daily comparison notices',
  },
  none: {
    fr: "n'a pas de liste des changements : les versions sont comparées",
    en: 'has no list of changes: versions are compared',
  },
};
const MISSING: Sentences<NonNullable<Manners['missingObjects']>> = {
  named: { fr: 'nomme les rendez-vous qui manquent', en: 'names the appointments that are missing' },
  'left-out': {
    fr: 'omet les rendez-vous qui manquent : chacun est redemandé avant d’être tenu pour supprimé',
    en: 'leaves out what is missing: each is asked for once more before it counts as removed',
  },
  'spoil-all': {
    fr: 'ne répond rien si un seul rendez-vous manque : la demande est alors découpée',
    en: 'answers nothing when a single one is missing: the request is then split',
  },
};
const INVITATIONS: Sentences<'yes' | 'no'> = {
  yes: {
    fr: "envoie lui-même des invitations : aucun invité n'est jamais inscrit d'ici",
    en: 'sends invitations itself: nobody is ever named as a guest from here',
  },
  no: { fr: "n'envoie pas d'invitations", en: 'sends no invitations' },
};

/** What a backend was found to do with an agenda, and what the hub does about it, in plain words; nothing of what was not tried. */
export function mannersCardOf(manners: Manners): readonly MannerLine[] {
  const { sendsInvitations } = manners;
  const told: Readonly<Record<MannerLine['topic'], Told | null>> = {
    'stale-changes': manners.staleChanges && STALE_CHANGES[manners.staleChanges],
    'stale-removals': manners.staleRemovals && STALE_REMOVALS[manners.staleRemovals],
    'second-creates': manners.secondCreates && SECOND_CREATES[manners.secondCreates],
    versions: manners.versions && VERSIONS[manners.versions],
    text: manners.keeps && TEXT[manners.keeps],
    cursors: manners.deadCursors && CURSORS[manners.deadCursors],
    missing: manners.missingObjects && MISSING[manners.missingObjects],
    invitations: sendsInvitations === null ? null : INVITATIONS[sendsInvitations ? 'yes' : 'no'],
  };
  return MANNER_TOPICS.flatMap((topic) => (told[topic] === null ? [] : [{ topic, ...told[topic] }]));
}
