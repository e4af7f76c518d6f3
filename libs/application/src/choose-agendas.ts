import type { AgendaRecord } from './calendar.js';

/** Which agendas are meant; what is `null` is left open. Several values of one field: any of them. */
export interface AgendaChoice {
  readonly agendaIds: readonly string[] | null;
  readonly practitionerIds: readonly string[] | null;
  readonly locationIds: readonly string[] | null;
  readonly specialities: readonly string[] | null;
  /** Every word must be found in the practitioner's name, the speciality, the place or the agenda's name. */
  readonly text: string | null;
}

/** Words of this length that name a profession find its speciality by their stem: généraliste, médecine générale. */
const STEMMED = 8;
const ENDING = 4;

/** The active agendas that a choice means. */
export function chooseAgendas(agendas: readonly AgendaRecord[], choice: AgendaChoice): AgendaRecord[] {
  const { agendaIds, practitionerIds, locationIds, text } = choice;
  const specialities = choice.specialities?.map((speciality) => plain(speciality).join(' ')) ?? null;
  const words = text === null ? [] : plain(text);
  return agendas.filter(
    (agenda) =>
      agenda.active &&
      isAmong(agenda.id, agendaIds) &&
      isAmong(agenda.practitioner.id, practitionerIds) &&
      isAmong(agenda.location.id, locationIds) &&
      isAmong(plain(agenda.practitioner.speciality).join(' '), specialities) &&
      words.every((word) => isFound(word, agenda)),
  );
}

function isAmong(value: string, wanted: readonly string[] | null): boolean {
  return wanted === null || wanted.includes(value);
}

function isFound(word: string, { name, practitioner, location }: AgendaRecord): boolean {
  const { displayName, speciality } = practitioner;
  if (plain([displayName, speciality, location.name, name].join(' ')).some((part) => part.startsWith(word)))
    return true;
  const stem = word.slice(0, -ENDING);
  return word.length >= STEMMED && plain(speciality).some((part) => part.startsWith(stem));
}

/** Words in lower case, without accents. */
function plain(text: string): string[] {
  const letters = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return letters.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
}
