import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** One number per thing measured; every bench prints one of these. */
export interface BenchResult {
  readonly name: string;
  readonly at: string;
  readonly machine: {
    readonly cpus: string;
    readonly cores: number;
    readonly memoryGb: number;
    readonly kernel: string;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly runs: readonly unknown[];
}

export function benchResult(
  name: string,
  versions: Record<string, string>,
  measured: Pick<BenchResult, 'metrics' | 'runs'>,
): BenchResult {
  const [cpu] = cpus();
  return {
    name,
    at: new Date().toISOString(),
    machine: {
      cpus: cpu?.model ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
    },
    versions: { node: process.version, ...versions },
    metrics: Object.fromEntries(Object.entries(measured.metrics).map(([key, value]) => [key, round(value)])),
    runs: measured.runs,
  };
}

/** Highest resident memory of a process; not that of `resourceUsage`, which a process inherits from whoever started it. */
export function residentPeakMb(pid: number | 'self' = 'self'): number {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    // It has ended.
    return 0;
  }
}

export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** What `clients` workers did in `seconds`, each asking again as soon as it was answered. */
export interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly count: number;
}

export async function load(clients: number, seconds: number, once: (client: number) => Promise<void>): Promise<Load> {
  const times: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  const worker = async (client: number): Promise<void> => {
    while (performance.now() < end) {
      const from = performance.now();
      await once(client);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => worker(client)));
  const elapsed = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  return {
    perSecond: round(times.length / elapsed),
    p50: round(percentile(times, 0.5)),
    p95: round(percentile(times, 0.95)),
    p99: round(percentile(times, 0.99)),
    count: times.length,
  };
}
