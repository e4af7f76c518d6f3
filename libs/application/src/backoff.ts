/** Longest wait between two attempts: what was promised must settle within a minute of the backend's recovery. */
const LONGEST_MS = 20_000;

/** Exponential with jitter; never shorter than what the backend asked for. `random` is uniform in [0, 1). */
export function backoffMs(failures: number, random: number, retryAfterMs = 0): number {
  const ceiling = Math.min(LONGEST_MS, 500 * 2 ** Math.min(failures, 10));
  return Math.max(retryAfterMs, Math.round(ceiling * (0.5 + random / 2)));
}
