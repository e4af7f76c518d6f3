import type pg from 'pg';
import { newId } from '#application';
import { connectors } from '#connectors';
import type { ApiClient } from '../support/api-client.js';
import type { Dumped } from '../contract/simulator-target.js';
import type { Ledger } from '../support/ledger.js';
import type { TestHub } from '../support/hub.js';
import type { VendorAgenda } from '../support/vendor-agenda.js';
import { MINUTE, TEN } from './stage.js';
import type { Desk } from './steps.js';

const OWN = 'Privé';
const ONLINE = 'En ligne';
const VISIT = 30 * MINUTE;
const STARTS = 24;
const LIVE: ReadonlySet<string> = new Set(['confirmed', 'conflict']);

/** One agenda of a practice, with a tool of its own vendor. */
export interface VendorPlace {
  readonly desk: Desk;
  readonly client: ApiClient;
  readonly agenda: VendorAgenda;
  readonly linkId: string;
}

/** Faults at a vendor, as a share of its requests, and of its notifications. */
export const mixedFaults = (share: number): object[] => [
  { kind: 'drop-after-commit', probability: share * 0.4 },
  { kind: 'error', status: 503, probability: share * 0.2 },
  { kind: 'reset', probability: share * 0.2 },
  { kind: 'html', probability: share * 0.1 },
  { kind: 'rate-limit', retryAfterSeconds: 1, probability: share * 0.1 },
  ...['push-lose', 'push-duplicate', 'push-reorder'].map((kind) => ({ kind, probability: 0.2 })),
];

/** Another agenda of the same practice, for the same motif, opened alike. */
export async function addAgenda(admin: pg.Pool, desk: Desk): Promise<Desk> {
  const [agenda, practitioner, opening] = [newId(), newId(), newId()];
  const ids = [desk.organization, desk.agenda, agenda];
  await admin.query(
    `INSERT INTO practitioner (organization_id, id, display_name, speciality) VALUES ($1, $2, 'Dr Autre', 'SM54')`,
    [desk.organization, practitioner],
  );
  await admin.query(
    `INSERT INTO agenda (organization_id, id, practitioner_id, location_id, name, capacity, master, opened_until)
     SELECT organization_id, $3, $4, location_id, name, capacity, 'hub', opened_until FROM agenda WHERE organization_id = $1 AND id = $2`,
    [...ids, practitioner],
  );
  await admin.query(
    `INSERT INTO agenda_motif (organization_id, agenda_id, motif_id)
     SELECT organization_id, $3, motif_id FROM agenda_motif WHERE organization_id = $1 AND agenda_id = $2`,
    ids,
  );
  await admin.query(
    `INSERT INTO opening (organization_id, id, agenda_id, rrule, starts_local, duration_minutes, time_zone)
     SELECT organization_id, $4, $3, rrule, starts_local, duration_minutes, time_zone FROM opening WHERE organization_id = $1 AND agenda_id = $2`,
    [...ids, opening],
  );
  return { ...desk, agenda };
}

const oneOf = <T>(items: readonly T[], random: () => number): T | undefined =>
  items[Math.floor(random() * items.length)];
const someStart = (random: () => number): number => TEN + Math.floor(random() * STARTS) * VISIT;
/** Where it is taken, or gone meanwhile, his tool says so and he leaves it at that. */
const orNot = (edit: Promise<unknown>): Promise<unknown> => edit.catch(() => undefined);

/** The practitioner in his own tool: he answers what waits, adds, drags and removes; he never insists. */
export async function practitionerActs({ agenda }: VendorPlace, random: () => number): Promise<void> {
  await agenda.answer();
  const [dice, start] = [random(), someStart(random)];
  if (dice < 0.4)
    return void (await orNot(agenda.put('practitioner', { start, end: start + VISIT, title: OWN }, false)));
  const entry = oneOf(await agenda.standing(), random);
  if (entry === undefined) return;
  if (dice < 0.75) await orNot(agenda.move(entry.id, start, start + VISIT, false));
  else await orNot(agenda.remove(entry.id));
}

/** A patient online: he books, or cancels what a patient booked online. */
export async function patientActs({ agenda }: VendorPlace, random: () => number): Promise<void> {
  const start = someStart(random);
  if (random() < 0.6) return void (await orNot(agenda.put('patient', { start, end: start + VISIT, title: ONLINE })));
  const online = (await agenda.standing()).filter(({ title }) => title === ONLINE);
  const entry = oneOf(online, random);
  if (entry !== undefined) await orNot(agenda.remove(entry.id, 'patient'));
}

/**
 * An administrator, who finds that so many deletions at once were really meant: crowds do in a minute what practices do in
 * months, and the brake holds them for him. True when there was something to release.
 */
export async function releasesDeletions(hub: TestHub, { desk, linkId }: VendorPlace): Promise<boolean> {
  const ids = { organizationId: desk.organization, linkId, agendaId: desk.agenda };
  const brake = await hub.brake.get(desk.organization, linkId);
  if (brake?.held == null) return false;
  const actor = { kind: 'collaborator', id: desk.collaborator, key: newId() } as const;
  await (
    await hub.brake.release({ ...ids, revision: brake.revision, actor })
  )?.carriedOut;
  return true;
}

const timeOf = ({ start, end }: { start: number; end: number }): string =>
  `${new Date(start).toISOString()}/${new Date(end).toISOString()}`;

const overlapsIn = (entries: readonly Dumped[]): string[] =>
  entries.flatMap((one, index) =>
    entries
      .slice(index + 1)
      .filter((other) => one.start < other.end && other.start < one.end)
      .map((other) => `overlap: ${one.title} ${timeOf(one)} and ${other.title} ${timeOf(other)}`),
  );

/** What is wrong with an agenda: from the vendor's own dump, against the appointments of the hub. */
export async function wrongAt({ desk, agenda }: VendorPlace, ledger: Ledger): Promise<string[]> {
  const { refusesOverlap } = connectors.get(agenda.row.id)!.capabilities;
  const entries = await agenda.standing();
  const there = entries.filter(({ title }) => title !== OWN && title !== ONLINE).map(timeOf);
  const here = (await ledger.rows([desk.agenda])).filter(({ status }) => LIVE.has(status)).map(timeOf);
  const count = (times: readonly string[], time: string): number => times.filter((one) => one === time).length;
  const differing = [...new Set([...here, ...there])].filter((time) => count(here, time) !== count(there, time));
  const wrong = [
    ...differing.map((time) => `${String(count(here, time))} in the hub, ${String(count(there, time))} there: ${time}`),
    ...(refusesOverlap ? overlapsIn(entries) : []),
  ];
  return wrong.map((what) => `${agenda.row.id}: ${what}`);
}
