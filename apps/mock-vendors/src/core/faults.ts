import { z } from 'zod';
import { seededRandom } from './random.js';

/** What can be made to go wrong. The `push-*` kinds act on outgoing notifications, all others on requests. */
const KINDS = [
  'latency',
  'error',
  'html',
  'torn',
  'rate-limit',
  'reset',
  'hang',
  'lose-write',
  'partial-page',
  'push-lose',
  'push-duplicate',
  'push-reorder',
  'push-forge',
  'close',
  'body',
  'drift',
] as const;

export type FaultKind = (typeof KINDS)[number];

/** Names people ask for, and what they are made of. */
const ALIASES = {
  'drop-after-commit': { kind: 'reset', after: true },
  'hang-after-commit': { kind: 'hang', after: true },
} as const;

export const faultInput = z.strictObject({
  kind: z.enum([...KINDS, 'drop-after-commit', 'hang-after-commit']),
  /** Only requests of this method. */
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  /** Only routes whose pattern contains this text, for instance `/changes`. */
  route: z.string().optional(),
  /** Chance of firing on a match. */
  probability: z.number().min(0).max(1).default(1),
  /** Fires on every nth match. */
  nth: z.int().min(1).optional(),
  /** Number of firings after which the fault is gone. */
  times: z.int().min(1).optional(),
  /** True: the request is carried out first, and only the answer goes wrong. */
  after: z.boolean().default(false),
  status: z.int().min(400).max(599).default(500),
  ms: z.int().min(0).max(120_000).default(0),
  /** Where a `torn` answer ends: so many bytes from its beginning, or before its end when negative; half of it when left out. */
  bytes: z.int().optional(),
  /** What a `body` answers, with 200. */
  body: z.string().max(10_000).default(''),
  /** `Retry-After` of a `rate-limit` (2 when left out) or an `error` (none when left out). */
  retryAfterSeconds: z.int().min(0).optional(),
});

export type Fault = Omit<z.output<typeof faultInput>, 'kind'> & { readonly kind: FaultKind };

interface Armed {
  readonly fault: Fault;
  matches: number;
  fired: number;
}

/** What a fault is matched against. */
export interface Occasion {
  readonly method?: string;
  readonly route?: string;
}

/** The faults of one vendor, and the dice they are rolled with. */
export class Faults {
  #armed: Armed[] = [];
  #random = seededRandom(1);

  seed(seed: number): void {
    this.#random = seededRandom(seed);
  }

  add(input: z.output<typeof faultInput>): void {
    const alias =
      input.kind === 'drop-after-commit' || input.kind === 'hang-after-commit'
        ? ALIASES[input.kind]
        : { kind: input.kind };
    this.#armed.push({ fault: { ...input, ...alias }, matches: 0, fired: 0 });
  }

  clear(): void {
    this.#armed = [];
  }

  list(): readonly { readonly fault: Fault; readonly fired: number }[] {
    return this.#armed.map(({ fault, fired }) => ({ fault, fired }));
  }

  /** The first fault among `kinds` that fires now. */
  take(kinds: readonly FaultKind[], occasion: Occasion, after = false): Fault | undefined {
    for (const armed of this.#armed) {
      if (!kinds.includes(armed.fault.kind) || armed.fault.after !== after || !matches(armed.fault, occasion)) continue;
      if (this.#fires(armed)) return armed.fault;
    }
    return undefined;
  }

  #fires(armed: Armed): boolean {
    const { nth, probability, times } = armed.fault;
    armed.matches += 1;
    if (times !== undefined && armed.fired >= times) return false;
    if (nth !== undefined && armed.matches % nth !== 0) return false;
    if (probability < 1 && this.#random() >= probability) return false;
    armed.fired += 1;
    return true;
  }
}

function matches(fault: Fault, { method, route }: Occasion): boolean {
  if (fault.method !== undefined && fault.method !== method) return false;
  return fault.route === undefined || (route?.includes(fault.route) ?? false);
}
