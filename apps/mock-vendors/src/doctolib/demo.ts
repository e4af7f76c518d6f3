const WEEKDAYS = [1, 2, 3, 4, 5].map((day) => ({
  day,
  ranges: [
    ['08:00', '12:00'],
    ['14:00', '19:00'],
  ],
}));

/** The demonstration practice: two practitioners, a room with equipment, and the rules that surprise newcomers. */
export const DEMO = {
  profile: { id: 4001, slug: 'cabinet-des-tilleuls', name: 'Cabinet des Tilleuls' },
  clients: [{ id: 'demo-doctolib-client', secret: 'demo-doctolib-secret' }],
  practices: [{ id: 501, name: 'Cabinet des Tilleuls', opening_hours: WEEKDAYS }],
  motives: [
    { id: 61, name: 'Consultation', minutes: 20 },
    { id: 62, name: 'Première consultation', minutes: 40, closed_to_new: ['dr-roux'] },
    { id: 63, name: 'Échographie', minutes: 30 },
    { id: 64, name: 'Avis entre confrères', minutes: 15 },
    { id: 65, name: 'Vaccination de l’enfant', minutes: 15, ages: [{ agendas: ['dr-roux'], operator: 'gt', age: 16 }] },
  ],
  agendas: [
    {
      key: 'dr-roux',
      id: 3101,
      name: 'Dr Hélène Roux',
      practice_id: 501,
      practitioner_id: 8801,
      motives: [61, 62, 64, 65],
      only_for_doctors: [64],
    },
    {
      key: 'dr-faure',
      id: 3102,
      name: 'Dr Marc Faure',
      practice_id: 501,
      practitioner_id: 8802,
      motives: [61, 62, 63],
      equipment_agendas_required: true,
    },
    { key: 'echographe', id: 3103, name: 'Échographe', practice_id: 501, practitioner_id: null, motives: [63] },
  ],
};
