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
    /** Share of the processor time wanted meanwhile that the host of a virtual machine gave to others; 0 where nobody tells. */
    readonly stolen: number;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly runs: readonly unknown[];
}

const BEGAN = processorTime();

/** Since the start of the machine, in ticks (proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal). */
function processorTime(): { readonly worked: number; readonly stolen: number } {
  try {
    const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.split(/ +/).map(Number);
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = ticks;
    return { worked: user + nice + system + irq + softirq, stolen };
  } catch {
    // Not Linux.
    return { worked: 0, stolen: 0 };
  }
}

export function benchResult(
  name: string,
  versions: Record<string, string>,
  measured: Pick<BenchResult, 'metrics' | 'runs'>,
): BenchResult {
  const [cpu] = cpus();
  const now = processorTime();
  const stolen = now.stolen - BEGAN.stolen;
  return {
    name,
    at: new Date().toISOString(),
    machine: {
      cpus: cpu?.model ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
      stolen: round(stolen / Math.max(1, now.worked - BEGAN.worked + stolen)),
    },
    versions: { node: process.version, ...versions },
    metrics: Object.fromEntries(Object.entries(measured.metrics).map(([key, value]) => [key, round(value)])),
    runs: measured.runs,
  };
}

/** Options of a child process: as the worker is started (scripts/start-hub.mjs, docker-compose.yml). */
export function asWorker(): { readonly execArgv: string[]; readonly env: NodeJS.ProcessEnv } {
  return { execArgv: ['--max-semi-space-size=2'], env: { ...process.env, MALLOC_ARENA_MAX: '1' } };
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
