import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { newId } from '#application';
import { ApiClient, createApiKey, type Answer, type Question } from '../support/api-client.js';
import type { BookOp, HistoryOp, Told } from '../support/history.js';
import { at } from '../support/practice.js';
import type { HubProcesses } from '../support/processes.js';
import { chances } from './chances.js';
import type { Desk } from './steps.js';

const MINUTE = 60_000;
const HOLD_MS = 10_000;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };
/** Visits of different lengths, one with time to tidy up after it. */
const MOTIFS = [
  { minutes: 10, after: 0 },
  { minutes: 20, after: 0 },
  { minutes: 30, after: 10 },
  { minutes: 45, after: 0 },
];
const FINAL: ReadonlySet<number> = new Set([200, 201, 409]);

/** What a crowd of secretaries does, in shares of 100; the rest books. */
export interface Habits {
  readonly attempts: number;
  readonly clients: number;
  readonly holds: number;
  readonly moves: number;
  readonly cancels: number;
  /** Length of the range that everybody wants to be in. */
  readonly hotMinutes: number;
  readonly from: number;
  /** Whether each secretary keeps to one process, as a kept connection does; otherwise any process gets any request. */
  readonly kept: boolean;
}

/** Two days that everybody wants to be in. */
export const HABITS = {
  holds: 20,
  moves: 8,
  cancels: 8,
  hotMinutes: 2 * 1440,
  from: Date.parse(at('00:00')),
  kept: false,
};

/** Where one secretary's next request goes. */
type Door = () => string;

interface Motif {
  readonly id: string;
  readonly minutes: number;
}

interface Wish {
  readonly start: number;
  readonly motif: Motif;
}

interface Visit {
  readonly id: string;
  readonly key: string;
  readonly motif: Motif;
  version: number;
}

/** Many secretaries at once at one agenda, through several processes; everything asked and told is written down. */
export class Crowd {
  readonly ops: HistoryOp[] = [];
  readonly answers: {
    readonly asked: string;
    readonly status: number;
    readonly ms: number;
    readonly problem?: unknown;
  }[] = [];
  /** Held and left alone. */
  readonly abandoned: (Wish & { readonly endsAt: number })[] = [];
  readonly #visits: Visit[] = [];
  readonly #random = chances(20_270_301);
  #left: number;

  private constructor(
    private readonly parts: {
      readonly hub: HubProcesses;
      readonly desk: Desk;
      readonly client: ApiClient;
      readonly motifs: readonly Motif[];
    },
    private readonly habits: Habits,
  ) {
    this.#left = habits.attempts;
  }

  static async gather(
    admin: pg.Pool,
    parts: { readonly hub: HubProcesses; readonly desk: Desk },
    habits: Habits,
  ): Promise<Crowd> {
    const { organization, collaborator, agenda } = parts.desk;
    const motifs: Motif[] = [];
    for (const { minutes, after } of MOTIFS) {
      const id = newId();
      await admin.query(
        `INSERT INTO motif (organization_id, id, label_fr, label_en, duration_minutes, buffer_after_minutes) VALUES ($1, $2, $3, $3, $4, $5)`,
        [organization, id, `Visite de ${minutes} minutes`, minutes, after],
      );
      await admin.query('INSERT INTO agenda_motif (organization_id, agenda_id, motif_id) VALUES ($1, $2, $3)', [
        organization,
        agenda,
        id,
      ]);
      motifs.push({ id, minutes });
    }
    const client = new ApiClient({ apiKey: await createApiKey(admin, organization), collaborator });
    return new Crowd({ ...parts, client, motifs }, habits);
  }

  async run(): Promise<void> {
    const { apis } = this.parts.hub;
    const secretary = async (_: unknown, n: number): Promise<void> => {
      const door = this.habits.kept ? (): string => apis[n % apis.length]!.url : this.#anyDoor;
      while (this.#left > 0) await this.#something(door);
    };
    await Promise.all(Array.from({ length: this.habits.clients }, secretary));
  }

  /** Books what was held and left alone, once its time is over. */
  async takeAbandoned(): Promise<{ readonly start: number; readonly end: number; readonly status: number }[]> {
    const latest = Math.max(...this.abandoned.map(({ endsAt }) => endsAt));
    await sleep(Math.max(0, latest - performance.now()) + 500);
    const taken: { start: number; end: number; status: number }[] = [];
    for (const { start, motif } of this.abandoned) {
      const { status } = await this.#book(
        this.#anyDoor,
        { agenda: this.parts.desk.agenda, motif: motif.id, start: new Date(start).toISOString() },
        { start, motif },
      );
      taken.push({ start, end: start + motif.minutes * MINUTE, status });
    }
    return taken;
  }

  close(): void {
    this.parts.client.close();
  }

  readonly #anyDoor: Door = () => this.#oneOf(this.parts.hub.apis).url;

  async #something(door: Door): Promise<void> {
    const { holds, moves, cancels } = this.habits;
    const dice = this.#random() * 100;
    const motif = this.#oneOf(this.parts.motifs);
    const start = this.habits.from + Math.floor((this.#random() * this.habits.hotMinutes) / 5) * 5 * MINUTE;
    const place = { agenda: this.parts.desk.agenda, motif: motif.id, start: new Date(start).toISOString() };
    if (dice < holds) return this.#hold(door, place, { start, motif });
    if (dice < holds + moves && this.#visits.length > 0) return this.#move(door, this.#oneOf(this.#visits), start);
    if (dice < holds + moves + cancels && this.#visits.length > 0) return this.#cancel(door, this.#oneOf(this.#visits));
    await this.#book(door, place, { start, motif });
  }

  /** `hold`: the key of the request that made it, which goes on naming the visit in the record. */
  async #book(door: Door, where: object, { start, motif }: Wish, hold?: string): Promise<Answer> {
    const key = newId();
    const op = this.#wanted(hold ?? key, start, motif);
    const answer = await this.#ask(door, 'book', {
      method: 'POST',
      path: '/v1/appointments',
      body: { ...where, patient: PATIENT },
      headers: { 'idempotency-key': key },
    });
    await this.#told(op, answer);
    if (op.outcome === 'ok')
      this.#visits.push({ id: String(answer.body['id']), key: op.key, motif, version: await this.#versionOf(answer) });
    return answer;
  }

  async #hold(door: Door, place: object, { start, motif }: Wish): Promise<void> {
    const op = this.#wanted(newId(), start, motif);
    const held = await this.#ask(door, 'hold', {
      method: 'POST',
      path: '/v1/holds',
      body: { ...place, seconds: HOLD_MS / 1000 },
      headers: { 'idempotency-key': op.key },
    });
    await this.#told(op, held);
    if (held.status !== 201) return;
    const id = String(held.body['id']);
    const next = this.#random();
    if (next < 0.5) {
      await this.#book(door, { hold: id }, { start, motif }, op.key);
    } else if (next < 0.75) {
      const t0 = performance.now();
      const { status } = await this.#ask(door, 'release', { method: 'DELETE', path: `/v1/holds/${id}` });
      this.ops.push({ op: 'cancel', key: op.key, t0, t1: performance.now(), outcome: status === 204 ? 'ok' : 'fail' });
    } else {
      // Its time began after it was asked for, by the database's clock.
      const endsAt = op.t0 + HOLD_MS;
      this.ops.push({ op: 'cancel', key: op.key, t0: endsAt, t1: endsAt, outcome: 'ok' });
      this.abandoned.push({ start, motif, endsAt: performance.now() + HOLD_MS });
    }
  }

  async #move(door: Door, visit: Visit, start: number): Promise<void> {
    const t0 = performance.now();
    const op = {
      op: 'move' as const,
      key: visit.key,
      start,
      end: start + visit.motif.minutes * MINUTE,
      t0,
      t1: Infinity,
      outcome: 'unknown' as Told,
    };
    this.ops.push(op);
    const headers = { 'if-match': `"${visit.version}"` };
    const answer = await this.#ask(door, 'move', {
      method: 'PATCH',
      path: `/v1/appointments/${visit.id}`,
      body: { start: new Date(start).toISOString() },
      headers,
    });
    if (answer.status === 202) {
      const record = await this.#followed(visit.id);
      const there = record !== null && Date.parse(String(record['start'])) === start;
      Object.assign(op, { t1: performance.now(), outcome: there ? 'ok' : record === null ? 'unknown' : 'fail' });
    } else Object.assign(op, { t1: performance.now(), outcome: answer.status === 200 ? 'ok' : 'fail' });
    visit.version = Number((await this.#read(visit.id)).body['version']);
  }

  async #cancel(door: Door, visit: Visit): Promise<void> {
    const t0 = performance.now();
    const op = { op: 'cancel' as const, key: visit.key, t0, t1: Infinity, outcome: 'unknown' as Told };
    this.ops.push(op);
    const body = { reason: 'Le patient est empêché' };
    const answer = await this.#ask(door, 'cancel', {
      method: 'POST',
      path: `/v1/appointments/${visit.id}/cancel`,
      body,
      headers: { 'idempotency-key': newId() },
    });
    const record = answer.status === 202 ? await this.#followed(visit.id) : answer.body;
    const done = record?.['status'] === 'cancelled' || answer.status === 200;
    Object.assign(op, { t1: performance.now(), outcome: done ? 'ok' : record === null ? 'unknown' : 'fail' });
    if (done && this.#visits.includes(visit)) this.#visits.splice(this.#visits.indexOf(visit), 1);
  }

  #wanted(key: string, start: number, motif: Motif): BookOp {
    const { agenda } = this.parts.desk;
    const op: BookOp = {
      op: 'book',
      key,
      agenda,
      start,
      end: start + motif.minutes * MINUTE,
      t0: performance.now(),
      t1: Infinity,
      outcome: 'unknown',
    };
    this.ops.push(op);
    return op;
  }

  async #told(op: BookOp, answer: Answer): Promise<void> {
    const id = answer.status < 300 ? String(answer.body['id']) : undefined;
    const settled = answer.status === 202 ? await this.#followed(id ?? '') : null;
    const ok = answer.status === 201 || settled?.['status'] === 'confirmed';
    const isOpen = answer.status === 202 && settled === null;
    Object.assign(op, { t1: performance.now(), outcome: ok ? 'ok' : isOpen ? 'unknown' : 'fail', id });
  }

  /** Follows an answer that was not final, as its status link says. `null`: not settled in a minute, so that nobody knows. */
  async #followed(id: string): Promise<Answer['body'] | null> {
    for (const end = performance.now() + 60_000; performance.now() < end; await sleep(200)) {
      const { body } = await this.#read(id);
      if (!['pending', 'unknown', 'compensating'].includes(String(body['status']))) return body;
    }
    return null;
  }

  async #versionOf(answer: Answer): Promise<number> {
    if (FINAL.has(answer.status)) return Number(answer.body['version']);
    return Number((await this.#read(String(answer.body['id']))).body['version']);
  }

  #read(id: string): Promise<Answer> {
    return this.parts.client.ask(this.#anyDoor(), {
      method: 'GET',
      path: `/v1/appointments/${id}`,
    });
  }

  async #ask(door: Door, asked: string, question: Question): Promise<Answer> {
    this.#left -= 1;
    const answer = await this.parts.client.ask(door(), question);
    this.answers.push({ asked, status: answer.status, ms: answer.ms, problem: answer.body['type'] });
    return answer;
  }

  #oneOf<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)]!;
  }
}

/** How many of each answer, and how long they took. */
export interface Summary {
  readonly text: string;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export function summary(answers: Crowd['answers']): Summary {
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  const counts = new Map<string, number>();
  for (const { asked, status } of answers)
    counts.set(`${asked} ${status}`, (counts.get(`${asked} ${status}`) ?? 0) + 1);
  const told = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, n]) => `${what}: ${n}`);
  const text = `${answers.length} answers (${told.join(', ')}); p50 ${at(0.5).toFixed(0)} ms, p95 ${at(0.95).toFixed(0)} ms, p99 ${at(0.99).toFixed(0)} ms, worst ${at(1).toFixed(0)} ms`;
  return { text, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** Answers that were not meant. Meant are: done, being done, taken; and for what another secretary changed meanwhile, stale. */
export function unmeant(answers: Crowd['answers']): Crowd['answers'] {
  const meant: Readonly<Record<string, readonly number[]>> = {
    book: [201, 202, 409],
    hold: [201, 409],
    release: [204],
    move: [200, 202, 409, 412],
    cancel: [200, 202, 409],
  };
  return answers.filter(({ asked, status }) => !meant[asked]?.includes(status));
}
