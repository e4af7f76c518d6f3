import type { ConflictChoice, ConflictRecord } from '#application';

interface Sentence {
  readonly fr: string;
  readonly en: string;
}

/** What happened, for people. */
export const REASON_SENTENCES: Readonly<Record<ConflictRecord['reason'], Sentence>> = {
  'double-booked': {
    fr: 'Un autre rendez-vous, ou un événement du praticien, occupe la même heure dans son agenda.',
    en: "Another appointment, or an event of the practitioner's, stands at the same time in his agenda.",
  },
  'both-moved': {
    fr: 'Le secrétariat et le praticien ont déplacé ce rendez-vous, chacun à une autre heure.',
    en: 'The secretariat and the practitioner moved this appointment, each to another time.',
  },
  'deleted-there': {
    fr: 'Le praticien a supprimé ce rendez-vous pendant que le secrétariat le déplaçait.',
    en: 'The practitioner removed this appointment while the secretariat was moving it.',
  },
  'became-recurring': {
    fr: 'Le praticien a fait de ce rendez-vous une série.',
    en: 'The practitioner made a series of this appointment.',
  },
  'lost-its-time': {
    fr: "Dans l'agenda du praticien, ce rendez-vous n'a plus d'heure utilisable.",
    en: "In the practitioner's agenda this appointment has no usable time any more.",
  },
  'not-writable': {
    fr: "Le secrétariat devait l'emporter, mais l'agenda du praticien n'est pas modifiable.",
    en: "The secretariat was to win, but the practitioner's agenda cannot be written.",
  },
  'never-answered': {
    fr: "La liaison a pris fin avant que l'éditeur n'accepte ce rendez-vous : rien ne dit que le praticien l'attend.",
    en: 'The link ended before the vendor accepted this appointment: nothing says that the practitioner expects it.',
  },
};

const CANCEL = {
  fr: "Annule le rendez-vous, l'enlève de l'agenda du praticien et demande de rappeler le patient.",
  en: "Cancels the appointment, removes it from the practitioner's agenda and asks for the patient to be called back.",
};

const EFFECTS: Readonly<Record<ConflictChoice, Sentence>> = {
  'keep-ours': {
    fr: "Récrit dans l'agenda du praticien le rendez-vous tel que le secrétariat l'a voulu.",
    en: "Writes the appointment to the practitioner's agenda once more as the secretariat wanted it.",
  },
  'keep-theirs': {
    fr: 'Adopte l’heure choisie par le praticien et demande de rappeler le patient.',
    en: 'Takes the time that the practitioner chose and asks for the patient to be called back.',
  },
  merge: {
    fr: 'Prend le début et la durée de l’un ou de l’autre, et écrit le résultat dans l’agenda du praticien.',
    en: "Takes start and duration from either side and writes the result to the practitioner's agenda.",
  },
  cancel: CANCEL,
};

const OTHERWISE: Partial<Record<`${ConflictRecord['reason']} ${ConflictChoice}`, Sentence>> = {
  'double-booked keep-ours': {
    fr: 'Garde les deux à la même heure ; le rendez-vous est noté en surnombre.',
    en: 'Keeps both at the same time; the appointment is noted as overbooked.',
  },
  'double-booked keep-theirs': CANCEL,
  'deleted-there keep-ours': {
    fr: "Recrée le rendez-vous dans l'agenda du praticien à l'heure voulue par le secrétariat.",
    en: "Makes the appointment anew in the practitioner's agenda at the time the secretariat wanted.",
  },
  'deleted-there keep-theirs': {
    fr: 'Annule le rendez-vous et demande de rappeler le patient.',
    en: 'Cancels the appointment and asks for the patient to be called back.',
  },
  'never-answered keep-ours': {
    fr: "Confirme le rendez-vous, une fois que le praticien l'a accepté autrement.",
    en: 'Confirms the appointment, once the practitioner has accepted it some other way.',
  },
  'never-answered cancel': {
    fr: 'Annule le rendez-vous et demande de rappeler le patient.',
    en: 'Cancels the appointment and asks for the patient to be called back.',
  },
  'became-recurring cancel': {
    fr: 'Annule le rendez-vous, laisse la série au praticien et demande de rappeler le patient.',
    en: 'Cancels the appointment, leaves the series to the practitioner and asks for the patient to be called back.',
  },
};

/** What a choice would do. */
export function effectOf(reason: ConflictRecord['reason'], choice: ConflictChoice): Sentence {
  return OTHERWISE[`${reason} ${choice}`] ?? EFFECTS[choice];
}
