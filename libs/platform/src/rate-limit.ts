const MINUTE_MS = 60_000;
const MAX_BUCKETS = 50_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** What a caller is told about his budget (draft-ietf-httpapi-ratelimit-headers, the three-header form). */
export interface RateVerdict {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until the bucket is full again. */
  readonly resetSeconds: number;
  /** Milliseconds until the next request is allowed; 0 when it is. */
  readonly retryAfterMs: number;
}

/** A token bucket per caller in this process: a minute's budget, refilled steadily. */
export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly perMinute: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  take(caller: string): RateVerdict {
    const now = this.now();
    const bucket = this.bucketOf(caller, now);
    bucket.tokens = Math.min(this.perMinute, bucket.tokens + ((now - bucket.at) * this.perMinute) / MINUTE_MS);
    bucket.at = now;
    const allowed = bucket.tokens >= 1;
    if (allowed) bucket.tokens -= 1;
    const msFor = (tokens: number): number => (tokens * MINUTE_MS) / this.perMinute;
    return {
      allowed,
      limit: this.perMinute,
      remaining: Math.floor(bucket.tokens),
      resetSeconds: Math.ceil(msFor(this.perMinute - bucket.tokens) / 1000),
      retryAfterMs: allowed ? 0 : msFor(1 - bucket.tokens),
    };
  }

  private bucketOf(caller: string, now: number): Bucket {
    const known = this.buckets.get(caller);
    if (known) return known;
    if (this.buckets.size >= MAX_BUCKETS) this.forgetFull(now);
    const bucket = { tokens: this.perMinute, at: now };
    this.buckets.set(caller, bucket);
    return bucket;
  }

  /** A bucket untouched for a minute is full again: forgetting it changes nothing. */
  private forgetFull(now: number): void {
    for (const [caller, bucket] of this.buckets) if (now - bucket.at >= MINUTE_MS) this.buckets.delete(caller);
    const [oldest] = this.buckets.keys();
    if (this.buckets.size >= MAX_BUCKETS && oldest !== undefined) this.buckets.delete(oldest);
  }
}
