import type { Bookings } from '#application';
import { idempotencyOf, Problem, type Exchange } from '#platform';

interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
  /** Id of what was made. */
  readonly resource: string;
}

/** `Idempotency-Key` on routes where it is optional: the first success is remembered and given again. */
export class Repeats {
  constructor(private readonly bookings: Bookings) {}

  async once<Body>(
    { caller, headers, reply }: Exchange,
    asked: readonly unknown[],
    work: () => Promise<Answer<Body>>,
  ): Promise<Body> {
    const { organizationId } = caller;
    const key = idempotencyOf(headers, asked);
    const known = key === null ? { state: 'new' as const } : await this.bookings.findKey(organizationId, key);
    if (known.state === 'reused') throw new Problem('idempotency-key-reused');
    if (known.state === 'running') throw new Problem('idempotency-in-progress', { retryAfterMs: 1000 });
    if (known.state === 'answered') {
      void reply.code(known.status);
      return known.body as Body;
    }
    const answer = await work();
    if (key !== null) await this.bookings.answerKey(organizationId, key, answer);
    void reply.code(answer.status);
    return answer.body;
  }
}
