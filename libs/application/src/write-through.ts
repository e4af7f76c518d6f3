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
  async settled(ref: AppointmentRef, placed: AppointmentRecord, waitMs: number): Promise<AppointmentRecord> {
    const { effects, lanes, bookings } = this.parts;
    const end = effects.now() + waitMs;
    let record = placed;
    while (OPEN.has(record.status) && !awaitsAcceptance(record)) {
      const left = end - effects.now();
      if (left <= 0) {
        await this.wakeWorker(ref.organizationId, record.agendaId);
        return record;
      }
      const run = lanes.run({ organizationId: ref.organizationId, agendaId: record.agendaId, sync: 'none' });
      await this.within(run, left);
      record = (await bookings.get(ref)) ?? record;
      if (OPEN.has(record.status) && !awaitsAcceptance(record))
        await effects.sleep(Math.min(LOOK_MS, Math.max(0, end - effects.now())));
    }
    return record;
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
