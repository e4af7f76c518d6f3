import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { Alarm, syncLink, type JobDefinition } from '#application';
import { createMockVendors } from '../../apps/mock-vendors/src/server.js';
import { linkAgenda, openHub, type RemoteAccount, type TestHub, type TestHubOptions } from './hub.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';
import { createPractice, inTenant, openPool, type Practice } from './practice.js';

export interface InHouseEntry {
  readonly id: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
}

interface Dump {
  readonly entries: readonly (InHouseEntry & { agendaId: string; deleted: boolean })[];
  readonly subscriptions: readonly { id: string; agendaId: string; url: string; expiresAt: number }[];
}

const API_KEY = 'in-house-hub-key-0123456789';

/** Rings in this process: a woken link is pulled here. */
class LocalAlarm extends Alarm {
  readonly woken: { job: string; data: unknown; delayMs: number }[] = [];
  hub: TestHub | null = null;
  /** False: wake-ups are noted only. */
  rings = false;

  async wake<Data>(job: JobDefinition<Data>, data: Data, { delayMs = 0 }: { delayMs?: number } = {}): Promise<void> {
    this.woken.push({ job: job.name, data, delayMs });
    if (!this.rings || job.name !== syncLink.name) return;
    const { organizationId, linkId } = syncLink.schema.parse(data);
    setTimeout(() => void this.ring(organizationId, linkId).catch(() => undefined), delayMs).unref();
  }

  private async ring(organizationId: string, linkId: string): Promise<void> {
    const link = await this.hub?.sync.link(organizationId, linkId);
    if (!link) return;
    await this.hub?.lanes.run({ organizationId, agendaId: link.agendaId, sync: 'delta' });
    const soon = (await this.hub?.sync.link(organizationId, linkId))?.dueInMs ?? Infinity;
    if (soon < 1_000)
      await this.wake(syncLink, { organizationId, linkId, full: false }, { delayMs: Math.max(0, soon) });
  }
}

/** One practice after another on a hub that is linked to the in-house simulator, pushes included. */
export class InHouseHub {
  readonly alarm: LocalAlarm;
  practice!: Practice;
  linkId = '';
  remoteAgenda = '';
  /** Answers given to pushes. */
  readonly answers: string[] = [];

  private constructor(
    readonly hub: TestHub,
    readonly pool: pg.Pool,
    private readonly parts: {
      database: TestDatabase;
      vendors: ReturnType<typeof createMockVendors>;
      origin: string;
      receiver: Server;
      alarm: LocalAlarm;
    },
  ) {
    this.alarm = parts.alarm;
    this.alarm.hub = hub;
    parts.receiver.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const [organizationId = '', linkId = ''] = (request.url ?? '').split('/').slice(3);
        const headers = request.headers as Record<string, string>;
        const push = { organizationId, linkId, headers, rawBody: Buffer.concat(chunks) };
        hub.subscriptions.receive(push).then(
          (answer) => {
            this.answers.push(answer);
            response.writeHead(answer === 'accepted' ? 204 : 401).end();
          },
          // As the API does when its database is out of reach: while the hub stops, for one.
          () => response.writeHead(503).end(),
        );
      });
    });
  }

  static async start(options: Partial<TestHubOptions> = {}): Promise<InHouseHub> {
    const database = await createTestDatabase();
    const pool = openPool(database.appUrl);
    const receiver = createServer();
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const publicUrl = `http://127.0.0.1:${String((receiver.address() as AddressInfo).port)}`;
    const alarm = new LocalAlarm();
    const hub = await openHub({ url: database.appUrl, publicUrl, alarm, ...options });
    const vendors = createMockVendors();
    const origin = await vendors.listen({ host: '127.0.0.1', port: 0 });
    return new InHouseHub(hub, pool, { database, vendors, origin, receiver, alarm });
  }

  async stop(): Promise<void> {
    const { hub, pool, parts } = this;
    await parts.vendors.close();
    parts.receiver.closeAllConnections();
    parts.receiver.close();
    await hub.close();
    await pool.end();
    await parts.database.drop();
  }

  /** A new practice, its agenda linked and read. */
  async link(
    entries: readonly Omit<InHouseEntry, 'id'>[] = [],
    options: Parameters<typeof linkAgenda>[3] = {},
  ): Promise<void> {
    this.alarm.woken.length = 0;
    this.answers.length = 0;
    this.practice = await createPractice(this.pool);
    this.remoteAgenda = `agenda-${this.practice.agenda}`;
    const agenda = { id: this.remoteAgenda, name: 'Dr Martin', zone: 'Europe/Paris', apiKey: API_KEY, entries };
    await this.control('DELETE', 'faults');
    await this.control('POST', 'seed', { agendas: [agenda] });
    this.linkId = await linkAgenda(this.hub, this.practice, this.account, options);
  }

  get account(): RemoteAccount & { readonly secrets: { readonly apiKey: string } } {
    return {
      connectorId: 'in-house',
      settings: { baseUrl: `${this.parts.origin}/in-house/api` },
      secrets: { apiKey: API_KEY },
      remoteAgendaId: this.remoteAgenda,
    };
  }

  /** Of its database, for the application's role. */
  get url(): string {
    return this.parts.database.appUrl;
  }

  get ids(): { readonly organizationId: string; readonly linkId: string } {
    return { organizationId: this.practice.organization, linkId: this.linkId };
  }

  async control<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(`${this.parts.origin}/in-house/__control/${path}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** As the practitioner's software would be asked by its customer. */
  async asCustomer(method: string, path: string): Promise<number> {
    const url = `${this.parts.origin}/in-house/api/${path}`;
    return (await fetch(url, { method, headers: { authorization: `Bearer ${API_KEY}` } })).status;
  }

  async edit(body: object): Promise<InHouseEntry> {
    const edit = { agendaId: this.remoteAgenda, ...body };
    return (await this.control<{ entry: InHouseEntry }>('POST', 'edit', edit)).entry;
  }

  async fault(...faults: object[]): Promise<void> {
    await this.control('POST', 'faults', { faults });
  }

  async entries(): Promise<InHouseEntry[]> {
    const { entries } = await this.control<Dump>('GET', 'dump');
    return entries.filter(({ agendaId, deleted }) => agendaId === this.remoteAgenda && !deleted);
  }

  async subscriptions(): Promise<Dump['subscriptions']> {
    const { subscriptions } = await this.control<Dump>('GET', 'dump');
    return subscriptions.filter(({ agendaId }) => agendaId === this.remoteAgenda);
  }

  /** Answered requests of this agenda whose URL holds `text`, since the simulator's log was cleared. */
  async requests(text: string): Promise<string[]> {
    const { recent } = await this.control<{ recent: { url: string }[] }>('GET', 'requests');
    return recent.map(({ url }) => url).filter((url) => url.includes(this.remoteAgenda) && url.includes(text));
  }

  pull(sync: 'delta' | 'full' = 'delta'): ReturnType<TestHub['lanes']['run']> {
    return this.hub.lanes.run({
      organizationId: this.practice.organization,
      agendaId: this.practice.agenda,
      sync,
    });
  }

  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const { organization } = this.practice;
    return inTenant(this.pool, organization, async (client) => (await client.query<Row>(text, values)).rows);
  }

  /** What the hub holds of the agenda: the times it takes, of the practitioner's own objects. */
  async mirrored(): Promise<{ id: string; start: number; end: number }[]> {
    return this.sql(
      `SELECT remote_id AS id, (extract(epoch FROM lower(during)) * 1000)::float8 AS start, (extract(epoch FROM upper(during)) * 1000)::float8 AS "end"
       FROM mirror WHERE link_id = $1 AND gone_at IS NULL ORDER BY remote_id`,
      [this.linkId],
    );
  }

  /** The same, as the simulator has it. */
  async remote(): Promise<{ id: string; start: number; end: number }[]> {
    const shown = (await this.entries()).map(({ id, start, end }) => ({ id, start, end }));
    return shown.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Types of the events about the link, oldest first. */
  async events(): Promise<string[]> {
    const rows = await this.sql<{ type: string }>(
      'SELECT type FROM event WHERE subject_id = $1 ORDER BY transaction_id, id',
      [this.linkId],
    );
    return rows.map(({ type }) => type);
  }
}

/** Half an hour of the practitioner's own, `n` days from now at ten o'clock UTC. */
export function ownTime(n: number): Omit<InHouseEntry, 'id'> {
  const start = Math.floor(Date.now() / 86_400_000) * 86_400_000 + n * 86_400_000 + 10 * 3_600_000;
  return { start, end: start + 1_800_000, title: 'Privé' };
}
