import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { MotifRuling, Patient } from '#application';
import { AUDIENCES, PRIORITIES, wallClock, type Audience, type Quota, type ReleaseRule } from '#domain';
import type { Random } from '../simulation/random.js';
import { inTenant } from './practice.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const ZONES = ['Europe/Paris', 'Indian/Reunion'] as const;
const SECRETARIATS = ['nord', 'sud', null];

/** A practice whose rules chance has made, over a few days to come and the next night on which clocks change in Paris. */
export interface RandomPractice {
  readonly organization: string;
  readonly timeZone: string;
  readonly ruled: boolean;
  readonly agenda: string;
  readonly motifs: readonly string[];
  readonly collaborators: readonly string[];
  readonly patients: readonly Patient[];
  /** Local midnights of the days on which it is open, as instants. */
  readonly days: readonly number[];
}

type Row = Record<string, unknown>;

const range = (start: number, end: number): string =>
  `[${new Date(start).toISOString()},${new Date(end).toISOString()})`;

export async function createRandomPractice(pool: pg.Pool, random: Random, now: number): Promise<RandomPractice> {
  const timeZone = random.pick(ZONES)!;
  const clock = wallClock(timeZone, { start: now - 400 * DAY, end: now + 400 * DAY });
  const localDays = [...[0, 1, 2].map((days) => Math.floor(now / DAY) * DAY + days * DAY), nextClockChange(now)];
  const practice: RandomPractice = {
    organization: randomUUID(),
    timeZone,
    ruled: random.chance(0.75),
    agenda: randomUUID(),
    motifs: [randomUUID(), randomUUID()],
    collaborators: SECRETARIATS.map(() => randomUUID()),
    patients: [
      { lastName: 'Durand', firstName: 'Alba', birthDate: '2019-04-01', isNew: true },
      { lastName: 'Petit', firstName: 'Luc', birthDate: '1961-02-28', isNew: false },
      { lastName: 'Roche', firstName: 'Zoé', birthDate: '1990-12-31' },
      { lastName: 'Blanc', firstName: 'Max' },
    ],
    days: localDays.map((day) => clock(day)),
  };
  const at = (day: number, minutes: number): number => clock(day + minutes * MINUTE);
  await inTenant(pool, practice.organization, async (client) => {
    const insert = async (table: string, row: Row): Promise<void> => {
      const all = { organization_id: practice.organization, ...row };
      const places = Object.keys(all).map((_, index) => `$${String(index + 1)}`);
      const sql = `INSERT INTO ${table} (${Object.keys(all).join(', ')}) VALUES (${places.join(', ')})`;
      await client.query(sql, Object.values(all));
    };
    const room = randomUUID();
    await insertPeople(insert, practice, random);
    await insertAgendas(insert, practice, { random, room, openedUntil: at(Math.max(...localDays), 1440) });
    for (const motif of practice.motifs) {
      const rules = practice.ruled && random.chance(0.8) ? rulingOf(random, room) : {};
      await insert('agenda_motif', { agenda_id: practice.agenda, motif_id: motif, rules: JSON.stringify(rules) });
    }
    for (const day of localDays) await insertDay(insert, practice, { random, at: (minutes) => at(day, minutes) });
  });
  return practice;
}

type Insert = (table: string, row: Row) => Promise<void>;

async function insertPeople(insert: Insert, { collaborators, motifs }: RandomPractice, random: Random): Promise<void> {
  await insert('organization', { name: 'Cabinet' });
  for (const [index, id] of collaborators.entries())
    await insert('collaborator', { id, display_name: `Claire ${String(index)}`, secretariat: SECRETARIATS[index] });
  for (const [index, id] of motifs.entries()) {
    await insert('motif', {
      ...{ id, label_fr: `Motif ${String(index)}`, label_en: `Reason ${String(index)}` },
      duration_minutes: random.pick([10, 20, 30, 45]),
      buffer_before_minutes: random.pick([0, 0, 5]),
      buffer_after_minutes: random.pick([0, 0, 10]),
      granularity_minutes: random.pick([5, 10, 15, 20, 30]),
    });
  }
}

async function insertAgendas(
  insert: Insert,
  { agenda, timeZone }: RandomPractice,
  { random, room, openedUntil }: { random: Random; room: string; openedUntil: number },
): Promise<void> {
  const [location, practitioner] = [randomUUID(), randomUUID()];
  await insert('location', { id: location, name: 'Cabinet', time_zone: timeZone });
  await insert('practitioner', { id: practitioner, display_name: 'Dr Martin', speciality: 'SM54' });
  const common = { location_id: location, practitioner_id: practitioner, opened_until: new Date(openedUntil) };
  const active = random.chance(0.96);
  await insert('agenda', { ...common, id: agenda, name: 'Cabinet', capacity: random.pick([1, 1, 2, 3]), active });
  await insert('agenda', {
    ...common,
    id: room,
    name: 'Salle',
    capacity: random.pick([1, 2]),
    active: random.chance(0.9),
  });
}

async function insertDay(
  insert: Insert,
  { agenda, motifs, ruled, timeZone }: RandomPractice,
  { random, at }: { random: Random; at: (minutes: number) => number },
): Promise<void> {
  const piece = (most: number): [number, number] => {
    const from = random.below(276) * 5;
    return [at(from), at(from) + (15 + random.below(most / 5) * 5) * MINUTE];
  };
  const some = <T>(all: readonly T[]): T[] | null => {
    const chosen = all.filter(() => random.chance(0.5));
    return ruled && random.chance(0.35) && chosen.length > 0 ? chosen : null;
  };
  const recurs = { agenda_id: agenda, rrule: 'FREQ=DAILY', starts_local: '2025-01-01T08:00', time_zone: timeZone };
  for (let openings = 1 + random.below(4); openings > 0; openings--) {
    const id = randomUUID();
    const capacity = ruled && random.chance(0.3) ? 1 + random.below(3) : null;
    const meant = { motif_ids: some(motifs), audiences: some(AUDIENCES), capacity };
    await insert('opening', { id, ...recurs, ...meant, duration_minutes: 60 });
    await insert('opening_occurrence', { opening_id: id, agenda_id: agenda, during: range(...piece(480)) });
  }
  if (random.chance(0.4))
    await insert('closure', { id: randomUUID(), agenda_id: agenda, during: range(...piece(180)), label: 'Congés' });
  for (let reserves = ruled ? random.below(3) : 0; reserves > 0; reserves--) {
    const id = randomUUID();
    const keptFor = {
      priorities: random.chance(0.3) ? [random.pick(PRIORITIES)] : [],
      audiences: some(AUDIENCES)?.slice(0, 1) ?? [],
      motifIds: some(motifs)?.slice(0, 1) ?? [],
    };
    await insert('reserve', {
      ...{ id, ...recurs, label: 'Urgences', duration_minutes: 60 },
      ...{ kept_for: keptFor, release: JSON.stringify(releasesOf(random)) },
      recapture_minutes: random.pick([null, 0, 60, 10_000]),
    });
    await insert('reserve_occurrence', { reserve_id: id, agenda_id: agenda, during: range(...piece(240)) });
  }
}

function releasesOf(random: Random): ReleaseRule[] {
  const all: ReleaseRule[] = [
    { kind: 'before', minutes: random.pick([30, 600, 3000, 500_000])! },
    { kind: 'at-time', daysBefore: random.below(4), time: random.pick(['00:00', '08:00', '18:30'])! },
    { kind: 'occupancy', share: random.pick([0.1, 0.3, 0.6])! },
    { kind: 'quota', perSecretariat: 1 + random.below(2) },
  ];
  return all.filter(() => random.chance(0.3));
}

function rulingOf(random: Random, room: string): MotifRuling {
  const audiences: Audience[] = AUDIENCES.filter(() => random.chance(0.7));
  const quotas: Quota[] = (['day', 'half-day', 'week'] as const)
    .filter(() => random.chance(0.4))
    .map((per) => ({ per, max: 1 + random.below(5) }));
  const whole: Required<
    Omit<MotifRuling, 'questions' | 'modality' | 'link' | 'instruction' | 'documents' | 'colour' | 'next'>
  > = {
    durationMinutes: random.pick([10, 25, 40])!,
    newPatientDurationMinutes: random.pick([30, 50])!,
    bufferBeforeMinutes: random.pick([0, 10])!,
    bufferAfterMinutes: random.pick([0, 5])!,
    granularityMinutes: random.pick([5, 15, 20])!,
    noticeMinutes: random.pick([0, 120, 2000])!,
    horizonDays: random.pick([1, 2, 200])!,
    priority: random.pick(PRIORITIES)!,
    audiences: audiences.length === 0 ? ['SECRETARIAT'] : audiences,
    newPatients: random.pick(['accepted', 'only', 'refused'] as const)!,
    age: { minYears: random.pick([null, 18])!, maxYears: random.pick([null, 60])! },
    gapDays: random.below(3),
    quotas,
    equipment: [room],
  };
  const rare = new Set(['noticeMinutes', 'horizonDays', 'newPatients', 'age', 'audiences']);
  return Object.fromEntries(Object.entries(whole).filter(([name]) => random.chance(rare.has(name) ? 0.15 : 0.4)));
}

/** The next last Sunday of March or October, as a local midnight. */
function nextClockChange(now: number): number {
  for (let day = Math.floor(now / DAY) * DAY + 4 * DAY; ; day += DAY) {
    const date = new Date(day);
    const isLastSunday = date.getUTCDay() === 0 && date.getUTCDate() > 24;
    if (isLastSunday && [2, 9].includes(date.getUTCMonth())) return day;
  }
}
