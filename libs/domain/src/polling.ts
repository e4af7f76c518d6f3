/** What decides when an agenda is polled next. All times in milliseconds. */
export interface PollConditions {
  /** Since the agenda was last searched, held or booked; `null` = never. */
  readonly wantedMs: number | null;
  /** True when the pull that just ended found changes. */
  readonly changed: boolean;
  /** True while the backend pushes hints: polling is then only the net beneath. */
  readonly pushed: boolean;
  /** True while deletions wait for a person: reading them again sooner helps nobody. */
  readonly braked: boolean;
  /** Hour of day where the agenda is, 0 to 23. */
  readonly localHour: number;
  /** Age beyond which the hub's copy counts as stale: looked after while somebody asks for the agenda. */
  readonly staleAfterMs: number;
  /** Links that share the connection, this one included. */
  readonly links: number;
  /** Calls per minute the backend allows on the connection; `null` = none published. */
  readonly rateLimit: number | null;
  /** Since the backend last said that it was asked too often; `null` = never. */
  readonly throttledMs: number | null;
  /** Uniform in [0, 1): spreads agendas that were read together. */
  readonly spread: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Somebody is on the phone about this agenda. */
const WANTED_FOR_MS = 5 * MINUTE;
const WANTED_POLL_MS = 5 * SECOND;
const PUSHED_POLL_MS = 20 * SECOND;
/** It was busy a moment ago. */
const LIVELY_FOR_MS = 30 * MINUTE;
const LIVELY_POLL_MS = 10 * SECOND;
const QUIET_POLL_MS = 5 * MINUTE;
const NIGHT_POLL_MS = 15 * MINUTE;
const BRAKED_POLL_MS = 5 * MINUTE;
const NIGHT = { from: 21, to: 6 };
/** Share of the published rate that polling may use; the rest is for bookings. */
const POLLING_SHARE = 0.5;
const THROTTLED = [
  { forMs: 10 * MINUTE, factor: 4 },
  { forMs: 60 * MINUTE, factor: 2 },
];
const JITTER = 0.1;

/**
 * Milliseconds until the next poll of a link: seconds while somebody books on it, so that the copy does not turn stale
 * for want of asking unless the backend's rate allows no more; minutes when it is quiet, longer at night. A quiet
 * agenda's copy may turn stale: it is shown as that, read at once when somebody asks for it, and before it is booked on.
 */
export function nextPollMs(conditions: PollConditions): number {
  const wished = conditions.braked ? BRAKED_POLL_MS : wish(conditions);
  const slowed = wished * slowdown(conditions.throttledMs);
  return Math.round(Math.max(slowed, budget(conditions)) * (1 - JITTER + JITTER * conditions.spread));
}

function wish({ wantedMs, changed, pushed, localHour, staleAfterMs }: PollConditions): number {
  const wanted = wantedMs ?? Infinity;
  if (wanted < WANTED_FOR_MS) return Math.min(pushed ? PUSHED_POLL_MS : WANTED_POLL_MS, staleAfterMs / 2);
  if (changed || wanted < LIVELY_FOR_MS) return Math.min(pushed ? PUSHED_POLL_MS : LIVELY_POLL_MS, staleAfterMs / 2);
  return localHour >= NIGHT.from || localHour < NIGHT.to ? NIGHT_POLL_MS : QUIET_POLL_MS;
}

function slowdown(throttledMs: number | null): number {
  return THROTTLED.find(({ forMs }) => throttledMs !== null && throttledMs < forMs)?.factor ?? 1;
}

/** All links of a connection together stay within its rate; a poll is one call at least. Made up for the jitter. */
function budget({ links, rateLimit }: PollConditions): number {
  return rateLimit === null ? 0 : (links * MINUTE) / (rateLimit * POLLING_SHARE) / (1 - JITTER);
}
