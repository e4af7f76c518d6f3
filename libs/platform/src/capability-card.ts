import type { Capabilities } from '#connector-sdk';

/** What a person wants to know of a connected agenda, in the order in which it is told. */
export const CARD_TOPICS = ['reading', 'writing', 'cancelling', 'overlaps', 'holding', 'rules'] as const;

export interface CardLine {
  readonly topic: (typeof CARD_TOPICS)[number];
  readonly fr: string;
  readonly en: string;
}

type Told = Omit<CardLine, 'topic'>;

const WRITING: Readonly<Record<Capabilities['write'], Told>> = {
  full: { fr: 'écriture immédiate', en: 'written at once' },
  'busy-only': {
    fr: "écriture immédiate de l'horaire, bloqué sans le rendez-vous",
    en: 'the time is blocked at once, without the appointment',
  },
  request: {
    fr: "écriture sur demande : l'éditeur accepte ou refuse plus tard",
    en: 'written on request: the vendor accepts or refuses later',
  },
  none: { fr: 'lecture seule, rien n’y est écrit', en: 'read only, nothing is written' },
};
const RULES: Readonly<Record<Capabilities['availability'], Told>> = {
  remote: {
    fr: "horaires et patients acceptés lus dans l'outil du praticien, en plus des règles d'ici",
    en: "hours and patients read from the practitioner's tool, beside the rules kept here",
  },
  hub: { fr: 'horaires et règles tenus ici', en: 'hours and rules are kept here' },
};

/** What works with a connected agenda and what does not, in plain words (« lecture 2 min, écriture immédiate, annulation manuelle »). */
export function cardOf(capabilities: Capabilities): readonly CardLine[] {
  const { write, hold, refusesOverlap, availability } = capabilities;
  const told: Readonly<Record<CardLine['topic'], Told | null>> = {
    reading: readingOf(capabilities),
    writing: WRITING[write],
    cancelling:
      write === 'none'
        ? { fr: "annulation manuelle, dans l'outil du praticien", en: "cancelled by hand, in the practitioner's tool" }
        : { fr: 'annulation immédiate', en: 'cancelled at once' },
    overlaps: write === 'none' ? null : overlapsOf(refusesOverlap),
    holding: write === 'none' ? null : holdingOf(hold),
    rules: RULES[availability],
  };
  return CARD_TOPICS.flatMap((topic) => (told[topic] === null ? [] : [{ topic, ...told[topic] }]));
}

function readingOf({ push, freshnessTarget }: Capabilities): Told {
  const seconds = freshnessTarget < 120;
  const every = seconds ? `${String(freshnessTarget)} s` : `${String(Math.round(freshnessTarget / 60))} min`;
  return push === 'none'
    ? { fr: `lecture ${every}`, en: `read every ${every}` }
    : {
        fr: `lecture dès que l'outil annonce un changement, au plus tard ${every}`,
        en: `read when the tool announces a change, ${every} at the latest`,
      };
}

function overlapsOf(refused: boolean): Told {
  return refused
    ? { fr: "l'outil refuse lui-même un horaire déjà pris", en: 'the tool itself refuses a time that is taken' }
    : {
        fr: "l'outil ne refuse pas un horaire déjà pris : il est relu avant et après chaque écriture",
        en: 'the tool does not refuse a time that is taken: it is read before and after each write',
      };
}

function holdingOf(hold: Capabilities['hold']): Told {
  return hold === 'ttl'
    ? { fr: "créneau retenu aussi dans l'outil", en: 'a held slot is held in the tool, too' }
    : { fr: "créneau retenu ici, pas dans l'outil", en: 'a held slot is held here, not in the tool' };
}
