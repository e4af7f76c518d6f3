import type { Metrics } from '#platform';
import { Gauge, Histogram } from 'prom-client';
import type { WorkersState } from '#queue';

/** What the jobs of this process took, and whether it takes jobs. */
export class JobMetrics {
  private readonly durations: Histogram<'job' | 'outcome'>;

  constructor(private readonly metrics: Metrics) {
    this.durations = new Histogram({
      name: 'job_duration_seconds',
      help: 'Time a job took, by its kind and whether it threw.',
      labelNames: ['job', 'outcome'],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
      registers: [metrics.registry],
    });
  }

  async timed(job: string, run: () => Promise<void>): Promise<void> {
    const end = this.durations.startTimer({ job });
    let outcome = 'failed';
    try {
      await run();
      outcome = 'done';
    } finally {
      end({ outcome });
    }
  }

  watchWorkers(state: () => WorkersState): void {
    new Gauge({
      name: 'queue_workers_running',
      help: '1 while this process takes jobs from the queue.',
      registers: [this.metrics.registry],
      collect() {
        this.set(state() === 'running' ? 1 : 0);
      },
    });
  }
}
