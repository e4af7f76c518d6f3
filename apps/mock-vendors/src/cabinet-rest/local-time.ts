import { zoneClock } from '#domain';

/** The practice is in Paris, and its software knows no other time. */
export const ZONE = 'Europe/Paris';
const DAY_MS = 86_400_000;

function clock(around: number): ReturnType<typeof zoneClock> {
  return zoneClock(ZONE, { start: around - 3 * DAY_MS, end: around + 3 * DAY_MS });
}

/** `2027-06-07T09:00`. */
export function localOf(instant: number): string {
  return new Date(clock(instant).local(instant)).toISOString().slice(0, 16);
}

export function instantOf(local: string): number {
  const wall = Date.parse(`${local}:00Z`);
  return clock(wall).instant(wall);
}
