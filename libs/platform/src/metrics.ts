import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** How busy a database pool is. */
export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
}

/** Prometheus metrics of this process: never a tenant, a person or a path with ids in a label. */
export class Metrics {
  readonly registry = new Registry();
  private readonly requests: Histogram<'method' | 'route' | 'status'>;

  constructor(process: string) {
    this.registry.setDefaultLabels({ process });
    collectDefaultMetrics({ register: this.registry });
    this.requests = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time to answer a request, by route template.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [this.registry],
    });
  }

  requestAnswered(request: { method: string; route: string; status: number }, milliseconds: number): void {
    this.requests.observe(
      { method: request.method, route: request.route, status: String(request.status) },
      milliseconds / 1000,
    );
  }

  /** Reads the pool at every scrape. */
  watchPool(stats: () => PoolStats): void {
    new Gauge({
      name: 'database_pool_connections',
      help: 'Database connections of this process, and requests that wait for one.',
      labelNames: ['state'],
      registers: [this.registry],
      collect() {
        const { total, idle, waiting } = stats();
        this.set({ state: 'used' }, total - idle);
        this.set({ state: 'idle' }, idle);
        this.set({ state: 'waiting' }, waiting);
      },
    });
  }

  /** Reads at every scrape whether the key service did what it was last asked. */
  watchKeyService(isUp: () => boolean): void {
    new Gauge({
      name: 'key_service_up',
      help: '1: the key management service did what it was last asked; 0: it did not.',
      registers: [this.registry],
      collect() {
        this.set(isUp() ? 1 : 0);
      },
    });
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
