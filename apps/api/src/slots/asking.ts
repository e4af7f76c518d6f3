import {
  type Bookings,
  type Calendar,
  chooseAgendas,
  classOf,
  sightOf,
  type Asker,
  type SlotFilter,
} from '#application';
import { badInput, Problem, type Caller } from '#platform';
import type { z } from 'zod';
import { type Demand } from '../shared/demand.js';
import type { slotsQuery } from './slots.schemas.js';

/** What every question about slots has: a motif, agendas one way or another, a patient's class, and when he can come. */
export type SlotQuestion = Omit<z.output<typeof slotsQuery>, 'from' | 'to' | 'limit'>;

/** Most agendas of one search, however they are chosen. */
const MAX_AGENDAS = 1000;

interface Chosen {
  readonly agendaIds: readonly string[];
  /** Named one by one: those that do not offer the motif are told. */
  readonly named: readonly string[];
}

/** Turns what a caller asks about slots into what the search takes. */
export class Asking {
  constructor(
    private readonly calendar: Calendar,
    private readonly bookings: Bookings,
    private readonly demand: Demand,
  ) {}

  async query(caller: Caller, question: SlotQuestion) {
    const { organizationId } = caller;
    const { agendaIds, named } = await this.chosen(organizationId, question);
    this.note(organizationId, agendaIds);
    const asker = await this.asker(caller, question);
    const filter: SlotFilter = {
      weekdays: question.weekday ?? null,
      dayParts: question.partOfDay ?? null,
      modality: question.modality ?? null,
    };
    return { named, query: { organizationId, agendaIds, motifId: question.motif, asker, filter } };
  }

  /** Agendas that somebody asks about are read again soon. */
  note(organizationId: string, agendaIds: readonly string[]): void {
    this.demand.note(organizationId, agendaIds);
  }

  /** Who asks, with the class of patient as it is told, or else as the patient's other appointment tells it. */
  async asker(
    { organizationId, audience, collaboratorId }: Caller,
    { newPatient, age, patientOf }: Pick<SlotQuestion, 'newPatient' | 'age' | 'patientOf'>,
  ): Promise<Asker> {
    const told = {
      ...(newPatient !== undefined && { isNew: newPatient }),
      ...(age !== undefined && { ageYears: age }),
    };
    const asker = { audience, collaboratorId, usesReserved: sightOf()?.usesReserved };
    if (patientOf === undefined) return { ...asker, patient: told };
    const record = await this.bookings.get({ organizationId, id: patientOf });
    if (record === null) throw unknown('query.patientOf');
    const patient = (await this.bookings.patients(organizationId, [patientOf])).get(patientOf);
    const { isNew, ageYears } = patient ? classOf(patient, Date.now()) : { isNew: null, ageYears: null };
    // A search leaves aside what nobody knows; the booking asks.
    const known = { ...(isNew != null && { isNew }), ...(ageYears != null && { ageYears }) };
    return { ...asker, patientOf, patient: { ...known, ...told } };
  }

  private async chosen(organizationId: string, question: SlotQuestion): Promise<Chosen> {
    const { agenda, practitioner, location, speciality, q, motif } = question;
    const isChosen = [practitioner, location, speciality, q].some((criterion) => criterion !== undefined);
    if (agenda !== undefined && !isChosen) {
      const named = [...new Set(agenda)];
      return { agendaIds: named, named };
    }
    const motifs = await this.calendar.motifs(organizationId);
    const offering = motifs.find(({ id }) => id === motif)?.agendaIds;
    if (offering === undefined) throw unknown('query.motif');
    const agendas = isChosen
      ? chooseAgendas(await this.calendar.agendas(organizationId, offering), {
          agendaIds: agenda ?? null,
          practitionerIds: practitioner ?? null,
          locationIds: location ?? null,
          specialities: speciality ?? null,
          text: q ?? null,
        }).map(({ id }) => id)
      : offering;
    if (agendas.length > MAX_AGENDAS)
      throw badInput('query', `names ${String(agendas.length)} agendas: narrow it to at most ${String(MAX_AGENDAS)}`);
    return { agendaIds: agendas, named: [] };
  }
}

export function unknown(path: string): Problem {
  return new Problem('not-found', { errors: [{ path, message: 'is not known' }] });
}
