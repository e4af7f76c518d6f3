import type { Agenda, Motive } from './model.js';
import type { Setup } from './practice.js';

/** `info.json`: what anybody may know of a profile before he books. Durations are not told. */
export function info(setup: Setup): object {
  const { profile } = setup;
  return {
    data: {
      profile: { id: profile.id, name_with_title: profile.name, organization: true, country: 'fr', locale: 'fr' },
      specialities: [{ id: 1, kind: 'medical', slug: 'medecin-generaliste', name: 'Médecin généraliste' }],
      visit_motive_categories: [],
      visit_motives: [...setup.motives.values()].map((motive, n) => motiveOf(setup, motive, n + 1)),
      agendas: setup.agendas().map((agenda) => agendaOf(setup, agenda)),
      places: [...setup.practices.values()].map(({ id, name, opening_hours }) => ({
        id: `practice-${String(id)}`,
        practice_ids: [id],
        name,
        opening_hours,
      })),
      practitioners: setup
        .agendas()
        .flatMap(({ practitioner_id: id, name }) => (id === null ? [] : [{ id, name_with_title: name }])),
    },
  };
}

function motiveOf(setup: Setup, motive: Motive, position: number): object {
  const { id, name, ref_visit_motive_id } = motive;
  const numbers = (keys: readonly string[]): number[] =>
    setup.agendas().flatMap((agenda) => (keys.includes(agenda.key) ? [agenda.id] : []));
  const closed = numbers(motive.closed_to_new);
  return {
    ...{ id, name, ref_visit_motive_id, position },
    ...{
      visit_motive_category_id: null,
      organization_id: 1,
      speciality_id: 1,
      telehealth: false,
      configurations: null,
    },
    new_patient_restrictions: closed.length > 0 ? [{ insurance_sector: 'all', agenda_ids: closed }] : [],
    age_referral_restrictions: motive.ages.map(({ agendas, operator, age }) => ({
      insurance_sector: 'all',
      agenda_ids: numbers(agendas),
      age: { operator, age, unit: 'years' },
    })),
  };
}

function agendaOf(setup: Setup, agenda: Agenda): object {
  const { id, practice_id, practitioner_id, speciality_id, booking_disabled, booking_temporary_disabled } = agenda;
  return {
    ...{ id, practice_id, practitioner_id, speciality_id, booking_disabled, booking_temporary_disabled },
    ...{ anonymous: false, hide_practitioner: practitioner_id === null, organization_id: 1, patient_base_id: 1 },
    visit_motive_ids: agenda.motives,
    // String keys, as in every JSON object, though they are numbers everywhere else.
    visit_motive_ids_by_practice_id: { [String(practice_id)]: agenda.motives },
    visit_motive_ids_only_for_doctors: agenda.only_for_doctors,
    equipment_agendas_required: agenda.equipment_agendas_required,
    insurance_sector_enabled: false,
    name: setup.agenda(agenda.key).name,
  };
}
