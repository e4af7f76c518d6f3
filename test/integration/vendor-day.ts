import { setTimeout as sleep } from 'node:timers/promises';
import { newId, type Actor, type AppointmentRecord, type BookingAnswer } from '#application';
import type { Capabilities } from '#connector-sdk';
import { connectors } from '#connectors';
import { linkAgenda, type TestHub } from '../support/hub.js';
import { MINUTE, TEN } from '../support/loop.js';
import type { Practice } from '../support/practice.js';
import type { VendorAgenda, VendorHand } from '../support/vendor-agenda.js';
import { accountOf } from '../support/vendor-rows.js';

export const VISIT = 30 * MINUTE;
/** Half hours of the day, from ten o'clock UTC. */
export const SLOTS = 16;
const WAIT_MS = 600;
const READ_WITHIN_MS = 8_000;
const ASKED_WITHIN_MS = 40_000;
const ROUNDS = 12;
const FINAL: ReadonlySet<string> = new Set(['confirmed', 'cancelled', 'refused', 'expired', 'held', 'conflict']);

const isPutOff = (answer: BookingAnswer): boolean => answer.outcome === 'refused' && answer.retryAfterMs !== undefined;

export const at = (slot: number): number => TEN + slot * VISIT;

/** In what a day differs, by what the backend can do; in nothing else. */
export interface Ways {
  /** Whether what stands there says for whom. */
  readonly shows: 'patients' | 'times alone';
  readonly promises: 'at once' | 'once somebody accepted';
  readonly whatIsHeld: 'is kept there' | 'is kept here alone';
  readonly overlaps: 'are refused' | 'may be let in';
}

export const waysOf = ({ write, hold, refusesOverlap }: Capabilities): Ways => ({
  shows: write === 'busy-only' ? 'times alone' : 'patients',
  promises: write === 'request' ? 'once somebody accepted' : 'at once',
  whatIsHeld: hold === 'ttl' ? 'is kept there' : 'is kept here alone',
  overlaps: refusesOverlap ? 'are refused' : 'may be let in',
});

/** What is known of the day: appointments by patient, the agenda there by half hour, what is free. */
export interface Seen {
  readonly appointments: Readonly<Record<string, string>>;
  readonly there: readonly string[];
  readonly free: readonly number[];
}

/** One agenda on one day, at one backend: the secretary at the hub, practitioner and online patients at the backend. */
export class VendorDay {
  readonly ways: Ways;
  /** By patient. */
  readonly appointments = new Map<string, string>();

  constructor(
    readonly hub: TestHub,
    readonly practice: Practice,
    readonly agenda: VendorAgenda,
  ) {
    this.ways = waysOf(connectors.get(agenda.row.id)!.capabilities);
  }

  async begin(origin: string): Promise<void> {
    await this.agenda.begin();
    await this.hub.housekeeping.extendOpenings(this.practice.organization, this.practice.agenda);
    await linkAgenda(this.hub, this.practice, accountOf(this.agenda.row, origin));
  }

  async book(patient: string, slot: number): Promise<string> {
    const asked = () => ({ ...this.#visit(slot), patient: this.#patient(patient) });
    return this.#told(patient, () => this.hub.booking.book(asked()));
  }

  async hold(patient: string, slot: number): Promise<string> {
    return this.#told(patient, () => this.hub.booking.hold({ ...this.#visit(slot), holdSeconds: 120 }));
  }

  async confirm(patient: string): Promise<string> {
    const asked = { ...this.#request(), holdId: this.#id(patient), patient: this.#patient(patient), key: null };
    return this.#told(patient, () => this.hub.booking.bookHold(asked));
  }

  async release(patient: string): Promise<void> {
    const { organizationId, actor } = this.#request();
    await this.hub.booking.release({ organizationId, id: this.#id(patient) }, actor);
  }

  async move(patient: string, slot: number): Promise<string> {
    return this.#told(patient, async () => {
      const { version } = await this.#record(patient);
      const asked = { ...this.#request(), id: this.#id(patient), version, start: at(slot), motifId: null };
      return this.hub.booking.move(asked);
    });
  }

  async cancel(patient: string): Promise<string> {
    const asked = { ...this.#request(), id: this.#id(patient), version: null, reason: { code: 'CANCELLED' } as const };
    return this.#told(patient, () => this.hub.booking.cancel({ ...asked, key: null }));
  }

  /** The practitioner drags, or with `null` deletes, what begins at this half hour. */
  async drag(slot: number, to: number | null, by: VendorHand = 'practitioner'): Promise<void> {
    const entry = (await this.agenda.standing()).find(({ start }) => start === at(slot));
    if (entry === undefined) throw new Error(`nothing begins at half hour ${String(slot)}`);
    if (to === null) await this.agenda.remove(entry.id, by);
    else await this.agenda.move(entry.id, at(to), at(to) + entry.end - entry.start);
  }

  async put(by: VendorHand, slot: number, title: string): Promise<void> {
    await this.agenda.put(by, { start: at(slot), end: at(slot) + VISIT, title });
  }

  /** A patient tries online; where he is let in, the practitioner puts him off again. */
  async tries(slot: number): Promise<'let in' | 'refused'> {
    try {
      const id = await this.agenda.put('patient', { start: at(slot), end: at(slot) + VISIT, title: 'Trop tard' });
      if ((await this.agenda.standing()).some((entry) => entry.id === id)) await this.agenda.remove(id);
      return 'let in';
    } catch {
      return 'refused';
    }
  }

  /** The hub reads what changed. */
  async read(sync: 'delta' | 'full' = 'delta'): Promise<string> {
    return this.hub.lanes.run({ organizationId: this.practice.organization, agendaId: this.practice.agenda, sync });
  }

  /** Reads once the backend lets it. */
  async readSoon(): Promise<void> {
    for (const end = performance.now() + READ_WITHIN_MS; (await this.read()) !== 'done'; await sleep(50))
      if (performance.now() > end) throw new Error('the agenda cannot be read');
  }

  async see(): Promise<Seen> {
    const appointments: Record<string, string> = {};
    for (const patient of this.appointments.keys()) {
      const { status, start } = await this.#record(patient);
      appointments[patient] = `${status} ${String((start - TEN) / VISIT)}`;
    }
    const there = (await this.agenda.standing()).map(
      ({ start, title }) => `${String((start - TEN) / VISIT).padStart(2, '0')} ${this.#whose(title)}`,
    );
    return { appointments, there: there.sort(), free: await this.#free() };
  }

  /** Carries on until nothing is open any more: the practitioner answers, lost requests cannot land, the hub asks again. */
  async settle(): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const answered = await this.agenda.answer();
      const open = await this.#open();
      if (!answered && open === 0) return;
      await this.#timePasses();
      await this.read();
    }
  }

  /** What became of it in the end. */
  async endOf(patient: string): Promise<string> {
    await this.settle();
    return (await this.#record(patient)).status;
  }

  async #open(): Promise<number> {
    let open = 0;
    for (const patient of this.appointments.keys()) if (!FINAL.has((await this.#record(patient)).status)) open += 1;
    return open;
  }

  async #timePasses(): Promise<void> {
    await this.hub.database.withOrganization(this.practice.organization, (transaction) =>
      transaction.query(
        `UPDATE remote_write SET last_sent_at = last_sent_at - interval '1 hour', due_at = now() WHERE state = 'due'`,
      ),
    );
  }

  async #free(): Promise<number[]> {
    const { organization: organizationId, agenda, motif: motifId } = this.practice;
    const window = { start: TEN, end: at(SLOTS) };
    const found = await this.hub.search.search({ organizationId, agendaIds: [agenda], motifId, window, limit: 500 });
    const starts = new Set(found?.slots.map(({ start }) => start));
    return Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => starts.has(at(slot)));
  }

  /** Patients are known where more than the time is written. */
  #whose(title: string): string {
    if (this.ways.shows === 'times alone') return '';
    const patients = [...this.appointments.keys()];
    const known = patients.find((patient) => title.toLowerCase().includes(patient.toLowerCase()));
    return known ?? title;
  }

  async #record(patient: string): Promise<AppointmentRecord> {
    const ref = { organizationId: this.practice.organization, id: this.#id(patient) };
    const record = await this.hub.bookings.get(ref);
    if (record === null) throw new Error(`no appointment of ${patient}`);
    return record;
  }

  /** What is answered in the end: whoever is told when to ask again does. */
  async #told(patient: string, ask: () => Promise<BookingAnswer>): Promise<string> {
    let answer = await ask();
    for (const end = performance.now() + ASKED_WITHIN_MS; isPutOff(answer) && performance.now() < end;) {
      await sleep(250);
      await this.read();
      answer = await ask();
    }
    if (answer.outcome === 'refused') return `refused ${answer.problem}`;
    this.appointments.set(patient, answer.record.id);
    return answer.record.status;
  }

  #id(patient: string): string {
    const id = this.appointments.get(patient);
    if (id === undefined) throw new Error(`${patient} has no appointment`);
    return id;
  }

  #patient(lastName: string): { lastName: string; firstName: string; phone: string } {
    return { lastName, firstName: 'Zoé', phone: '+33600000001' };
  }

  #request() {
    const actor: Extract<Actor, { kind: 'collaborator' }> = {
      ...{ kind: 'collaborator', id: this.practice.collaborator, key: newId() },
    };
    return { organizationId: this.practice.organization, actor, waitMs: WAIT_MS };
  }

  #visit(slot: number) {
    const { agenda: agendaId, motif: motifId } = this.practice;
    return { ...this.#request(), id: newId(), agendaId, motifId, start: at(slot), key: null };
  }
}
