import { appointmentOfReference } from '#application';
import { isLive } from '#domain';
import type { StoodOp } from '../support/history.js';
import { somePlace, type Clients } from './clients.js';
import { AGENDA } from './tables.js';
import type { Row, Writer } from './vendor.js';
import type { World } from './world.js';

/** The practitioner, and patients who book online at his vendor: what they do, they do there and without asking. */
export class Practitioner {
  private readonly standing = new Map<string, StoodOp>();
  private readonly taken = new Set<string>();

  constructor(
    private readonly world: World,
    private readonly clients: Clients,
  ) {}

  start(): void {
    const { scheduler, random } = this.world;
    const own = random.below(6);
    for (let index = 0; index < own; index += 1) {
      scheduler.quietly(random.between(0, 80_000), () => this.add());
      if (random.chance(0.5)) scheduler.quietly(random.between(10_000, 90_000), () => this.change(this.some(false)));
    }
    const touches = random.below(4);
    for (let index = 0; index < touches; index += 1)
      scheduler.quietly(random.between(5_000, 90_000), () => this.change(this.some(true)));
  }

  /** Keeps the record of what stood where, and shows him what has just appeared. */
  watch(id: string, row: Row | null, by: Writer): void {
    const before = this.standing.get(id);
    if (before) before.until = this.world.scheduler.now;
    this.standing.delete(id);
    if (row === null) return;
    const key = row.reference === null || this.taken.has(id) ? null : (this.keyOf(row.reference) ?? null);
    const [place, from] = [{ start: row.start, end: row.end }, this.world.scheduler.now];
    const op: StoodOp = { op: 'stood', agenda: AGENDA, id, key, ...place, from, until: Infinity, by };
    this.standing.set(id, op);
    this.world.history.push(op);
    if (by === 'hub' && before === undefined) this.sees(id, key);
  }

  /** One of ours has just appeared before his eyes. */
  private sees(id: string, key: string | null): void {
    const { scheduler, random, vendor } = this.world;
    const soon = (act: () => void): void => scheduler.quietly(random.between(0, 1_500), act);
    if (this.world.fails(0.05)) soon(() => this.change(vendor.rows.get(id)));
    if (this.world.fails(0.05)) soon(() => this.add(vendor.rows.get(id)));
    if (key !== null && this.world.fails(0.1))
      scheduler.at(random.between(0, 600), () => void this.clients.cancel(key));
  }

  /** True for what a late write of ours left in his tool after the booking had ended, and he then moved: it is his now. */
  hasMadeHisOwn(id: string): boolean {
    return this.taken.has(id);
  }

  /** The booking that a row of ours stands for. */
  keyOf(reference: string): string | undefined {
    return this.clients.keyOf.get(appointmentOfReference(reference) ?? '');
  }

  /** An event of his own, on top of ours if need be. */
  private add(on?: Row): void {
    const { vendor } = this.world;
    const place = on === undefined ? somePlace(this.world) : { start: on.start, end: on.end };
    if (!vendor.accepts(place, null)) return;
    vendor.create(null, { ...place, summary: 'private' });
  }

  private change(row: Row | undefined): void {
    if (row === undefined) return;
    const { vendor, random } = this.world;
    const to = somePlace(this.world);
    const remove = random.chance(0.4);
    if (!remove && !vendor.accepts(to, row.id)) return;
    if (row.reference !== null) {
      if (!remove && this.isOver(row.reference)) this.taken.add(row.id);
      const touch = { key: this.keyOf(row.reference) ?? '', at: this.world.scheduler.now, to: remove ? null : to };
      this.world.history.push({ op: 'touch', ...touch });
    }
    if (remove) vendor.remove(row.id, null, 'practitioner');
    else vendor.update(row.id, null, { ...to, by: 'practitioner' });
  }

  private isOver(reference: string): boolean {
    const appointment = this.world.database.tables.appointments.get(appointmentOfReference(reference) ?? '');
    return appointment === undefined || !isLive(appointment.status);
  }

  private some(ours: boolean): Row | undefined {
    return this.world.random.pick(
      [...this.world.vendor.rows.values()].filter(({ reference }) => (reference !== null) === ours),
    );
  }
}
