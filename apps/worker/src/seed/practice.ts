/** A practice that does not exist: names, places and numbers are invented. */

/** Every id is fixed, so that seeding again finds what is there. */
const id = (n: number): string => `01931000-0000-7000-8000-${String(n).padStart(12, '0')}`;

const TIME_ZONE = 'Europe/Paris';
const WORKING_DAYS = 'MO,TU,WE,TH,FR';

export const organization = { id: id(1), name: 'Cabinet de démonstration' } as const;

export const collaborators = [
  { id: id(11), displayName: 'Julie Bernard' },
  { id: id(12), displayName: 'Nadia Petit' },
] as const;

export const locations = [
  { id: id(21), name: 'Centre médical des Tilleuls', timeZone: TIME_ZONE },
  { id: id(22), name: 'Maison de santé du Parc', timeZone: TIME_ZONE },
] as const;

const [tilleuls, parc] = locations;

export const practitioners = [
  { id: id(31), displayName: 'Dr Anne Martin', speciality: 'Médecine générale', rpps: '99900000018' },
  { id: id(32), displayName: 'Dr Paul Leroy', speciality: 'Dermatologie', rpps: '99900000026' },
] as const;

const [martin, leroy] = practitioners;

export const motifs = [
  { id: id(41), fr: 'Consultation', en: 'Consultation', minutes: 20, bufferAfter: 0 },
  { id: id(42), fr: 'Première consultation', en: 'First consultation', minutes: 40, bufferAfter: 0 },
  { id: id(43), fr: 'Téléconsultation', en: 'Video consultation', minutes: 15, bufferAfter: 0 },
  { id: id(44), fr: 'Vaccination', en: 'Vaccination', minutes: 10, bufferAfter: 0 },
  { id: id(45), fr: 'Consultation de dermatologie', en: 'Dermatology consultation', minutes: 30, bufferAfter: 0 },
  { id: id(46), fr: 'Dépistage des grains de beauté', en: 'Mole screening', minutes: 45, bufferAfter: 5 },
] as const;

const [consultation, first, video, vaccination, dermatology, screening] = motifs.map((motif) => motif.id);

interface DemoOpening {
  readonly id: string;
  readonly days: string;
  /** Local time `HH:mm`. */
  readonly from: string;
  readonly minutes: number;
}

interface DemoAgenda {
  readonly id: string;
  readonly name: string;
  readonly practitionerId: string;
  readonly locationId: string;
  readonly timeZone: string;
  readonly whenUnreachable: 'refuse' | 'queue';
  /** The practitioner's own agenda in the simulator; `null`: the hub is the only agenda. */
  readonly remoteAgendaId: string | null;
  readonly linkId: string;
  readonly motifIds: readonly (string | undefined)[];
  readonly openings: readonly DemoOpening[];
}

export const agendas: readonly DemoAgenda[] = [
  {
    id: id(51),
    name: 'Dr Martin aux Tilleuls',
    practitionerId: martin.id,
    locationId: tilleuls.id,
    timeZone: TIME_ZONE,
    whenUnreachable: 'refuse',
    remoteAgendaId: 'agenda-martin',
    linkId: id(71),
    motifIds: [consultation, first, video, vaccination],
    openings: [
      { id: id(61), days: WORKING_DAYS, from: '08:30', minutes: 240 },
      { id: id(62), days: 'MO,TU,TH', from: '14:00', minutes: 270 },
    ],
  },
  {
    id: id(52),
    name: 'Dr Leroy au Parc',
    practitionerId: leroy.id,
    locationId: parc.id,
    timeZone: TIME_ZONE,
    whenUnreachable: 'queue',
    remoteAgendaId: 'agenda-leroy',
    linkId: id(72),
    motifIds: [first, dermatology, screening],
    openings: [
      { id: id(63), days: WORKING_DAYS, from: '09:00', minutes: 180 },
      { id: id(64), days: WORKING_DAYS, from: '14:00', minutes: 240 },
    ],
  },
  {
    id: id(53),
    name: 'Dr Martin au Parc',
    practitionerId: martin.id,
    locationId: parc.id,
    timeZone: TIME_ZONE,
    whenUnreachable: 'refuse',
    remoteAgendaId: null,
    linkId: id(73),
    motifIds: [consultation, video, vaccination],
    openings: [
      { id: id(65), days: 'WE,FR', from: '14:00', minutes: 240 },
      { id: id(66), days: 'SA', from: '09:00', minutes: 180 },
    ],
  },
];

export const connection = {
  id: id(81),
  connectorId: 'in-house',
  label: 'Agenda maison (simulateur)',
  apiKey: 'demo-in-house-key',
} as const;

/** Monday on which the openings begin. */
export const FIRST_DAY = '2026-01-05';
