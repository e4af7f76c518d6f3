const openings = [1, 2, 3, 4, 5].flatMap((day) => [
  { day, from: '08:30', to: '12:00' },
  { day, from: '13:30', to: '17:30' },
]);

/** The demonstration practice. */
export const DEMO = {
  accounts: [{ accessKeyId: 'DEMOKELDOC', secret: 'demo-keldoc-secret', agendaIds: [1552, 1671] }],
  agendas: [
    { id: 1552, name: 'Dr Pierre Lenoir, ORL', openings },
    { id: 1671, name: 'Salle d’audiométrie', openings },
  ],
  specialties: [{ id: 3, name: 'ORL' }],
  motives: [
    { id: 1366, name: 'Consultation', specialty_id: 3, duration: 20 },
    { id: 1587, name: 'Urgence', specialty_id: 3, duration: 20 },
  ],
};
