import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { newId, type Actor, type AppointmentRecord, type BookingAnswer } from '#application';
import { CalendarApplication } from '../support/caldav-client.js';
import { DavProxy } from '../support/dav-proxy.js';
import type { DavServer } from '../support/dav-server.js';
import type { DavKind } from '../support/dav-servers.js';
import { DebianCalendar } from '../support/debian-caldav.js';
import { linkAgenda, openHub, type TestHub } from '../support/hub.js';
import { HOUR, MINUTE, TEN } from '../support/loop.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, query, type Practice } from '../support/practice.js';

const DAY = 24 * HOUR;
export const VISIT = 30 * MINUTE;
const USER = 'martin';
const PASSWORD = 'mot de passe';
/** The practitioner's own time stands a fortnight after what the hub books. */
export const OWN = TEN + 14 * DAY;
/** Rounds after which nothing may be open any more. */
const ROUNDS = 40;
const FINAL: ReadonlySet<string> = new Set(['confirmed', 'cancelled', 'refused', 'conflict']);

/** One calendar on one server, the hub on one side and applications that know nothing of it on the other. */
export class CalendarDay {
  hub!: TestHub;
  /** A second one on the same database. */
  other!: TestHub;
  server!: DavServer;
  proxy!: DavProxy;
  practice!: Practice;
  calendar = '';
  linkId = '';
  /** Debian's client, and plain requests. */
  debian!: DebianCalendar;
  plain!: CalendarApplication;
  readonly appointments: string[] = [];
  #database!: TestDatabase;
  #pool!: pg.Pool;

  async begin(kind: DavKind): Promise<void> {
    this.server = await kind.start({ [USER]: PASSWORD });
    this.proxy = await DavProxy.start(this.server.url);
    this.#database = await createTestDatabase();
    this.#pool = openPool(this.#database.appUrl);
    this.hub = await this.openHub();
    this.other = await this.openHub();
    this.practice = await createPractice(this.#pool);
    await this.hub.housekeeping.extendOpenings(this.practice.organization, this.practice.agenda);
    this.calendar = await this.server.makeCalendar(USER, 'agenda');
    this.plain = new CalendarApplication(this.server, USER, this.calendar);
    this.debian = new DebianCalendar({
      url: this.server.url,
      user: USER,
      password: PASSWORD,
      calendar: this.calendar,
    });
    this.linkId = await linkAgenda(this.hub, this.practice, {
      connectorId: 'caldav',
      settings: { url: new URL(this.server.home(USER), this.proxy.url).href },
      secrets: { auth: { type: 'basic', username: USER, password: PASSWORD } },
      remoteAgendaId: this.calendar,
    });
  }

  async end(): Promise<void> {
    this.debian?.close();
    await this.hub?.close();
    await this.other?.close();
    await this.#pool?.end();
    await this.#database?.drop();
    await this.proxy?.stop();
    await this.server?.stop();
  }

  openHub(): Promise<TestHub> {
    return openHub({ url: this.#database.appUrl, timeoutMs: 20_000 });
  }

  sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return query<Row>(this.#pool, this.practice, text, values);
  }

  async book(start: number, hub = this.hub, waitMs = 0): Promise<BookingAnswer> {
    const { organization: organizationId, agenda: agendaId, motif: motifId } = this.practice;
    const patient = { lastName: 'Durand', firstName: 'Zoé' };
    const id = newId();
    const place = { organizationId, id, agendaId, motifId, start };
    const answer = await hub.booking.book({ ...place, patient, actor: this.#actor(), key: null, waitMs });
    if (answer.outcome === 'booked') this.appointments.push(id);
    return answer;
  }

  async move(id: string, start: number, hub = this.hub): Promise<BookingAnswer> {
    const { version } = await this.record(id);
    return hub.booking.move({ ...this.#ref(id), version, start, motifId: null });
  }

  cancel(id: string, hub = this.hub): Promise<BookingAnswer> {
    return hub.booking.cancel({ ...this.#ref(id), version: null, reason: { code: 'CANCELLED' }, key: null });
  }

  async record(id: string): Promise<AppointmentRecord> {
    const record = await this.hub.bookings.get({ organizationId: this.practice.organization, id });
    if (record === null) throw new Error('an appointment is lost');
    return record;
  }

  run(sync: 'none' | 'delta' | 'full' | 'reconcile', hub = this.hub): Promise<string> {
    return hub.lanes.run({ organizationId: this.practice.organization, agendaId: this.practice.agenda, sync });
  }

  /** Reads and writes until nothing is open, then compares everything as at the end of each day. */
  async settle(): Promise<void> {
    for (let round = 0; ; round += 1) {
      await this.#timePasses();
      const ran = await this.run('delta');
      const [row] = await this.sql<{ open: number }>(
        `SELECT count(*)::int AS open FROM remote_write WHERE state = 'due'`,
      );
      if (ran === 'done' && row!.open === 0) break;
      if (round >= ROUNDS) throw new Error(`still ${String(row!.open)} writes open, last run ${ran}`);
      await sleep(100);
    }
    await this.reconcile();
  }

  /** A day after the last comparison. */
  async reconcile(): Promise<void> {
    await this.sql(`UPDATE link SET reconciled_at = clock_timestamp() - interval '1 day' WHERE id = $1`, [this.linkId]);
    const ran = await this.run('reconcile');
    if (ran !== 'done') throw new Error(`the comparison ended as ${ran}`);
  }

  /** What stands on the two sides: appointments by id and own time by its hours. Alike when nothing is lost or doubled. */
  async sides(): Promise<{ here: string[]; there: string[]; open: string[] }> {
    const records = await Promise.all(this.appointments.map((id) => this.record(id)));
    const stand = records.filter(({ status }) => status === 'confirmed' || status === 'conflict');
    const own = await this.sql<{ start: Date; end: Date }>(
      `SELECT lower(during) AS start, upper(during) AS end FROM mirror
         WHERE link_id = $1 AND gone_at IS NULL AND appointment_id IS NULL`,
      [this.linkId],
    );
    const entries = await this.plain.entries();
    const told = (what: string, start: number, end: number): string => `${what} ${String(start)} ${String(end)}`;
    return {
      here: [
        ...stand.map(({ id, start, end }) => told(id, start, end)),
        ...own.map(({ start, end }) => told('own', start.getTime(), end.getTime())),
      ].sort(),
      there: entries.map(({ uid, start, end }) => told(appointmentOf(uid), start, end)).sort(),
      open: records.filter(({ status }) => !FINAL.has(status)).map(({ id, status }) => `${id} ${status}`),
    };
  }

  /** Writes that reached the server since the last call, by method. */
  writes(): string[] {
    return this.proxy.take().filter((method) => method === 'PUT' || method === 'DELETE');
  }

  /** What a person does who moves to a new calendar: takes everything out, and puts it into one made anew. */
  async remake(): Promise<void> {
    const bodies: (readonly [string, string])[] = [];
    for (const { id } of await this.plain.entries())
      bodies.push([id, await (await this.server.request(USER, 'GET', id)).text()]);
    await this.server.request(USER, 'DELETE', this.calendar);
    await this.server.makeCalendar(USER, 'agenda');
    const headers = { 'Content-Type': 'text/calendar; charset=utf-8' };
    for (const [id, body] of bodies) {
      const { ok, status } = await this.server.request(USER, 'PUT', id, { body, headers });
      if (!ok) throw new Error(`the server refuses what it gave (${String(status)})`);
    }
  }

  /** Lost requests cannot land any more, the breaker is closed again. */
  async #timePasses(): Promise<void> {
    await this.sql(
      `UPDATE remote_write SET last_sent_at = last_sent_at - interval '1 hour', due_at = now() WHERE state = 'due'`,
    );
    await this.sql(`UPDATE connection SET blocked_until = '-infinity' WHERE blocked_until > now()`);
  }

  #actor(): Extract<Actor, { kind: 'collaborator' }> {
    return { kind: 'collaborator', id: this.practice.collaborator, key: newId() };
  }

  #ref(id: string) {
    return { organizationId: this.practice.organization, id, actor: this.#actor(), waitMs: 0 };
  }
}

const appointmentOf = (uid: string): string => /^([0-9a-f-]{36})-\d+@unisson/.exec(uid)?.[1] ?? 'own';
