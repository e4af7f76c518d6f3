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

/** Tells what changes something from what only asks. */
export type IsWrite = (request: { readonly method: string; readonly target: string }) => boolean;

/** Arms one of them. `part`: the answer of a listing that breaks off, counted from 1. */
export function armOnTheWay(
  proxy: DavProxy,
  name: HazardName,
  part: number,
  isWrite: IsWrite = ({ method }) => WRITES.has(method),
): void {
  let reads = 0;
  let armed = true;
  proxy.interfere = (request) => {
    if (name === 'slow') return { heldUpMs: SLOW_MS };
    if (name === 'half-page') return !isWrite(request) && ++reads === part ? 'tear' : undefined;
    if (!armed || !isWrite(request)) return undefined;
    armed = false;
    return name === 'duplicate-write' ? 'twice' : { heldUpMs: LATE_MS };
  };
}
