import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '#application';
import type { ApiClient, Answer, Question } from '../support/api-client.js';
import type { Managed } from '../support/processes.js';
import type { RemoteAgenda, RemoteEntry } from '../support/remotes.js';
import { MINUTE, TEN } from './stage.js';
import type { Desk } from './steps.js';

const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };
/** Twelve hours of half hours: crowded enough that both sides want the same. */
const STARTS = 24;
const VISIT = 30 * MINUTE;

/** One agenda, with a secretary on one side and the practitioner on the other. */
export interface Place {
  readonly desk: Desk;
  readonly client: ApiClient;
  readonly remote: RemoteAgenda;
  readonly linkId: string;
}

/** Everything that was done, as those who did it know it. */
export class Diary {
  /** Appointments that the secretary was told to be confirmed. */
  readonly confirmed = new Set<string>();
  /** Appointments that the secretary asked to cancel, whatever came of it. */
  readonly cancelling = new Set<string>();
  /** Appointments that the practitioner removed from his tool. */
  readonly removed = new Set<string>();
  /** The practitioner's own entries that he has not removed, by agenda. */
  readonly own = new Map<string, Set<string>>();
  asked = 0;
  edits = 0;
  refused = 0;
}

interface Doer {
  readonly diary: Diary;
  readonly random: () => number;
  readonly apis: readonly Managed[];
}

const oneOf = <T>(items: readonly T[], random: () => number): T | undefined =>
  items[Math.floor(random() * items.length)];
const someStart = (random: () => number): number => TEN + Math.floor(random() * STARTS) * VISIT;

/** A secretary at any of the agendas: she books, moves and cancels. */
export async function secretaryDoes(
  place: Pick<Place, 'desk' | 'client'>,
  { diary, random, apis }: Doer,
): Promise<void> {
  diary.asked += 1;
  const ask = (question: Question): Promise<Answer | null> =>
    place.client.ask(oneOf(apis, random)!.url, question).catch(() => null);
  const dice = random();
  if (dice < 0.6) return book(place, ask, { diary, start: someStart(random) });
  const listed = await ask({ method: 'GET', path: `/v1/appointments?agenda=${place.desk.agenda}&status=confirmed` });
  const one = oneOf((listed?.body['items'] ?? []) as Answer['body'][], random);
  if (one === undefined) return;
  const path = `/v1/appointments/${String(one['id'])}`;
  if (dice < 0.85) {
    const headers = { 'if-match': `"${String(one['version'])}"` };
    const body = { start: new Date(someStart(random)).toISOString() };
    await ask({ method: 'PATCH', path, body, headers });
    return;
  }
  diary.cancelling.add(String(one['id']));
  const headers = { 'idempotency-key': newId() };
  await ask({ method: 'POST', path: `${path}/cancel`, body: { reason: 'Le patient est empêché' }, headers });
}

async function book(
  { desk }: Pick<Place, 'desk'>,
  ask: (question: Question) => Promise<Answer | null>,
  { diary, start }: { diary: Diary; start: number },
): Promise<void> {
  const body = { agenda: desk.agenda, motif: desk.motif, start: new Date(start).toISOString(), patient: PATIENT };
  const headers = { 'idempotency-key': newId(), prefer: 'wait=5' };
  const answer = await ask({ method: 'POST', path: '/v1/appointments', body, headers });
  if (answer?.status === 201 && answer.body['status'] === 'confirmed') diary.confirmed.add(String(answer.body['id']));
  if (answer?.status === 409) diary.refused += 1;
}

/** The practitioner in his own tool: he adds, drags and removes, his own and ours. */
export async function practitionerDoes(place: Place, { diary, random }: Doer): Promise<void> {
  diary.edits += 1;
  const { remote } = place;
  const own = diary.own.get(place.desk.agenda) ?? new Set<string>();
  diary.own.set(place.desk.agenda, own);
  const start = someStart(random);
  const dice = random();
  if (dice < 0.4) {
    own.add(await remote.create({ start, end: start + VISIT, title: 'Privé' }));
    return;
  }
  const entry = oneOf(await remote.entries(), random);
  if (entry === undefined) return;
  // His application tells him when the hub was quicker: he leaves it at that.
  if (dice < 0.75) await remote.move(entry.id, start, start + VISIT).catch(() => undefined);
  else await removes(remote, entry, { diary, own });
}

async function removes(
  remote: RemoteAgenda,
  entry: RemoteEntry,
  { diary, own }: { diary: Diary; own: Set<string> },
): Promise<void> {
  // Noted first: once he has begun, nobody can tell for certain that he did not.
  if (entry.appointmentId === null) own.delete(entry.id);
  else diary.removed.add(entry.appointmentId);
  await remote.remove(entry.id).catch(() => undefined);
}

/** Keeps `doers` busy with random places until `endsAt` (of `performance.now()`). */
export async function keepDoing<Where extends object>(
  places: readonly Where[],
  {
    doers,
    pauseMs,
    endsAt,
    act,
  }: { doers: number; pauseMs: number; endsAt: number; act: (place: Where) => Promise<void> },
  random: () => number,
): Promise<void> {
  const busy = new Set<Where>();
  const doer = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const place = oneOf(places, random)!;
      // Each tool and each desk has one pair of hands.
      if (!busy.has(place)) {
        busy.add(place);
        await act(place).finally(() => busy.delete(place));
      }
      await sleep(pauseMs * (0.5 + random()));
    }
  };
  await Promise.all(Array.from({ length: doers }, doer));
}
