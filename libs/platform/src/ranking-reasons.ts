import type { RankingReason } from '#domain';
import type { Sentence } from './reasons.js';

/** What speaks for a suggested slot, as people are told. */
export const RANKING_SENTENCES: Readonly<Record<RankingReason, Sentence>> = {
  FILLS_GAP: { fr: 'Ne laisse pas de trou dans l’agenda.', en: 'Leaves no gap in the agenda.' },
  KEEPS_RESERVE: { fr: 'N’entame pas le temps réservé.', en: 'Uses no reserved time.' },
  PREFERRED: {
    fr: 'Le praticien a ouvert cette plage pour ce motif.',
    en: 'The practitioner opened this time for this visit reason.',
  },
  USUAL_PRACTITIONER: { fr: 'Avec le praticien habituel du patient.', en: "With the patient's usual practitioner." },
  USUAL_TIME: { fr: 'À l’heure habituelle du patient.', en: "At the patient's usual time of day." },
  SOONEST: { fr: 'Le plus tôt possible.', en: 'The soonest there is.' },
};
