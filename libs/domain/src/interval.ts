/** A half-open interval `[start, end)` of instants, in milliseconds since the Unix epoch. Empty when `end <= start`. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** True when the two share an instant; touching intervals do not (RFC 4791 9.9 has the same convention). */
export function overlaps(a: Interval, b: Interval): boolean {
  return a.start < b.end && b.start < a.end;
}

/** True when `outer` covers the whole of `inner`. */
export function covers(outer: Interval, inner: Interval): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

/** The same instants with every overlap and touch merged, sorted by start; empty intervals are dropped. */
export function union(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals.filter((x) => x.start < x.end).sort((a, b) => a.start - b.start);
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of sorted) {
    const last = merged.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

/** What of `from` is not covered by `remove`; sorted, disjoint. */
export function subtract(from: readonly Interval[], remove: readonly Interval[]): Interval[] {
  const holes = union(remove);
  const rest: Interval[] = [];
  let next = 0;
  for (const { start, end } of union(from)) {
    let at = start;
    while (next < holes.length && (holes[next]?.end ?? at) <= at) next++;
    for (let i = next; i < holes.length; i++) {
      const hole = holes[i];
      if (hole === undefined || hole.start >= end) break;
      if (hole.start > at) rest.push({ start: at, end: hole.start });
      at = Math.max(at, hole.end);
    }
    if (at < end) rest.push({ start: at, end });
  }
  return rest;
}

/** What the two have in common; empty (`end <= start`) when that is nothing. */
export function common(a: Interval, b: Interval): Interval {
  return { start: Math.max(a.start, b.start), end: Math.min(a.end, b.end) };
}
