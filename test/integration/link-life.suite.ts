import type pg from 'pg';
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { Backends, newId, type Actor, type BookingAnswer, type Disconnection, type LinkHealth } from '#application';
import { eventsOf, openHub, type Around, type TestHub } from '../support/hub.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { createPractice, openPool, query, type Practice } from '../support/practice.js';
import { openInHouse, type InHouseAgenda } from '../support/remotes.js';

const PATIENT = { lastName: 'Durand', firstName: 'Zoé' };
export const HOUR = 3_600_000;
export const MINUTE = 60_000;
const DAY = 86_400_000;
/** Ten o'clock UTC in ten days: inside the window that a pull covers. */
export const TEN = Math.floor(Date.now() / DAY) * DAY + 10 * DAY + 10 * HOUR;

/** Stands between the hub and its backends: a call may be held until the test lets it go. */
class Gate {
  private opened: () => void = () => undefined;
  private passed: Promise<void> | null = null;
  private reached: () => void = () => undefined;

  /** Holds the next look or create. Resolves when one is there. */
  hold(): Promise<void> {
    this.passed = new Promise((resolve) => (this.opened = resolve));
    return new Promise((resolve) => (this.reached = resolve));
  }

  open(): void {
    this.opened();
    this.passed = null;
  }

  async pass(): Promise<void> {
    if (this.passed === null) return;
    this.reached();
    await this.passed;
  }
}

/** A practice with an agenda at the simulator, and what an administrator does with the link between them. */
export class LinkLife {
  readonly gate = new Gate();
  hub!: TestHub;
  pool!: pg.Pool;
  practice!: Practice;
  remote!: InHouseAgenda;
  linkId!: string;
  private database!: TestDatabase;

  /** Registers what each test begins and ends with. */
  constructor() {
    beforeAll(async () => {
      this.database = await createTestDatabase();
      this.pool = openPool(this.database.appUrl);
      const around: Around = { backends: (inner) => new GatedBackends(inner, this.gate) };
      this.hub = await openHub({ url: this.database.appUrl, around });
    });
    beforeEach(async () => {
      await this.remote?.close();
      this.remote = await openInHouse();
      this.practice = await createPractice(this.pool);
      await this.open(this.practice);
    });
    afterAll(async () => {
      await this.hub.close();
      await this.remote.close();
      await this.pool.end();
      await this.database.drop();
    });
  }

  /** The agenda can be booked around {@link TEN}. */
  async open(practice: Practice): Promise<void> {
    const text = `INSERT INTO opening_occurrence SELECT organization_id, id, tstzrange(to_timestamp($1), to_timestamp($2)), agenda_id FROM opening`;
    await query(this.pool, practice, text, [(TEN - 5 * DAY) / 1000, (TEN + 5 * DAY) / 1000]);
  }

  ref(): { organizationId: string; id: string } {
    return { organizationId: this.practice.organization, id: this.linkId };
  }

  actor(): Extract<Actor, { kind: 'collaborator' }> {
    return { kind: 'collaborator', id: this.practice.collaborator, key: newId() };
  }

  book(start: number, waitMs = 5_000): Promise<BookingAnswer> {
    return this.hub.booking.book({
      organizationId: this.practice.organization,
      id: newId(),
      agendaId: this.practice.agenda,
      motifId: this.practice.motif,
      start,
      patient: PATIENT,
      actor: this.actor(),
      key: null,
      waitMs,
    });
  }

  async booked(start: number): Promise<string> {
    const answer = await this.book(start);
    if (answer.outcome !== 'booked') throw new Error(JSON.stringify(answer));
    return answer.record.id;
  }

  pull(sync: 'delta' | 'full' | 'none' = 'delta'): ReturnType<TestHub['lanes']['run']> {
    return this.hub.lanes.run({ organizationId: this.practice.organization, agendaId: this.practice.agenda, sync });
  }

  readonly status = async (id: string): Promise<string | null> =>
    (await this.hub.bookings.get({ organizationId: this.practice.organization, id }))?.status ?? null;

  async health(): Promise<LinkHealth> {
    return (await this.hub.links.health(this.practice.organization, this.linkId))!;
  }

  events(): Promise<string[]> {
    return eventsOf(this.hub, this.practice.organization, this.linkId);
  }

  async connectionRef(): Promise<{ organizationId: string; id: string }> {
    const [connection] = await this.hub.connections.list(this.practice.organization);
    return { organizationId: this.practice.organization, id: connection!.id };
  }

  /** The account has another key from now on. */
  async breakCredential(): Promise<void> {
    const { remoteAgendaId: id } = this.remote.account;
    const apiKey = 'another-key-0123456789';
    await this.remote.control('seed', { agendas: [{ id, name: 'Dr Martin', zone: 'Europe/Paris', apiKey }] });
  }

  async signIn(apiKey: string): ReturnType<TestHub['lifecycle']['replaceSecrets']> {
    const request = { secrets: { apiKey }, actor: this.actor() };
    return this.hub.lifecycle.replaceSecrets(await this.connectionRef(), request);
  }

  async disconnect(remote: 'keep' | 'remove'): Promise<Disconnection> {
    await this.hub.lifecycle.disconnect(this.ref(), remote, this.actor());
    await this.hub.cleanUp.run(this.practice.organization, this.linkId);
    return (await this.hub.lifecycle.disconnection(this.ref()))!;
  }

  /** Links the agenda to the same remote one again, by way of a plan. */
  async relink(): Promise<void> {
    const { organizationId, id: connectionId } = await this.connectionRef();
    const link = {
      organizationId,
      id: newId(),
      agendaId: this.practice.agenda,
      connectionId,
      remoteAgendaId: this.remote.account.remoteAgendaId,
      direction: 'two-way' as const,
      disclosure: 'full' as const,
      policy: 'practitioner-wins' as const,
      approved: false,
      actor: this.actor(),
    };
    const made = await this.hub.links.create(link);
    if (made.outcome !== 'linked') throw new Error(JSON.stringify(made));
    this.linkId = link.id;
  }
}

class GatedBackends extends Backends {
  constructor(
    private readonly inner: Backends,
    private readonly gate: Gate,
  ) {
    super();
  }

  async open(organizationId: string, connectionId: string): ReturnType<Backends['open']> {
    const { session, capabilities } = await this.inner.open(organizationId, connectionId);
    const { gate } = this;
    return {
      capabilities,
      session: Object.assign(Object.create(session) as typeof session, {
        find: async (...call: Parameters<typeof session.find>) => {
          await gate.pass();
          return session.find(...call);
        },
        create: async (...call: Parameters<typeof session.create>) => {
          await gate.pass();
          return session.create(...call);
        },
      }),
    };
  }
}
