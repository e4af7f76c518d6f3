import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import {
  newId,
  RuntimeEffects,
  WaitingList,
  WaitingLooks,
  WriteThrough,
  type Actor,
  type Patient,
  type WaitingEntry,
  type WaitingOffer,
  type WaitingWish,
} from '#application';
import { PgWaitingEntries, PgWaitingOffers } from '#persistence';
import type { TestHub } from './hub.js';
import { inTenant, type Practice } from './practice.js';
import { testVault } from './test-vault.js';

export const MINUTE = 60_000;
const DAY = 86_400_000;
/** Tomorrow at 09:00 UTC: inside every search, and never in the past. */
export const NINE = Math.floor(Date.now() / DAY) * DAY + DAY + 9 * 60 * MINUTE;

export const ANNE: Patient = { lastName: 'Lefèvre', firstName: 'Anne', birthDate: '1980-05-31' };
export const PAUL: Patient = { lastName: 'Durand', firstName: 'Paul', birthDate: '1971-02-03' };

const ANY = { weekdays: [], parts: [], from: null, to: null };

/** The waiting list of one practice, and any number of workers. */
export class Waiting {
  readonly entries: PgWaitingEntries;
  readonly offers: PgWaitingOffers;
  readonly list: WaitingList;

  constructor(
    private readonly hub: TestHub,
    private readonly pool: pg.Pool,
    readonly practice: Practice,
  ) {
    const vault = testVault(hub.database);
    this.entries = new PgWaitingEntries(hub.database, vault);
    this.offers = new PgWaitingOffers(hub.database, vault);
    this.list = new WaitingList({ entries: this.entries, offers: this.offers, booking: hub.booking });
  }

  get agenda(): { organizationId: string; agendaId: string } {
    return { organizationId: this.practice.organization, agendaId: this.practice.agenda };
  }

  get actor(): Extract<Actor, { kind: 'collaborator' }> {
    return { kind: 'collaborator', id: this.practice.collaborator, key: newId() };
  }

  /** A worker of its own; `bookings` lets a test stand between it and the database. */
  worker(bookings = this.hub.bookings): WaitingLooks {
    const { calendar, lanes, holds } = this.hub;
    const effects = new RuntimeEffects();
    const alarm = { wake: () => Promise.resolve() };
    const through = new WriteThrough({ bookings, lanes, alarm, effects });
    const parts = { offers: this.offers, bookings, calendar, through, effects };
    return new WaitingLooks(holds === null ? parts : { ...parts, holds });
  }

  /** What is due, done by one worker. */
  async work(): Promise<void> {
    for (let round = 0; round < 5; round += 1) {
      const due = await this.hub.due.vacancies(500);
      if (!due.some(({ agendaId }) => agendaId === this.practice.agenda)) return;
      await this.worker().look(this.agenda);
    }
  }

  /** Opens the agenda at these half-open times, and at no other. */
  async openAt(...times: readonly (readonly [number, number])[]): Promise<void> {
    await this.sql('DELETE FROM opening_occurrence');
    for (const [start, end] of times)
      await this.sql(
        `INSERT INTO opening_occurrence (organization_id, opening_id, agenda_id, during)
         SELECT organization_id, id, agenda_id, tstzrange(to_timestamp($1::numeric / 1000), to_timestamp($2::numeric / 1000)) FROM opening WHERE agenda_id = $3`,
        [start, end, this.practice.agenda],
      );
  }

  async enter(patient: Patient, wish: Partial<WaitingWish> = {}): Promise<string> {
    const { organization, motif, agenda } = this.practice;
    const places = {
      motifIds: [motif],
      agendaIds: [agenda],
      availability: ANY,
      priority: 'routine',
      deadline: null,
    } as const;
    const who = { organizationId: organization, id: newId(), audience: 'SECRETARIAT', actor: this.actor } as const;
    const key = { key: randomUUID(), hash: Buffer.alloc(32) };
    const made = await this.entries.create({ ...places, ...who, patient, ...wish }, key);
    if (made.outcome !== 'created') throw new Error(JSON.stringify(made));
    return made.id;
  }

  async entry(id: string): Promise<WaitingEntry> {
    const entry = await this.entries.get({ organizationId: this.practice.organization, id });
    if (entry === null) throw new Error('no such entry');
    return entry;
  }

  /** Offers in the order they were made, open ones first of all states asked for. */
  shown(...states: readonly WaitingOffer['state'][]): Promise<readonly WaitingOffer[]> {
    const all = { organizationId: this.practice.organization, agendaIds: [], after: null, limit: 100 };
    return this.offers.list({ ...all, states: states.length === 0 ? ['open'] : states });
  }

  /** Books as a secretary does, not for anybody who waits. */
  async book(start: number, patient: Patient): Promise<string> {
    const { organization: organizationId, agenda: agendaId, motif: motifId } = this.practice;
    const request = {
      organizationId,
      actor: this.actor,
      waitMs: 5_000,
      key: null,
      id: newId(),
      agendaId,
      motifId,
      start,
    };
    const answer = await this.hub.booking.book({ ...request, patient });
    if (answer.outcome !== 'booked') throw new Error(JSON.stringify(answer));
    return answer.record.id;
  }

  async cancel(id: string): Promise<void> {
    const request = { organizationId: this.practice.organization, id, actor: this.actor, waitMs: 5_000, key: null };
    const answer = await this.hub.booking.cancel({ ...request, version: null, reason: { code: 'CANCELLED' } });
    if (answer.outcome !== 'booked') throw new Error(JSON.stringify(answer));
  }

  accept(id: string): ReturnType<WaitingList['accept']> {
    const key = { key: randomUUID(), hash: Buffer.alloc(32) };
    const request = { organizationId: this.practice.organization, id, actor: this.actor, waitMs: 5_000, key };
    return this.list.accept({ ...request, terms: { audience: 'SECRETARIAT' } });
  }

  refuse(id: string): ReturnType<WaitingList['refuse']> {
    return this.list.refuse({ organizationId: this.practice.organization, id }, this.actor);
  }

  /** Time passes, and the hold of an offer ends. */
  async lapse(id: string): Promise<void> {
    await this.sql(`UPDATE appointment SET hold_until = now() - interval '1 second' WHERE id = $1`, [id]);
    await this.sql(`UPDATE waiting_offer SET hold_until = now() - interval '1 second' WHERE id = $1`, [id]);
    await this.hub.housekeeping.expireHolds(this.practice.organization, this.practice.agenda);
  }

  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const { organization } = this.practice;
    return inTenant(this.pool, organization, async (client) => (await client.query<Row>(text, values)).rows);
  }
}
