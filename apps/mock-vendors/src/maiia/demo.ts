const MARTIN = '5f0c1a2b89fda454d5000001';
const LEROY = '5f0c1a2b89fda454d5000002';
const WORKING_DAYS = [1, 2, 3, 4, 5];
const openings = WORKING_DAYS.flatMap((day) => [
  { day, from: '09:00', to: '12:30' },
  { day, from: '14:00', to: '18:00' },
]);

/** The demonstration practice. */
export const DEMO = {
  keys: [{ apiKey: 'demo-maiia-key', account: 'Cabinet des Tilleuls', agendaIds: [MARTIN, LEROY] }],
  agendas: [
    { id: MARTIN, name: 'Dr Anne Martin, médecin généraliste', openings },
    { id: LEROY, name: 'Dr Paul Leroy, dermatologue', openings },
  ],
  reasons: [
    { id: '5f0c1a2b89fda454d5000101', name: 'Consultation', agendaIds: [MARTIN, LEROY], minutes: 20 },
    { id: '5f0c1a2b89fda454d5000102', name: 'Première  consultation de dermatologie', agendaIds: [LEROY], minutes: 30 },
    { id: '5f0c1a2b89fda454d5000103', name: 'Urgence', agendaIds: [MARTIN], minutes: 15, patientLimitation: 'PRIVATE' },
  ],
};
