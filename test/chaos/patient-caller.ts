import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '#application';
import type { Answer, ApiClient, Question } from '../support/api-client.js';
import type { BookOp, HistoryOp } from '../support/history.js';
import type { Managed } from '../support/processes.js';
import type { Desk } from './steps.js';

const VISIT_MS = 30 * 60_000;
const PATIENT = { lastName: 'Durand', firstName: 'Zoé', phone: '+33600000001' };
const OPEN: ReadonlySet<string> = new Set(['pending', 'unknown', 'compensating']);

/** What a caller is left with in the end. */
export interface Outcome {
  /** Milliseconds of the test's clock at which it was certain. */
  readonly at: number;
  readonly told: 'ok' | 'fail';
  /** Why not, in a code. */
  readonly code: string | null;
}

/** A caller that repeats its request, with the same key, at any process that answers, until the outcome is certain. */
export class PatientCaller {
  readonly outcomes: Outcome[] = [];
  repeats = 0;

  constructor(
    private readonly parts: {
      readonly desk: Desk;
      readonly client: ApiClient;
      readonly apis: readonly Managed[];
      readonly ops: HistoryOp[];
      readonly random: () => number;
    },
  ) {}

  async book(start: number): Promise<void> {
    const { desk, ops } = this.parts;
    const key = newId();
    const op: BookOp = {
      op: 'book',
      key,
      agenda: desk.agenda,
      start,
      end: start + VISIT_MS,
      t0: performance.now(),
      t1: Infinity,
      outcome: 'unknown',
    };
    ops.push(op);
    const body = { agenda: desk.agenda, motif: desk.motif, start: new Date(start).toISOString(), patient: PATIENT };
    const answer = await this.#certain({
      method: 'POST',
      path: '/v1/appointments',
      body,
      headers: { 'idempotency-key': key },
    });
    const ok = answer.body['status'] === 'confirmed';
    const id = ok ? String(answer.body['id']) : undefined;
    Object.assign(op, { t1: performance.now(), outcome: ok ? 'ok' : 'fail', id });
    this.#note(ok, answer);
  }

  #note(ok: boolean, { body }: Answer): void {
    const reason = body['reason'] as { code?: string } | null | undefined;
    const code = typeof body['code'] === 'string' ? body['code'] : (reason?.code ?? null);
    this.outcomes.push({ at: performance.now(), told: ok ? 'ok' : 'fail', code });
  }

  /** Repeats until an answer is final; 202 is followed where it says that the rest can be read. */
  async #certain(question: Question): Promise<Answer> {
    for (;;) {
      const answer = await this.#ask(question);
      if (answer?.status === 202) return this.#followed(String(answer.body['id']));
      if (
        answer !== null &&
        answer.status < 500 &&
        answer.status !== 429 &&
        !String(answer.body['type']).endsWith('idempotency-in-progress')
      )
        return answer;
      this.repeats += 1;
      await sleep(50 + this.parts.random() * 250);
    }
  }

  async #followed(id: string): Promise<Answer> {
    for (;;) {
      const answer = await this.#ask({ method: 'GET', path: `/v1/appointments/${id}` });
      if (answer?.status === 200 && !OPEN.has(String(answer.body['status']))) return answer;
      await sleep(150 + this.parts.random() * 150);
    }
  }

  /** `null`: nobody answered, or not to the end. */
  async #ask(question: Question): Promise<Answer | null> {
    const { apis, client, random } = this.parts;
    const api = apis[Math.floor(random() * apis.length)]!;
    return client.ask(api.url, question).catch(() => null);
  }
}
