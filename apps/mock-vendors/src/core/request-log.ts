import type { FastifyInstance } from 'fastify';

/** One answered request; never its content. */
export interface LoggedRequest {
  readonly method: string;
  readonly route: string;
  readonly url: string;
  readonly status: number;
}

const KEPT = 5_000;

/** Counts requests by route and keeps the latest ones. */
export class RequestLog {
  #counts = new Map<string, number>();
  #recent: LoggedRequest[] = [];

  watch(scope: FastifyInstance): void {
    scope.addHook('onRequest', (request, _reply, done) => {
      const key = `${request.method} ${request.routeOptions.url ?? '?'}`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      done();
    });
    scope.addHook('onResponse', (request, reply, done) => {
      const { method, url } = request;
      this.#recent.push({ method, url, route: request.routeOptions.url ?? '?', status: reply.statusCode });
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
