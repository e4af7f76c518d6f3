import type pg from 'pg';
import { newId, type Actor, type AppointmentRecord, type BookingAnswer, type ConflictRecord } from '#application';
import type { ConflictPolicy } from '#domain';
import { eventsOf, linkAgenda, openHub, type TestHub } from './hub.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';
import { createPractice, openPool, query, type Practice } from './practice.js';
import { openInHouse, type InHouseAgenda } from './remotes.js';

export const HOUR = 3_600_000;
export const MINUTE = 60_000;
/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
export const TEN = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 10 * 86_400_000 + 10 * HOUR;

/** A hub on a database of its own, and practices with an agenda at a simulator, one after another. */
export class Loop {
  practice!: Practice;
  remote!: InHouseAgenda;
  linkId = '';

  private constructor(
    readonly hub: TestHub,
    readonly pool: pg.Pool,
    private readonly database: TestDatabase,
  ) {}

  static async start(): Promise<Loop> {
    const database = await createTestDatabase();
    return new Loop(await openHub({ url: database.appUrl }), openPool(database.appUrl), database);
  }

  /** A new practice, whose agenda is linked under this policy and was read once. */
  async open(policy: ConflictPolicy = 'practitioner-wins'): Promise<void> {
    await (this.remote as InHouseAgenda | undefined)?.close();
    this.practice = await createPractice(this.pool);
    await this.hub.housekeeping.extendOpenings(this.practice.organization, this.practice.agenda);
    this.remote = await openInHouse();
    this.linkId = await linkAgenda(this.hub, this.practice, this.remote.account, { policy });
  }

  async stop(): Promise<void> {
    await this.hub.close();
    await (this.remote as InHouseAgenda | undefined)?.close();
    await this.pool.end();
    await this.database.drop();
  }

  actor(): Extract<Actor, { kind: 'collaborator' }> {
    return { kind: 'collaborator', id: this.practice.collaborator, key: newId() };
  }

  book(start: number, waitMs = 5000, id = newId()): Promise<BookingAnswer> {
    const { organization: organizationId, agenda: agendaId, motif: motifId } = this.practice;
    const patient = { lastName: 'Durand', firstName: 'Zoé' };
    const place = { organizationId, id, agendaId, motifId, start };
    return this.hub.booking.book({ ...place, patient, actor: this.actor(), key: null, waitMs });
  }

  /** Books, and says which appointment and which entry that gave. */
  async booked(start: number): Promise<{ appointment: AppointmentRecord; entry: string }> {
    const { record } = await this.book(start);
    const entry = (await this.remote.entries()).find(({ appointmentId }) => appointmentId === record?.id);
    if (record?.status !== 'confirmed' || entry === undefined) throw new Error('not booked');
    return { appointment: record, entry: entry.id };
  }

  move({ id, version }: AppointmentRecord, start: number, waitMs = 0): Promise<BookingAnswer> {
    const organizationId = this.practice.organization;
    return this.hub.booking.move({ organizationId, id, version, start, motifId: null, actor: this.actor(), waitMs });
  }

  cancel(id: string, waitMs = 5000): Promise<BookingAnswer> {
    const reason = { code: 'CANCELLED' } as const;
    const ref = { organizationId: this.practice.organization, id };
    return this.hub.booking.cancel({ ...ref, actor: this.actor(), waitMs, version: null, reason, key: null });
  }

  /** Reads, then writes what is due. */
  pull(sync: 'delta' | 'full' | 'none' = 'delta'): Promise<string> {
    const { organization: organizationId, agenda: agendaId } = this.practice;
    return this.hub.lanes.run({ organizationId, agendaId, sync });
  }

  async stands(id: string): Promise<AppointmentRecord> {
    const record = await this.hub.bookings.get({ organizationId: this.practice.organization, id });
    if (record === null) throw new Error('no such appointment');
    return record;
  }

  /** What stands in the practitioner's tool: start, and the appointment it is for. */
  async there(): Promise<[number, string | null][]> {
    const entries = await this.remote.entries();
    return entries.map(({ start, appointmentId }): [number, string | null] => [start, appointmentId]).sort();
  }

  conflicts(state: 'open' | 'resolved' | null = 'open'): Promise<readonly ConflictRecord[]> {
    const organizationId = this.practice.organization;
    return this.hub.conflicts.list({ organizationId, agendaIds: [], state, after: null, limit: 50 });
  }

  async callbacks(): Promise<string[]> {
    const organizationId = this.practice.organization;
    const all = { organizationId, agendaIds: [], state: null, after: null, limit: 50 };
    return (await this.hub.conflicts.callbacks(all)).map(({ reason }) => reason);
  }

  events(subject: string): Promise<string[]> {
    return eventsOf(this.hub, this.practice.organization, subject);
  }

  /** Nothing that was sent can land any more. */
  async timePasses(): Promise<void> {
    await this.sql(`UPDATE remote_write SET last_sent_at = last_sent_at - interval '5 minutes', due_at = now()`);
  }

  /** Rows of a query on the practice. */
  sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return query<Row>(this.pool, this.practice, text, values);
  }
}
