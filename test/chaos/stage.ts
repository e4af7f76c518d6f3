import { setTimeout as sleep } from 'node:timers/promises';
import { newId, type AppointmentRecord, type BookingAnswer } from '#application';
import type { HistoryOp, Told } from '../support/history.js';
import { linkAgenda, type TestHub } from '../support/hub.js';
import type { RemoteAgenda } from '../support/remotes.js';
import { perform, type Desk, type Step } from './steps.js';

export const HOUR = 3_600_000;
export const MINUTE = 60_000;
const DAY = 24 * HOUR;
/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
export const TEN = Math.floor(Date.now() / DAY) * DAY + 10 * DAY + 10 * HOUR;
const VISIT = 30 * MINUTE;
const PROMISED_MS = 60_000;

const OPEN: ReadonlySet<string> = new Set(['pending', 'unknown', 'compensating']);
/** Refusals that say nothing about what will be: ask again. */
const AGAIN: ReadonlySet<string> = new Set(['agenda-unreachable', 'idempotency-in-progress', 'write-in-progress']);

/** One agenda at one backend, and the record of everything that was asked and told about it. */
export class Stage {
  readonly ops: HistoryOp[] = [];
  /** Names an appointment in the record: the key of the request that made it. */
  readonly #keys = new Map<string, string>();

  constructor(
    readonly hub: TestHub,
    readonly desk: Desk,
    readonly remote: RemoteAgenda,
  ) {}

  async link(): Promise<void> {
    await this.hub.housekeeping.extendOpenings(this.desk.organization, this.desk.agenda);
    await linkAgenda(this.hub, this.desk, this.remote.account);
  }

  /** A confirmed appointment to begin with. */
  async booked(start: number): Promise<{ id: string; version: number }> {
    const answer = await this.ask({ kind: 'book', key: newId(), start }, 8_000);
    if (answer?.outcome !== 'booked' || answer.status !== 201)
      throw new Error(`no appointment to begin with: ${JSON.stringify(answer)}`);
    return answer.record;
  }

  async held(start: number, seconds: number): Promise<string> {
    const key = newId();
    const answer = await perform(this.hub, this.desk, { kind: 'hold', key, start, seconds }, 8_000);
    if (answer?.outcome !== 'booked') throw new Error(`no hold to begin with: ${JSON.stringify(answer)}`);
    this.#keys.set(answer.record.id, key);
    return answer.record.id;
  }

  /** An event of the practitioner's own. */
  async takes(start: number, end: number): Promise<string> {
    const id = await this.remote.create({ start, end, title: 'Patient en ligne' });
    const stood = { agenda: this.desk.agenda, id, key: null, start, end, from: performance.now(), until: Infinity };
    this.ops.push({ op: 'stood', by: 'practitioner', ...stood });
    return id;
  }

  /** The practitioner drags (or, with `null`, deletes) the appointment in his tool. */
  async touches(appointmentId: string, to: { start: number; end: number } | null): Promise<void> {
    const entry = (await this.remote.entries()).find((one) => one.appointmentId === appointmentId);
    if (entry === undefined) throw new Error('the appointment is not in his tool');
    this.ops.push({ op: 'touch', key: this.#keyOf(appointmentId), at: performance.now(), to });
    await (to === null ? this.remote.remove(entry.id) : this.remote.move(entry.id, to.start, to.end));
  }

  /** Asks once and writes down what was told. */
  async ask(step: Step, waitMs: number): Promise<BookingAnswer | null> {
    const t0 = performance.now();
    const answer = await perform(this.hub, this.desk, step, waitMs);
    if (answer?.outcome === 'booked' && 'key' in step && step.kind === 'book')
      this.#keys.set(answer.record.id, step.key);
    this.note(step, toldOf(step, answer), t0, answer?.record?.id);
    return answer;
  }

  /** Writes down a request; without an answer it is one that nobody heard of again. */
  note(step: Step, outcome: Told, t0: number, id?: string): void {
    const asked = { t0, t1: outcome === 'unknown' ? Infinity : performance.now(), outcome };
    const { agenda } = this.desk;
    if (step.kind === 'book')
      this.ops.push({ op: 'book', key: step.key, agenda, start: step.start, end: step.start + VISIT, id, ...asked });
    if (step.kind === 'confirm')
      this.ops.push({ op: 'book', key: this.#keyOf(step.hold), agenda, start: TEN, end: TEN + VISIT, id, ...asked });
    if (step.kind === 'move')
      this.ops.push({ op: 'move', key: this.#keyOf(step.id), start: step.start, end: step.start + VISIT, ...asked });
    if (step.kind === 'cancel') this.ops.push({ op: 'cancel', key: this.#keyOf(step.id), ...asked });
  }

  /** Asks the same again until the answer is final; at most as long as was promised. */
  async settle(step: Step): Promise<Told> {
    for (const end = performance.now() + PROMISED_MS; performance.now() < end;) {
      const answer = await this.ask(step, 2_000);
      const told = toldOf(step, answer);
      if (told !== 'unknown') return told;
      // 202 is the answer to this request for good; its status says the rest.
      if (answer?.outcome === 'booked') return this.#follow(step, answer.record.id, end);
      await sleep(200);
    }
    return 'unknown';
  }

  async #follow(step: Step, id: string, end: number): Promise<Told> {
    while (performance.now() < end) {
      const t0 = performance.now();
      const record = await this.hub.bookings.get({ organizationId: this.desk.organization, id });
      const told = record === null || OPEN.has(record.status) ? 'unknown' : toldBy(step, record);
      if (told !== 'unknown') {
        this.note(step, told, t0, id);
        return told;
      }
      await sleep(100);
    }
    return 'unknown';
  }

  #keyOf(id: string): string {
    return this.#keys.get(id) ?? id;
  }
}

/** What a state that will not change by itself says about a request. */
function toldBy(step: Step, { status, start }: AppointmentRecord): Told {
  if (step.kind === 'cancel') return status === 'cancelled' ? 'ok' : 'fail';
  if (step.kind === 'move') return status === 'confirmed' && start === step.start ? 'ok' : 'fail';
  return status === 'confirmed' ? 'ok' : 'fail';
}

/** What an answer says for certain. A retried move that had been carried out is told by the version it meets. */
export function toldOf(step: Step, answer: BookingAnswer | null): Told {
  if (answer === null) return 'ok';
  if (answer.outcome === 'booked') return answer.status === 202 ? 'unknown' : 'ok';
  if (AGAIN.has(answer.problem)) return 'unknown';
  const { record } = answer;
  if (step.kind !== 'move' || answer.problem !== 'version-stale' || record === undefined) return 'fail';
  return OPEN.has(record.status) ? 'unknown' : toldBy(step, record);
}
