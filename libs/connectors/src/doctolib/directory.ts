import { ConnectorError } from '#connector-sdk';
import type { BackendRestrictions } from '#domain';
import { ageOf } from './ages.js';
import { AgendaGone, refused, refusedBy } from './errors.js';
import type { Agenda, Info, Motif } from './schemas.js';

/** An agenda as the hub names it. */
export interface Listed {
  readonly id: string;
  readonly name: string;
  readonly agenda: Agenda;
}

/**
 * What the practice has set up, as it was when it was read. Agendas change their numbers when a practice is reconfigured,
 * so the hub names them by place and practitioner; only where these do not tell two apart by their number.
 */
export class Directory {
  constructor(
    private readonly info: Info,
    readonly readAt: number,
  ) {}

  /** The practitioners' agendas, in the order of the practice; equipment is not an agenda to be linked. */
  agendas(): readonly Listed[] {
    const own = this.info.agendas.filter(({ practitioner_id }) => practitioner_id != null);
    const references = own.map(referenceOf);
    return own.map((agenda, n) => {
      const reference = references[n] ?? null;
      const unique = reference !== null && references.indexOf(reference) === references.lastIndexOf(reference);
      return { id: unique ? reference : `agenda-${String(agenda.id)}`, name: this.#nameOf(agenda), agenda };
    });
  }

  /** The agenda the hub means; `null`: not under this name. */
  find(agendaId: string): Agenda | null {
    return this.agendas().find(({ id }) => id === agendaId)?.agenda ?? null;
  }

  numbered(id: number): Agenda {
    const found = this.info.agendas.find((agenda) => agenda.id === id);
    if (!found) throw new AgendaGone();
    return found;
  }

  get profileId(): number {
    return this.info.profile.id;
  }

  /** The motif of the connection, by number or by name. */
  motif(setting: string): Motif {
    const wanted = folded(setting);
    const found = this.info.visit_motives.filter(({ id, name }) => String(id) === wanted || folded(name) === wanted);
    const [motif] = found;
    if (motif !== undefined && found.length === 1) return motif;
    const numbers = this.info.visit_motives.map(({ id }) => id).slice(0, 20);
    const why = motif === undefined ? 'is none of this profile' : 'is the name of several';
    throw refused(`the setting "motif" ${why}; numbers that can be entered: ${numbers.join(', ')}`, 'invalid');
  }

  /** Throws why a motif cannot be booked on an agenda by anybody, as far as the vendor says so beforehand. */
  requireBookable(agenda: Agenda, motif: Motif): void {
    if (agenda.booking_disabled === true) throw refusedBy('agenda_booking_disabled');
    if (agenda.booking_temporary_disabled === true) throw refusedBy('agenda_booking_temporary_disabled');
    if (!motifsOf(agenda).includes(motif.id)) throw refusedBy('visit_motive_not_allowed');
    if (agenda.visit_motive_ids_only_for_doctors?.includes(motif.id)) throw refusedBy('visit_motive_only_for_doctors');
    if (ageOf(agenda, motif) === 'unclear') throw refusedBy('age_not_accepted');
  }

  /** The same as a value; `null`: it can be booked. */
  refusal(agenda: Agenda, motif: Motif): ConnectorError | null {
    try {
      this.requireBookable(agenda, motif);
      return null;
    } catch (error) {
      if (ConnectorError.is(error)) return error;
      throw error;
    }
  }

  /** Who may come for a motif on an agenda. */
  restrictions(agenda: Agenda, motif: Motif): BackendRestrictions {
    const age = ageOf(agenda, motif);
    const closed = motif.new_patient_restrictions?.some(({ agenda_ids }) => agenda_ids.includes(agenda.id)) ?? false;
    return { newPatients: closed ? 'refused' : 'accepted', age: age === 'unclear' ? null : age };
  }

  /** The equipment of the same place of which one piece must be free as well; none when none is needed. */
  equipment(agenda: Agenda, motif: Motif): readonly Agenda[] {
    if (agenda.equipment_agendas_required !== true) return [];
    return this.info.agendas.filter(
      (one) =>
        one.practitioner_id == null && one.practice_id === agenda.practice_id && motifsOf(one).includes(motif.id),
    );
  }

  /** `3-4`: numbers in the order of the practice; in any other order the vendor finds nothing. */
  joined(ids: readonly number[]): string {
    const order = this.info.agendas.map(({ id }) => id);
    return [...ids].sort((a, b) => order.indexOf(a) - order.indexOf(b)).join('-');
  }

  #nameOf({ id, practitioner_id: practitioner, practice_id: practice }: Agenda): string {
    const who = this.info.practitioners?.find((one) => one.id === practitioner)?.name_with_title;
    const where = this.info.places?.find(
      ({ practice_ids }) => practice != null && practice_ids.includes(practice),
    )?.name;
    return [who ?? `Agenda ${String(id)}`, where].filter((part) => part != null).join(' · ');
  }
}

function referenceOf({ practice_id: practice, practitioner_id: practitioner }: Agenda): string | null {
  if (practice == null || practitioner == null) return null;
  return `practice-${String(practice)}/practitioner-${String(practitioner)}`;
}

/** By place where the vendor says so: its keys are texts. */
function motifsOf({
  practice_id: practice,
  visit_motive_ids: ids,
  visit_motive_ids_by_practice_id: byPlace,
}: Agenda): readonly number[] {
  return byPlace?.[String(practice)] ?? ids ?? [];
}

function folded(text: string): string {
  return text.normalize('NFC').trim().replace(/\s+/g, ' ');
}
