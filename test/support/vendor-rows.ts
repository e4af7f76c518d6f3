import type { RemoteAccount } from './hub.js';

/** One agenda at one simulated backend; everything else is read from the connector's capabilities. */
export interface VendorRow {
  /** Of the connector, and of the simulator. */
  readonly id: string;
  readonly settings: (origin: string) => object;
  readonly secrets: object;
  /** What `POST /__control/seed` gets: one agenda, open by day and night, with motifs of half an hour. */
  readonly seed: object;
  /** As the connector names it. */
  readonly agendaId: string;
  /** As control names it; left out: the same. */
  readonly diaryAgendaId?: string;
  /** Routes on which something is written: where answers are lost. */
  readonly writes: readonly string[];
  /** Where somebody accepts or declines what is written: what still waits for him. */
  readonly waits?: (entry: object) => boolean;
}

const ZONE = 'Europe/Paris';
const PASSWORD = 'scene-mot-de-passe-0123';
const WEEK = [1, 2, 3, 4, 5, 6, 7];

/** The one that answers in XML. */
export const XML_VENDOR = 'mon-docteur';

export const VENDOR_ROWS: readonly VendorRow[] = [
  {
    id: 'in-house',
    settings: (origin) => ({ baseUrl: `${origin}/in-house/api` }),
    secrets: { apiKey: 'scene-in-house-key-0123456789' },
    seed: { agendas: [{ id: 'dr', name: 'Dr', zone: ZONE, apiKey: 'scene-in-house-key-0123456789' }] },
    agendaId: 'dr',
    writes: ['/agendas/'],
  },
  {
    id: 'doctolib',
    settings: (origin) => ({ baseUrl: `${origin}/doctolib`, profile: 'cabinet', motif: '30' }),
    secrets: { clientId: 'scene-client', clientSecret: 'scene-client-secret' },
    seed: {
      profile: { id: 10, slug: 'cabinet', name: 'Cabinet' },
      clients: [{ id: 'scene-client', secret: 'scene-client-secret' }],
      practices: [
        {
          ...{ id: 20, name: 'Cabinet' },
          opening_hours: [0, 1, 2, 3, 4, 5, 6].map((day) => ({ day, ranges: [['00:00', '24:00']] })),
        },
      ],
      motives: [{ id: 30, name: 'Consultation', minutes: 30 }],
      agendas: [{ key: 'dr', id: 51, name: 'Dr', practice_id: 20, practitioner_id: 40, motives: [30] }],
      quota: 1_000_000,
    },
    agendaId: 'practice-20/practitioner-40',
    diaryAgendaId: 'dr',
    writes: ['/appointments'],
  },
  {
    id: 'maiia',
    settings: (origin) => ({ baseUrl: `${origin}/maiia/api/partner`, motif: 'Consultation' }),
    secrets: { apiKey: 'scene-maiia-key-0123456789' },
    seed: {
      keys: [{ apiKey: 'scene-maiia-key-0123456789', account: 'Cabinet', agendaIds: ['6007098df398765a70e9f001'] }],
      agendas: [
        {
          ...{ id: '6007098df398765a70e9f001', name: 'Dr', onlineAvailabilityVisibilityLimit: 3650 },
          openings: WEEK.map((day) => ({ day, from: '00:00', to: '24:00' })),
        },
      ],
      reasons: [
        {
          ...{ id: '6007098df398765a70e9f0a1', name: 'Consultation', minutes: 30 },
          agendaIds: ['6007098df398765a70e9f001'],
        },
      ],
      requestsPerMinute: 1_000_000,
    },
    agendaId: '6007098df398765a70e9f001',
    writes: ['/appointments'],
  },
  {
    id: 'keldoc',
    settings: (origin) => ({ baseUrl: `${origin}/keldoc/partners`, motif: 'Consultation' }),
    secrets: { accessKeyId: 'SCENEKEY42', secretAccessKey: 'scene-keldoc-secret-0123456789' },
    seed: {
      accounts: [
        {
          ...{ accessKeyId: 'SCENEKEY42', secret: 'scene-keldoc-secret-0123456789' },
          ...{ agendaIds: [4552], dailyQuota: 1_000_000 },
        },
      ],
      agendas: [{ id: 4552, name: 'Dr' }],
      specialties: [{ id: 3, name: 'ORL' }],
      motives: [{ id: 4366, name: 'Consultation', specialty_id: 3, duration: 30 }],
    },
    agendaId: '4552',
    writes: ['/appointments'],
  },
  {
    id: 'libre-rdv',
    settings: (origin) => ({ baseUrl: `${origin}/libre-rdv/api`, timeZone: ZONE }),
    secrets: { apiKey: 'scene-libre-key-0123456789' },
    seed: { agendas: [{ id: 3, name: 'Dr', zone: ZONE, apiKey: 'scene-libre-key-0123456789' }] },
    agendaId: '3',
    writes: ['/appointments'],
    waits: (entry) => 'status' in entry && entry.status === 'CONFIRMATION_NEEDED',
  },
  {
    id: 'clic-rdv',
    settings: (origin) => ({
      ...{ baseUrl: `${origin}/clic-rdv/api/v1`, groupId: 4, email: 'pro@scene.example' },
      ...{ interventionId: 21, ficheId: 7, timeZone: ZONE },
    }),
    secrets: { apiKey: 'scene-clic-key-0123456789', password: PASSWORD },
    seed: {
      groups: [
        {
          ...{ id: 4, name: 'Cabinet', apikey: 'scene-clic-key-0123456789', overlaps: 'allow' },
          pro: { email: 'pro@scene.example', password: PASSWORD },
          interventions: [{ id: 21, name: 'Consultation' }],
          fiches: [{ id: 7, lastname: 'SECRETARIAT' }],
          calendars: [{ id: 338, name: 'Dr', zone: ZONE }],
        },
      ],
    },
    agendaId: '338',
    writes: ['/vevents'],
  },
  {
    id: 'mon-docteur',
    settings: (origin) => ({ baseUrl: `${origin}/mon-docteur/ws`, timeZone: ZONE }),
    secrets: { login: 'scene', password: PASSWORD },
    seed: { accounts: [{ login: 'scene', password: PASSWORD }], agendas: [{ id: 31, name: 'Dr', zone: ZONE }] },
    agendaId: '31',
    writes: ['/rdv/creer', '/rdv/deplacer', '/rdv/supprimer'],
  },
  {
    id: 'rdv-service-public',
    settings: (origin) => ({ baseUrl: `${origin}/rdv-service-public`, organisationIds: [501] }),
    secrets: { email: 'secretariat@scene.example', password: PASSWORD },
    seed: {
      organisations: [{ id: 501, name: 'Maison de santé' }],
      agents: [
        { id: 61, email: 'dr@scene.example', firstName: 'Dr', lastName: 'SCENE', organisationIds: [501] },
        {
          ...{ id: 62, email: 'secretariat@scene.example', password: PASSWORD, organisationIds: [501] },
          ...{ firstName: 'Secrétariat', lastName: 'SCENE', secretary: true, territorialAdmin: true },
        },
      ],
    },
    agendaId: '61',
    writes: ['/absences'],
  },
  {
    id: 'agenda-file',
    settings: (origin) => ({ baseUrl: `${origin}/agenda-file/dossier`, format: 'csv', patienceSeconds: 0.4 }),
    secrets: { username: 'scene', password: PASSWORD, signingKey: 'scene-cle-de-signature' },
    seed: {
      compte: { identifiant: 'scene', motDePasse: PASSWORD, cle: 'scene-cle-de-signature' },
      medecins: [{ code: 'DR', nom: 'Dr' }],
    },
    agendaId: 'DR',
    writes: ['/depot'],
  },
];

export const accountOf = (row: VendorRow, origin: string): RemoteAccount => ({
  connectorId: row.id,
  settings: row.settings(origin),
  secrets: row.secrets,
  remoteAgendaId: row.agendaId,
});
