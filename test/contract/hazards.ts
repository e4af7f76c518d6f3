import { LATE_MS, type HazardName } from '#connector-testkit';
import type { DavProxy } from '../support/dav-proxy.js';

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const SLOW_MS = 300;

/** Hazards that a relay in front of any backend can bring about. */
export const ON_THE_WAY = [
  'slow',
  'half-page',
  'duplicate-write',
  'late-write',
] as const satisfies readonly HazardName[];

/** Arms one of them. `part`: the answer of a listing that breaks off, counted from 1. */
export function armOnTheWay(proxy: DavProxy, name: HazardName, part: number): void {
  let reads = 0;
  let armed = true;
  proxy.interfere = ({ method }) => {
    if (name === 'slow') return { heldUpMs: SLOW_MS };
    if (name === 'half-page') return !WRITES.has(method) && ++reads === part ? 'tear' : undefined;
    if (!armed || !WRITES.has(method)) return undefined;
    armed = false;
    return name === 'duplicate-write' ? 'twice' : { heldUpMs: LATE_MS };
  };
}
