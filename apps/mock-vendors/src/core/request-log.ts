import type { FastifyInstance, FastifyRequest } from 'fastify';

/** One answered request; never its content. */
export interface LoggedRequest {
  readonly method: string;
  readonly route: string;
  readonly url: string;
  readonly status: number;
  /** When it came and when it was answered, epoch milliseconds. */
  readonly came: number;
  readonly answered: number;
}

const KEPT = 5_000;

/** Counts requests by route and keeps the latest ones. */
export class RequestLog {
  #counts = new Map<string, number>();
  #recent: LoggedRequest[] = [];
  readonly #came = new WeakMap<FastifyRequest, number>();

  watch(scope: FastifyInstance): void {
    scope.addHook('onRequest', (request, _reply, done) => {
      this.#came.set(request, Date.now());
      const key = `${request.method} ${request.routeOptions.url ?? '?'}`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      done();
    });
    scope.addHook('onResponse', (request, reply, done) => {
      const { method, url } = request;
      const answered = Date.now();
      const when = { came: this.#came.get(request) ?? answered, answered };
      this.#recent.push({ method, url, route: request.routeOptions.url ?? '?', status: reply.statusCode, ...when });
      if (this.#recent.length > KEPT) this.#recent.splice(0, KEPT / 2);
      done();
    });
  }

  clear(): void {
    this.#counts.clear();
    this.#recent = [];
  }

  read(): { readonly counts: Readonly<Record<string, number>>; readonly recent: readonly LoggedRequest[] } {
    return { counts: Object.fromEntries(this.#counts), recent: [...this.#recent] };
  }
}
