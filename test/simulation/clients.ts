import { StoreUnavailable, type AppointmentRecord, type BookingAnswer, type RequestKey } from '#application';
import type { BookOp, CancelOp, MoveOp, Told } from '../support/history.js';
import { EPOCH } from './host.js';
import { AGENDA, COLLABORATOR, MOTIF, ORGANIZATION, PATIENT } from './tables.js';
import type { HubProcess, World } from './world.js';

const MINUTE = 60_000;
export const VISIT_MS = 20 * MINUTE;
const FIRST_VISIT = EPOCH + 49 * 60 * MINUTE;
const PLACES = 10;
const CALLER_PATIENCE_MS = 10_000;
const RETRIES = 3;
const OPEN: ReadonlySet<string> = new Set(['pending', 'unknown', 'compensating']);
const ACTOR = { kind: 'collaborator', id: COLLABORATOR, key: 'simulated' } as const;

/** A visit that collides with few others. */
export function somePlace(world: World): { start: number; end: number } {
  const start = FIRST_VISIT + (VISIT_MS / 2) * world.random.below(PLACES);
  return { start, end: start + VISIT_MS };
}

/** Secretaries: they hold, book, move and cancel, each through whatever process answers, and note what they are told. */
export class Clients {
  /** Which booking an appointment stands for. */
  readonly keyOf = new Map<string, string>();
  private readonly idOf = new Map<string, string>();
  private ids = 0;

  constructor(private readonly world: World) {}

  start(bookings: number): void {
    const { scheduler, random } = this.world;
    for (let index = 0; index < bookings; index += 1) {
      const key = `k${index}`;
      scheduler.at(
        random.between(0, 60_000),
        () => void (random.chance(0.2) ? this.holdThenBook(key) : this.book(key)),
      );
      if (random.chance(0.3)) scheduler.at(random.between(5_000, 75_000), () => void this.cancel(key));
      if (random.chance(0.4)) scheduler.at(random.between(10_000, 80_000), () => void this.move(key));
      if (random.chance(0.2)) scheduler.at(random.between(20_000, 90_000), () => void this.move(key));
    }
  }

  async cancel(key: string): Promise<void> {
    for (let attempt = 0; attempt < RETRIES; attempt += 1) {
      const id = this.idOf.get(key);
      if (id === undefined) return;
      const op: CancelOp = this.noted({
        op: 'cancel',
        key,
        t0: this.world.scheduler.now,
        t1: Infinity,
        outcome: 'unknown',
      });
      const request = { ...this.request(), id, version: null, reason: { code: 'CANCELLED' }, key: null } as const;
      const answer = await this.ask(({ booking }) => booking.cancel(request));
      if (answer === null) continue;
      if (answer.outcome === 'refused') return this.told(op, 'fail');
      const record = await this.settled(answer.record);
      return this.told(
        op,
        record !== null && ['cancelled', 'refused', 'expired'].includes(record.status) ? 'ok' : 'unknown',
      );
    }
  }

  private async holdThenBook(key: string): Promise<void> {
    const holdId = this.newId(key);
    const { start } = somePlace(this.world);
    const wanted = {
      ...this.request(),
      id: holdId,
      agendaId: AGENDA,
      motifId: MOTIF,
      start,
      holdSeconds: 30,
      key: requestKey(`hold ${key}`),
    };
    const held = await this.ask(({ booking }) => booking.hold(wanted));
    if (held?.outcome !== 'booked') return;
    await this.world.scheduler.sleep(this.world.random.between(100, 40_000));
    const request = { holdId, patient: PATIENT, key: requestKey(key) };
    await this.untilTold(key, start, (host) => host.booking.bookHold({ ...this.request(), ...request }));
  }

  private async book(key: string): Promise<void> {
    const { start } = somePlace(this.world);
    const wanted = { agendaId: AGENDA, motifId: MOTIF, start, patient: PATIENT, key: requestKey(key) };
    await this.untilTold(key, start, (host) =>
      host.booking.book({ ...this.request(), ...wanted, id: this.newId(key) }),
    );
  }

  private async untilTold(
    key: string,
    start: number,
    ask: (host: HubProcess) => Promise<BookingAnswer>,
  ): Promise<void> {
    for (let attempt = 0; attempt <= RETRIES; attempt += 1) {
      const op: BookOp = this.noted({
        op: 'book',
        key,
        agenda: AGENDA,
        start,
        end: start + VISIT_MS,
        t0: this.world.scheduler.now,
        t1: Infinity,
        outcome: 'unknown',
      });
      const answer = await this.ask(ask);
      if (answer?.outcome === 'booked') {
        const record = await this.settled(answer.record);
        if (record === null) return;
        op.id = record.id;
        return this.told(
          op,
          record.status === 'confirmed' ? 'ok' : ['refused', 'expired'].includes(record.status) ? 'fail' : 'unknown',
        );
      }
      const certain = answer !== null && answer.problem !== 'idempotency-in-progress';
      if (certain) this.told(op, 'fail');
      if (certain && answer.status !== 503) return;
      await this.world.scheduler.sleep(this.world.random.between(500, 3_500));
    }
  }

  private async move(key: string): Promise<void> {
    const id = this.idOf.get(key);
    const before =
      id === undefined ? null : await this.ask(({ bookings }) => bookings.get({ organizationId: ORGANIZATION, id }));
    if (id === undefined || before?.status !== 'confirmed') return;
    const { start } = somePlace(this.world);
    const op: MoveOp = this.noted({
      op: 'move',
      key,
      start,
      end: start + VISIT_MS,
      t0: this.world.scheduler.now,
      t1: Infinity,
      outcome: 'unknown',
    });
    const answer = await this.ask(({ booking }) =>
      booking.move({ ...this.request(), id, version: before.version, start, motifId: null }),
    );
    if (answer === null) return;
    if (answer.outcome === 'refused') return this.told(op, 'fail');
    const record = await this.settled(answer.record);
    if (record?.status !== 'confirmed') return;
    if (record.start === start) this.told(op, 'ok');
    else if (record.start === before.start) this.told(op, 'fail');
  }

  /** What became of an answer that could not promise anything yet. */
  private async settled(given: AppointmentRecord): Promise<AppointmentRecord | null> {
    let record: AppointmentRecord | null = given;
    while (record === null || OPEN.has(record.status)) {
      await this.world.scheduler.sleep(4_000);
      record = await this.ask(({ bookings }) => bookings.get({ organizationId: ORGANIZATION, id: given.id }));
    }
    return record;
  }

  /** One HTTP request; `null` when no answer came. */
  private ask<T>(work: (host: HubProcess) => Promise<T>): Promise<T | null> {
    const { scheduler } = this.world;
    return new Promise((resolve) => {
      let open = true;
      const close = (answer: T | null): void => {
        if (!open) return;
        open = false;
        scheduler.wakes();
        resolve(answer);
      };
      const arrives = (answer: T | null): void => scheduler.quietly(5, () => close(answer));
      scheduler.quietly(CALLER_PATIENCE_MS, () => close(null));
      scheduler.at(5, () => {
        const host = this.world.host();
        if (host === undefined) return arrives(null);
        work(host).then(
          (answer) => (this.world.fails(0.02) ? undefined : arrives(answer)),
          (error: unknown) => (error instanceof StoreUnavailable ? arrives(null) : scheduler.fail(error)),
        );
      });
    });
  }

  private told(op: BookOp | CancelOp | MoveOp, outcome: Told): void {
    op.outcome = outcome;
    op.t1 = this.world.scheduler.now;
  }

  private noted<Op extends BookOp | CancelOp | MoveOp>(op: Op): Op {
    this.world.history.push(op);
    return op;
  }

  private request(): { organizationId: string; actor: typeof ACTOR; waitMs: number } {
    return {
      organizationId: ORGANIZATION,
      actor: ACTOR,
      waitMs: this.world.random.chance(0.5) ? 5_000 : this.world.random.between(0, 1_500),
    };
  }

  /** The id that a request proposes; with retries of one key, the first that arrives counts. */
  private newId(key: string): string {
    this.ids += 1;
    const id = `00000000-0000-4000-8000-${this.ids.toString(16).padStart(12, '0')}`;
    this.keyOf.set(id, key);
    this.idOf.set(key, id);
    return id;
  }
}

function requestKey(key: string): RequestKey {
  return { key, hash: Buffer.from(key) };
}
