import type { Sentence } from './reasons.js';

/** A kind of refusal: its HTTP status, and its title in both languages. */
export interface ProblemType extends Sentence {
  readonly status: number;
}

/** Why the practitioner's own time is not changed from here. */
export const BUSY_PROBLEMS = {
  'busy-read-only': {
    status: 409,
    fr: "Rien ne peut être modifié dans cet agenda depuis le hub : modifiez cette plage dans l'agenda lui-même.",
    en: 'Nothing can be changed in this agenda from the hub: change this time in the agenda itself.',
  },
  'busy-change-under-way': {
    status: 409,
    fr: 'Une modification de cette plage est déjà en cours : attendez-en la fin.',
    en: 'A change of this time is under way already: wait until it has ended.',
  },
  'busy-unchangeable': {
    status: 422,
    fr: "Cette plage ne peut pas être modifiée ainsi : elle n'est pas une occurrence d'une série, rien ne la précède, ou elle irait à un autre jour. Modifiez-la dans l'agenda lui-même.",
    en: 'This time cannot be changed so: it is no instance of a series, nothing comes before it, or it would go to another day. Change it in the agenda itself.',
  },
} as const satisfies Record<string, ProblemType>;
