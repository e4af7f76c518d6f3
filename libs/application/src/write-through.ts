import type { LaneOutcome, LaneRunner } from './lane-runner.js';
import { awaitsAcceptance, type AppointmentRecord } from './model.js';
import { drainLane, type Alarm } from './jobs.js';
import type { AppointmentRef, Bookings, Effects, PlaceResult } from './ports.js';

const OPEN: ReadonlySet<string> = new Set(['pending', 'unknown', 'compensating']);
/** How often an appointment is looked at while another process carries it out. */
const LOOK_MS = 50;
/** Longest a booking waits for a stale agenda to be read again. */
const FRESHEN_MS = 4_000;

/** The request itself tries the remote side, within its caller's patience; what it cannot finish, a worker does. */
export class WriteThrough {
  constructor(private readonly parts: { bookings: Bookings; lanes: LaneRunner; alarm: Alarm; effects: Effects }) {}

  /**
   * Takes a claim; when the copy of the practitioner's agenda is too old, reads that agenda first. Where another process
   * reads it already, that is waited for.
   */
  async fresh(
    request: { organizationId: string; waitMs: number },
    take: (acceptStale: boolean) => Promise<PlaceResult>,
  ): Promise<PlaceResult> {
    const result = await take(false);
    if (result.outcome !== 'stale-copy') return result;
    const { agendaId, whenUnreachable } = result;
    const { effects, lanes } = this.parts;
    const end = effects.now() + Math.min(FRESHEN_MS, Math.max(request.waitMs, LOOK_MS));
    for (;;) {
      const read = lanes.run({ organizationId: request.organizationId, agendaId, sync: 'delta', awaited: true });
      const ran = await this.within(read, end - effects.now());
      const last = ran !== 'busy' || effects.now() >= end;
      const again = await take(last && whenUnreachable === 'queue');
      if (last || again.outcome !== 'stale-copy') return again;
      await effects.sleep(Math.max(0, Math.min(LOOK_MS, end - effects.now())));
    }
  }

  /**
   * Waits until the appointment is certain, or a request that is answered later; carries it out where this process can; at
   * most `waitMs`.
   */
  settled(ref: AppointmentRef, placed: AppointmentRecord, waitMs: number): Promise<AppointmentRecord> {
    const isOpen = (record: AppointmentRecord): boolean => OPEN.has(record.status) && !awaitsAcceptance(record);
    const read = (): Promise<AppointmentRecord | null> => this.parts.bookings.get(ref);
    return this.carried(placed, { organizationId: ref.organizationId, isOpen, read, waitMs });
  }

  /** Waits until what stands in the lane of an agenda is no longer open, likewise. */
  async carried<Written extends { readonly agendaId: string }>(
    first: Written,
    until: {
      readonly organizationId: string;
      readonly waitMs: number;
      isOpen(written: Written): boolean;
      read(): Promise<Written | null>;
    },
  ): Promise<Written> {
    const { effects, lanes } = this.parts;
    const { organizationId, waitMs } = until;
    const end = effects.now() + waitMs;
    let written = first;
    while (until.isOpen(written)) {
      const left = end - effects.now();
      if (left <= 0) {
        await this.wakeWorker(organizationId, written.agendaId);
        return written;
      }
      await this.within(lanes.run({ organizationId, agendaId: written.agendaId, sync: 'none' }), left);
      written = (await until.read()) ?? written;
      if (until.isOpen(written)) await effects.sleep(Math.min(LOOK_MS, Math.max(0, end - effects.now())));
    }
    return written;
  }

  now(): number {
    return this.parts.effects.now();
  }

  /** What came of the run; `null` when it takes longer. */
  private within(run: Promise<LaneOutcome>, ms: number): Promise<LaneOutcome | null> {
    return Promise.race([run, this.parts.effects.sleep(Math.max(0, ms)).then(() => null)]);
  }

  /** A worker that is not woken finds the write at its next tick. */
  private async wakeWorker(organizationId: string, agendaId: string): Promise<void> {
    await this.parts.alarm.wake(drainLane, { organizationId, agendaId }).catch(() => undefined);
  }
}
