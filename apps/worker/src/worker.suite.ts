import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { newId } from '#application';
import { Database, PgBookings, PgKeyStore, PgWaitingEntries } from '#persistence';
import { createHttpAdapter, createLogger, type Environment, KeyRing, EnvelopeVault, parseEnvironment } from '#platform';
import { migrateQueue } from '#queue';
import { Postbox } from '../../../test/support/postbox.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { everythingStored, logStatements, markersIn, serverLog } from '../../../test/support/stored.js';
import { createMockVendors } from '../../mock-vendors/src/server.js';
import { openWorker, type WorkerParts } from './composition.js';
import { agendas, collaborators, connection, motifs, organization } from './seed/practice.js';
import { type Demonstration, seed } from './seed/seed.js';
import { WorkerModule } from './worker.module.js';

const DAY = 86_400_000;
const [linked] = agendas;
const PATIENT = {
  lastName: 'Quetzal',
  firstName: 'Camille',
  birthDate: '1971-02-13',
  phone: '+33687654329',
  email: 'quetzal@exemple.fr',
} as const;
/** What the practitioner wrote into his own agenda. */
const HIS_TITLE = 'Réunion Ptarmigan';
/** What may stand nowhere in clear. */
const MARKERS = ['Quetzal', 'QUETZAL', 'quetzal@', '1971-02-13', '87654329', 'Ptarmigan', connection.apiKey];

/** A worker with everything around it, and a demonstration practice to work on. */
export class TestWorker {
  app!: NestFastifyApplication;
  parts!: WorkerParts;
  demonstration!: Demonstration;
  bookings!: PgBookings;
  hub!: Database;
  environment!: Environment;
  private database!: TestDatabase;
  readonly post = new Postbox();
  readonly vendors = createMockVendors({ demo: true });
  private readonly lines: string[] = [];
  private slots = 0;

  async open(queue: { REDIS_URL?: string } = {}): Promise<void> {
    this.database = await createTestDatabase();
    await migrateQueue(this.database.ownerUrl);
    await logStatements(this.database.adminUrl);
    const vendorsUrl = await this.vendors.listen({ host: '127.0.0.1', port: 0 });
    this.environment = parseEnvironment({
      DATABASE_URL: this.database.appUrl,
      UNISSON_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ALLOW_PRIVATE_NETWORKS: 'true',
      UNISSON_SMTP_URL: await this.post.start(),
      ...queue,
    });
    const { DATABASE_URL: url, UNISSON_KEYS: keys } = this.environment;
    this.hub = await Database.open({ url, poolSize: 4, applicationName: 'test' });
    this.bookings = new PgBookings(this.hub, new EnvelopeVault(new KeyRing(keys), new PgKeyStore(this.hub)));
    this.demonstration = await seed(this.hub, this.environment, vendorsUrl);
    await this.startWorker();
  }

  async startWorker(): Promise<void> {
    const logger = createLogger({ level: 'trace', name: 'test' }, { write: (line) => void this.lines.push(line) });
    this.parts = await openWorker(this.environment, logger);
    const adapter = createHttpAdapter({ metrics: this.parts.metrics });
    this.app = await NestFactory.create<NestFastifyApplication>(WorkerModule.with(this.parts), adapter, {
      bodyParser: false,
      logger: false,
    });
    await this.app.init();
    await this.app.getHttpAdapter().getInstance().ready();
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.hub.close();
    await this.vendors.close();
    await this.post.stop();
    await this.database.drop();
  }

  /** Everything that the worker left behind. */
  async traces(): Promise<Readonly<Record<'log' | 'metrics' | 'stored' | 'statements', string>>> {
    const metrics = await this.app.getHttpAdapter().getInstance().inject('/metrics');
    const stored = await everythingStored(this.database.adminUrl);
    return { log: this.lines.join(''), metrics: metrics.body, stored, statements: serverLog() };
  }

  /** The practitioner's agenda fails so, before it answers again. */
  async fails(...faults: object[]): Promise<void> {
    const answer = await this.vendors.inject({
      method: 'POST',
      url: '/in-house/__control/faults',
      payload: { faults },
    });
    expect(answer.statusCode).toBeLessThan(300);
  }

  /** What the practitioner's own agenda holds. */
  async remoteEntries(): Promise<readonly { agendaId: string; start: number; by: string }[]> {
    const answer = await this.vendors.inject({ method: 'GET', url: '/in-house/__control/dump' });
    const { entries } = JSON.parse(answer.body) as {
      entries: { agendaId: string; start: number; by: string; deleted: boolean }[];
    };
    return entries.filter(({ deleted }) => !deleted);
  }

  async practitionerWrites(start: number): Promise<void> {
    const entry = { start, end: start + 20 * 60_000, title: HIS_TITLE, reference: null };
    const payload = { action: 'create', agendaId: linked!.remoteAgendaId, entry, force: true };
    const answer = await this.vendors.inject({ method: 'POST', url: '/in-house/__control/edit', payload });
    expect(answer.statusCode).toBe(200);
  }

  /** A new free start each time, on a Monday morning on which the linked agenda is open. */
  nextStart(): number {
    this.slots += 1;
    const today = Math.floor(Date.now() / DAY) * DAY;
    const monday = today + ((11 - new Date(today).getUTCDay()) % 7) * DAY + 7 * DAY;
    return monday + 430 * 60_000 + this.slots * 20 * 60_000;
  }

  /** Books for a worker to carry out: nobody waits for the practitioner's agenda here. */
  async book(start: number): Promise<string> {
    const id = newId();
    const placed = await this.bookings.place({
      organizationId: organization.id,
      id,
      agendaId: linked!.id,
      motifId: motifs[0].id,
      start,
      holdSeconds: null,
      collaboratorId: collaborators[0].id,
      actor: { kind: 'collaborator', id: collaborators[0].id, key: 'test' },
      patient: PATIENT,
      key: null,
      acceptStale: true,
      terms: { audience: 'SECRETARIAT', acknowledged: true },
    });
    expect(placed).toMatchObject({ outcome: 'placed', remote: true });
    return id;
  }

  async status(id: string): Promise<string | undefined> {
    return (await this.bookings.get({ organizationId: organization.id, id }))?.status;
  }
}

export async function until(condition: () => Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms`);
    await sleep(50);
  }
}

/** The whole worker, whatever the queue's store; `more` adds cases of one store. */
export function describeWorker(
  name: string,
  queue: () => { REDIS_URL?: string },
  {
    more = () => undefined,
    jobs = () => '',
  }: {
    readonly more?: (worker: TestWorker) => void;
    /** What the store has written down, where that is not the hub's own database. */
    readonly jobs?: () => string;
  } = {},
): void {
  const worker = new TestWorker();

  describe(`a worker with its queue on ${name}`, () => {
    beforeAll(() => worker.open(queue()));
    afterAll(() => worker.close());

    const carried = (id: string) => async (): Promise<boolean> => (await worker.status(id)) === 'confirmed';
    const asOf = async (): Promise<number> => {
      const [row] = await worker.hub.withOrganization(organization.id, (transaction) =>
        transaction.query<{ at: number }>(
          `SELECT coalesce(extract(epoch FROM nullif(max(as_of), '-infinity')), 0)::float8 AS at FROM link WHERE agenda_id = $1`,
          [linked!.id],
        ),
      );
      return row?.at ?? 0;
    };
    const claimsAt = async (start: number): Promise<number> => {
      const rows = await worker.hub.withOrganization(organization.id, (transaction) =>
        transaction.query('SELECT 1 FROM claim WHERE agenda_id = $1 AND during @> to_timestamp($2::numeric / 1000)', [
          linked!.id,
          start,
        ]),
      );
      return rows.length;
    };

    it('answers whether it lives and works', async () => {
      const server = worker.app.getHttpAdapter().getInstance();
      expect((await server.inject('/health/live')).statusCode).toBe(200);
      const ready = await server.inject('/health/ready');
      expect([ready.statusCode, JSON.parse(ready.body)]).toMatchObject([200, { status: 'ready' }]);
      expect((await server.inject('/metrics')).body).toContain('queue_workers_running');
      expect((await server.inject('/v1/agendas')).statusCode).toBe(404);
    });

    it('reads what is linked, and what the practitioner then writes', async () => {
      await until(async () => (await asOf()) > 0);
      const start = worker.nextStart();
      await worker.practitionerWrites(start);
      const { organizationId, linkId } = { organizationId: organization.id, linkId: linked!.linkId };
      await worker.hub.withOrganization(organizationId, (transaction) =>
        transaction.query('UPDATE link SET poll_at = clock_timestamp() WHERE id = $1', [linkId]),
      );
      await until(async () => (await claimsAt(start)) === 1);
    });

    it('carries a booking to the practitioner, and is what says that it is confirmed', async () => {
      const start = worker.nextStart();
      const id = await worker.book(start);
      await until(carried(id));
      const there = (await worker.remoteEntries()).filter((entry) => entry.start === start);
      expect(there).toMatchObject([{ agendaId: linked!.remoteAgendaId, by: 'api' }]);
    });

    it('keeps a slot for somebody who waits', async () => {
      const entries = new PgWaitingEntries(
        worker.hub,
        new EnvelopeVault(new KeyRing(worker.environment.UNISSON_KEYS), new PgKeyStore(worker.hub)),
      );
      const wish = { motifIds: [motifs[0].id], agendaIds: [agendas[2]!.id], priority: 'soon', deadline: null } as const;
      const availability = { weekdays: [], parts: [], from: null, to: null };
      const [{ id: collaborator }] = collaborators;
      const who = { organizationId: organization.id, id: newId(), audience: 'SECRETARIAT' } as const;
      const actor = { kind: 'collaborator', id: collaborator, key: 'test' } as const;
      const made = await entries.create(
        { ...wish, ...who, availability, actor, patient: PATIENT },
        { key: newId(), hash: Buffer.alloc(32) },
      );
      expect(made.outcome).toBe('created');
      const offered = (): Promise<{ id: string }[]> =>
        worker.hub.withOrganization(organization.id, (transaction) =>
          transaction.query<{ id: string }>(`SELECT id FROM waiting_offer WHERE entry_id = $1 AND state = 'open'`, [
            who.id,
          ]),
        );
      await until(async () => (await offered()).length === 1);
      const [offer] = await offered();
      expect(await worker.status(offer!.id)).toBe('held');
    });

    it('mails whom an agenda belongs to each change of a right on it, once, when the mail server lets it', async () => {
      const [{ id: collaborator }] = collaborators;
      worker.post.refuse = true;
      await worker.hub.withOrganization(organization.id, async (transaction) => {
        const given = [organization.id, linked!.id, collaborator];
        await transaction.query(`UPDATE collaborator SET email = 'martin@example.org' WHERE id = $1`, [collaborator]);
        await transaction.query('UPDATE agenda SET owner_id = $2 WHERE id = $1', given.slice(1));
        await transaction.query(
          `INSERT INTO grant_notice (organization_id, id, grant_id, agenda_id, change)
           SELECT $1, gen_random_uuid(), id, $2, 'revoked' FROM access_grant WHERE collaborator_id = $3 LIMIT 1`,
          given,
        );
      });
      const notice = async (): Promise<{ error: string | null; told: boolean } | undefined> => {
        const [row] = await worker.hub.withOrganization(organization.id, (transaction) =>
          transaction.query<{ error: string | null; told: boolean }>(
            'SELECT error, told_at IS NOT NULL AS told FROM grant_notice',
          ),
        );
        return row;
      };
      await until(async () => (await notice())?.error != null);
      expect(await notice()).toMatchObject({ told: false, error: expect.not.stringContaining('secret-detail') });
      worker.post.refuse = false;
      await worker.hub.withOrganization(organization.id, (transaction) =>
        transaction.query('UPDATE grant_notice SET due_at = now()'),
      );
      await until(async () => (await notice())?.told === true);
      expect(worker.post.mails).toMatchObject([{ to: ['martin@example.org'] }]);
      expect(worker.post.mails[0]!.text).toMatch(/Un droit a été retiré[^]*A right was withdrawn/);
    });

    more(worker);

    it('frees a hold that has ended', async () => {
      const id = newId();
      const placed = await worker.bookings.place({
        organizationId: organization.id,
        id,
        agendaId: agendas[2]!.id,
        motifId: motifs[0].id,
        start: nextWednesday(),
        holdSeconds: 1,
        collaboratorId: collaborators[0].id,
        actor: { kind: 'collaborator', id: collaborators[0].id, key: 'test' },
        patient: null,
        key: null,
        acceptStale: true,
        terms: { audience: 'SECRETARIAT', acknowledged: true },
      });
      expect(placed).toMatchObject({ outcome: 'placed' });
      await until(async () => (await worker.status(id)) === 'expired');
    });

    it('goes on where another worker stopped', async () => {
      await worker.app.close();
      const starts = Array.from({ length: 5 }, () => worker.nextStart());
      const ids = [];
      for (const start of starts) ids.push(await worker.book(start));
      await worker.startWorker();
      for (const id of ids) await until(carried(id));
      const there = (await worker.remoteEntries()).filter((entry) => starts.includes(entry.start));
      expect(there).toHaveLength(starts.length);
    });

    it('leaves no patient and no secret in its log, its jobs, its metrics, the database and what that logs', async () => {
      await worker.hub.withOrganization(organization.id, (transaction) =>
        transaction.query(`UPDATE link SET disclosure = 'full' WHERE id = $1`, [linked!.linkId]),
      );
      await worker.fails(
        { kind: 'error', status: 503, times: 3 },
        { kind: 'drop-after-commit', method: 'POST', times: 1 },
      );
      for (let n = 0; n < 3; n += 1) await until(carried(await worker.book(worker.nextStart())), 60_000);
      const there = (await worker.vendors.inject({ method: 'GET', url: '/in-house/__control/dump' })).body;
      // They went all the way, or the rest proves nothing.
      expect(there).toContain(HIS_TITLE);
      expect(there).toContain('QUETZAL');
      const traces = { ...(await worker.traces()), jobs: jobs() };
      expect(traces.stored).toContain(linked!.id);
      expect(traces.statements).toContain('place_appointment');
      expect(traces.log.length).toBeGreaterThan(100);
      expect(markersIn(traces, MARKERS)).toEqual([]);
    });

    it('seeding again makes nothing twice, and replaces the keys', async () => {
      const again = await seed(worker.hub, worker.environment, 'http://127.0.0.1:1');
      expect(again.agendas).toEqual(worker.demonstration.agendas);
      expect(again.administration.apiKey).not.toBe(worker.demonstration.administration.apiKey);
      const [row] = await worker.hub.withOrganization(organization.id, (transaction) =>
        transaction.query<{ agendas: number; links: number; keys: number }>(
          `SELECT (SELECT count(*)::int FROM agenda) AS agendas, (SELECT count(*)::int FROM link) AS links,
             (SELECT count(*)::int FROM api_key WHERE revoked_at IS NULL) AS keys`,
        ),
      );
      expect(row).toEqual({ agendas: 3, links: 2, keys: 3 });
    });
  });
}

/** Afternoon on which the third agenda is open. */
function nextWednesday(): number {
  const today = Math.floor(Date.now() / DAY) * DAY;
  return today + (((10 - new Date(today).getUTCDay()) % 7) + 7) * DAY + 14.5 * 3_600_000;
}
