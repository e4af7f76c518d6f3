import type { FastifyInstance, FastifyReply } from 'fastify';

const MINUTE_MS = 60_000;
const BAN_MS = 15 * MINUTE_MS;
/** So many times the quota lead from 429 to the ban. */
const STUBBORN = 4;

const BANNED =
  '<!doctype html><html><head><title>Access denied</title></head><body><h1>Anti dDos</h1><p>Votre adresse a été bloquée.</p></body></html>';

/** What stands before the API and knows nothing of appointments: a counter, a ban, a waiting room. */
export class Wall {
  /** Seconds the waiting room asks for; `null` = it is closed. */
  waiting: number | null = null;
  readonly #counts = new Map<string, { minute: number; count: number }>();
  readonly #banned = new Map<string, number>();

  constructor(
    private readonly now: () => number,
    private readonly quota: () => number,
  ) {}

  reset(): void {
    this.waiting = null;
    this.#counts.clear();
    this.#banned.clear();
  }

  ban(address = '127.0.0.1'): void {
    this.#banned.set(address, this.now() + BAN_MS);
  }

  guard(scope: FastifyInstance): void {
    scope.addHook('onRequest', async (request, reply) => {
      const answer = this.#answer(request.ip, reply);
      if (answer === undefined) return undefined;
      return answer;
    });
  }

  #answer(address: string, reply: FastifyReply): FastifyReply | undefined {
    const count = this.#count(address);
    if (count > this.quota() * STUBBORN) this.ban(address);
    if ((this.#banned.get(address) ?? 0) > this.now())
      return reply.code(403).type('text/html; charset=utf-8').send(BANNED);
    if (count > this.quota()) return reply.code(429).header('retry-after', '30').send({ error: 'too_many_requests' });
    if (this.waiting === null) return undefined;
    return reply.code(200).type('text/html; charset=utf-8').send(waitingRoom(this.waiting));
  }

  #count(address: string): number {
    const minute = Math.floor(this.now() / MINUTE_MS);
    const last = this.#counts.get(address);
    const count = last?.minute === minute ? last.count + 1 : 1;
    this.#counts.set(address, { minute, count });
    return count;
  }
}

function waitingRoom(seconds: number): string {
  return `<!doctype html><html><head><title>File d’attente</title></head><body><p>Vous êtes dans la file d’attente.</p><input type="hidden" id="wait-time-value" value="${String(seconds)}"></body></html>`;
}
