import type { FastifyInstance } from 'fastify';

/** What the shared server gives each vendor. */
export interface VendorContext {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** True: make the demonstration agendas. */
  readonly demo: boolean;
  /** Folder in which the vendor may keep its state; `null` = memory only. */
  readonly data: string | null;
}

/** One simulated backend; its routes live under `/<name>`. */
export interface Vendor {
  readonly name: string;
  register(scope: FastifyInstance, context: VendorContext): void;
}
