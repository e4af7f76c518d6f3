import type { Objection, Told } from '#application';
import type { Sentence } from './reasons.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What a person can do, where the code alone says it. */
const REMEDIES: Record<Objection['code'], Sentence> = {
  AGENDA_DISABLED: { fr: 'Choisissez un autre agenda.', en: 'Choose another agenda.' },
  AGENDA_STALE: {
    fr: "L'agenda sera relu au moment de réserver.",
    en: 'The agenda will be read again when you book.',
  },
  AGENDA_UNREACHABLE: {
    fr: "Agenda injoignable, il n'a encore jamais été lu : voyez l'état de sa connexion.",
    en: 'Agenda unreachable, it was never read: see the health of its connection.',
  },
  MOTIF_NOT_ALLOWED: {
    fr: 'Choisissez un autre motif, ou une plage ouverte à celui-ci.',
    en: 'Choose another visit reason, or a time that is open to this one.',
  },
  AUDIENCE: { fr: 'Choisissez une plage ouverte à votre public.', en: 'Choose a time that is open to your audience.' },
  NEW_PATIENT: {
    fr: 'Choisissez un motif ou un agenda ouvert à ce patient.',
    en: 'Choose a visit reason or an agenda that takes this patient.',
  },
  AGE: {
    fr: 'Choisissez un motif ouvert à cet âge, ou indiquez la date de naissance.',
    en: 'Choose a visit reason for this age, or give the date of birth.',
  },
  NOTICE_TOO_SHORT: { fr: 'Choisissez une heure plus tardive.', en: 'Choose a later time.' },
  HORIZON: { fr: 'Choisissez une date plus proche.', en: 'Choose an earlier date.' },
  CLOSED: { fr: "Choisissez une heure d'ouverture.", en: 'Choose a time at which the agenda is open.' },
  OFF_GRID: { fr: 'Choisissez une heure de début proposée.', en: 'Choose one of the start times on offer.' },
  RESERVED_UNTIL: {
    fr: 'Gardé pour ceux à qui il est réservé ; aucune heure de libération.',
    en: 'Kept for those it is reserved for; no release time.',
  },
  QUOTA_REACHED: {
    fr: 'Choisissez une autre période, ou un autre motif.',
    en: 'Choose another period or visit reason.',
  },
  GAP_BETWEEN_VISITS: {
    fr: 'Choisissez une date plus éloignée des autres rendez-vous du patient.',
    en: "Choose a date further from the patient's other appointments.",
  },
  RESOURCE: {
    fr: 'Choisissez une heure à laquelle la salle ou le matériel est libre.',
    en: 'Choose a time at which the room or equipment is free.',
  },
  BUSY: { fr: 'Choisissez une autre heure.', en: 'Choose another time.' },
  HELD: {
    fr: "Libre si l'option est rendue ou expire.",
    en: 'Free once the hold is given back or expires.',
  },
};

/**
 * What would make a start bookable, as far as one rule is concerned: French as it is said in the practice, English
 * beside it, times in the agenda's zone. `asOf`: up to when the agenda was read (epoch milliseconds).
 */
export function remedyOf(objection: Objection, told: Told & { readonly asOf?: number | null }): Sentence {
  const { code, bookableFrom, heldBy } = objection;
  const { asOf, now } = told;
  if (bookableFrom !== undefined) return fromThen(code, sayMoment(bookableFrom, told));
  if (code === 'HELD' && heldBy !== undefined) {
    return {
      fr: `Retenu par ${heldBy} : libre si l'option est rendue ou expire.`,
      en: `Held by ${heldBy}: free once the hold is given back or expires.`,
    };
  }
  if (asOf != null && code === 'AGENDA_UNREACHABLE') {
    const since = sayLength(now - asOf);
    return { fr: `Agenda injoignable depuis ${since.fr}.`, en: `Agenda unreachable for ${since.en}.` };
  }
  if (asOf != null && code === 'AGENDA_STALE') {
    const since = sayLength(now - asOf);
    return {
      fr: `Lu il y a ${since.fr} ; l'agenda sera relu au moment de réserver.`,
      en: `Read ${since.en} ago; the agenda will be read again when you book.`,
    };
  }
  return REMEDIES[code];
}

function fromThen(code: Objection['code'], moment: Sentence): Sentence {
  return code === 'RESERVED_UNTIL'
    ? { fr: `Libéré ${moment.fr}.`, en: `Released ${moment.en}.` }
    : { fr: `Réservable dès ${moment.fr}.`, en: `First bookable ${moment.en}.` };
}

/** "aujourd'hui à 10 h", "demain à 9 h 30", "le lundi 3 mars à 8 h", with the year when it is another one. */
function sayMoment(instant: number, { now, timeZone }: Told): Sentence {
  const at = partsOf(instant, timeZone);
  const days = Math.round((at.day - partsOf(now, timeZone).day) / DAY);
  const isOtherYear = new Date(at.day).getUTCFullYear() !== new Date(partsOf(now, timeZone).day).getUTCFullYear();
  const minutes = String(at.minute).padStart(2, '0');
  const fr = `à ${String(at.hour)} h${at.minute === 0 ? '' : ` ${minutes}`}`;
  const en = `at ${String(at.hour)}:${minutes}`;
  const date = (locale: string): string =>
    new Intl.DateTimeFormat(locale, {
      timeZone: 'UTC',
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      ...(isOtherYear && { year: 'numeric' }),
    }).format(at.day);
  if (days === 0) return { fr: `aujourd'hui ${fr}`, en: `today ${en}` };
  if (days === 1) return { fr: `demain ${fr}`, en: `tomorrow ${en}` };
  return { fr: `le ${date('fr-FR')} ${fr}`, en: `on ${date('en-GB')} ${en}` };
}

/** Making one takes longer than all else that is done with it. One for each zone of the practices' locations. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
  });
  formats.set(timeZone, format);
  return format;
}

/** The local day (as midnight UTC), hour and minute of an instant. */
function partsOf(instant: number, timeZone: string): { day: number; hour: number; minute: number } {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0 } = parts;
  return { day: Date.UTC(year, month - 1, day), hour, minute };
}

/** "14 min", "3 h", "2 jours". */
function sayLength(ms: number): Sentence {
  const whole = (unit: number): number => Math.max(1, Math.floor(ms / unit));
  if (ms < HOUR) return { fr: `${String(whole(MINUTE))} min`, en: `${String(whole(MINUTE))} min` };
  if (ms < DAY) return { fr: `${String(whole(HOUR))} h`, en: `${String(whole(HOUR))} h` };
  const days = whole(DAY);
  return { fr: `${String(days)} jour${days === 1 ? '' : 's'}`, en: `${String(days)} day${days === 1 ? '' : 's'}` };
}
