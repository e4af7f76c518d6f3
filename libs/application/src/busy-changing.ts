import type { BusyChangeCommand, BusyChangeRecord, BusyChanges } from './busy-ports.js';
import type { WriteThrough } from './write-through.js';

type Asked = Awaited<ReturnType<BusyChanges['ask']>>;

/** What became of a change of the practitioner's own time. `due`: his agenda has yet to be told. */
export type BusyChangeAnswer =
  { readonly outcome: 'asked'; readonly record: BusyChangeRecord } | Exclude<Asked, { readonly outcome: 'asked' }>;

/** Moves and cancels what stands in the practitioner's own agenda: noted here, carried there by the lane. */
export class BusyChanging {
  constructor(
    readonly store: BusyChanges,
    private readonly through: WriteThrough,
  ) {}

  /** Waits at most `waitMs` until it is done, or refused. */
  async change({ waitMs, ...command }: BusyChangeCommand & { readonly waitMs: number }): Promise<BusyChangeAnswer> {
    const asked = await this.store.ask(command);
    if (asked.outcome !== 'asked') return asked;
    const ref = { organizationId: command.organizationId, id: asked.id };
    const first = await this.store.get(ref);
    if (first === null) return { outcome: 'unknown' };
    const record = await this.through.carried(first, {
      organizationId: command.organizationId,
      waitMs,
      isOpen: ({ state }) => state === 'due',
      read: () => this.store.get(ref),
    });
    return { outcome: 'asked', record };
  }
}
