import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import { newId } from '#application';
import { createLogger, issueApiKey, parseEnvironment, SCOPES, shutDown, type Environment, type Scope } from '#platform';
import { migrateQueue } from '#queue';
import { grantEverything } from '../../../test/support/grants.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import {
  createPractice,
  inTenant,
  openPool,
  type Practice,
  type PracticeOptions,
} from '../../../test/support/practice.js';
import { createMockVendors } from '../../mock-vendors/src/server.js';
import { createApi } from './api.js';
import { openParts, type ApiParts } from './composition.js';
import { Contract, type Document } from './contract.suite.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests take answers apart; the contract judges their shape
  readonly json: any;
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/** The paths of the faults that an answer tells, sorted. */
export function faultPaths({ json }: Answer): string[] {
  return (json.errors as { path: string }[]).map(({ path }) => path).sort();
}

/** One application of a practice, as it asks. */
export type Client = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, ask?: Ask) => Promise<Answer>;

async function serve(
  environment: Environment,
  lines: string[],
): Promise<{ app: NestFastifyApplication; parts: ApiParts; url: string }> {
  const logger = createLogger({ level: 'debug', name: 'api' }, { write: (text) => void lines.push(text) });
  const parts = await openParts(environment, logger);
  const { app } = await createApi(parts, logger);
  await app.listen(0, '127.0.0.1');
  return { app, parts, url: (await app.getUrl()).replace('[::1]', '127.0.0.1') };
}

/** The api as it runs, on a database of its own, over HTTP. */
export class TestApi {
  private constructor(
    readonly url: string,
    readonly parts: ApiParts,
    readonly contract: Contract,
    private readonly inside: {
      app: NestFastifyApplication;
      environment: Environment;
      database: TestDatabase;
      pool: pg.Pool;
      lines: string[];
    },
  ) {}

  static async start(variables: Record<string, string> = {}): Promise<TestApi> {
    const database = await createTestDatabase();
    await migrateQueue(database.ownerUrl);
    const environment = parseEnvironment({
      DATABASE_URL: database.appUrl,
      UNISSON_KEYS: `t1:${Buffer.alloc(32, 7).toString('base64')}`,
      ALLOW_PRIVATE_NETWORKS: 'true',
      RATE_LIMIT_PER_MINUTE: '1000000',
      SIGN_IN_FAILURES_PER_MINUTE: '1000000',
      PORT: '0',
      ...variables,
    });
    const lines: string[] = [];
    const { app, parts, url } = await serve(environment, lines);
    const contract = await Contract.servedAt(url);
    const pool = openPool(database.appUrl, 2);
    return new TestApi(url, parts, contract, { app, environment, database, pool, lines });
  }

  /** A second api on the same database, as a process beside this one has it. */
  async beside(): Promise<{ url: string; stop(): Promise<void> }> {
    const { app, parts, url } = await serve(this.inside.environment, this.inside.lines);
    return { url, stop: () => shutDown(app, parts.drain, 0) };
  }

  get document(): Document {
    return this.contract.document;
  }

  get databaseUrl(): string {
    return this.inside.database.appUrl;
  }

  /** Of the superuser, who sees every row. */
  get adminUrl(): string {
    return this.inside.database.adminUrl;
  }

  practice(options: PracticeOptions = {}): Promise<Practice> {
    return createPractice(this.inside.pool, options);
  }

  /** A key, told once. */
  async key(practice: Practice, scopes: readonly Scope[] = SCOPES): Promise<{ text: string; id: string }> {
    const id = newId();
    const { text, secretHash } = issueApiKey(practice.organization, id);
    await this.sql(
      practice,
      'INSERT INTO api_key (organization_id, id, label, secret_hash, scopes) VALUES ($1, $2, $3, $4, $5)',
      [practice.organization, id, 'test', secretHash, scopes],
    );
    const { pool } = this.inside;
    await inTenant(pool, practice.organization, (client) =>
      grantEverything(client, practice.organization, { application: id }),
    );
    return { text, id };
  }

  /** Waits until the log of events shows all of them: not before every older transaction on the whole server has ended (docs/adr/0004). */
  async eventsShown(practice: Practice): Promise<void> {
    const withheld = 'SELECT 1 FROM event WHERE organization_id = $1 AND transaction_id >= event_horizon() LIMIT 1';
    for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50))
      if ((await this.sql(practice, withheld, [practice.organization])).length === 0) return;
    throw new Error('events were never shown');
  }

  async sql(practice: Practice, text: string, values: unknown[] = []): Promise<unknown[]> {
    return inTenant(
      this.inside.pool,
      practice.organization,
      async (client) => (await client.query<Record<string, unknown>>(text, values)).rows,
    );
  }

  /** Asks as an application with this key, in the name of the practice's collaborator; a fresh Idempotency-Key on each POST. */
  async client(practice: Practice, scopes: readonly Scope[] = SCOPES): Promise<Client> {
    const { text } = await this.key(practice, scopes);
    return (method, path, { headers = {}, body } = {}) =>
      this.ask(method, path, {
        body,
        headers: {
          authorization: `Bearer ${text}`,
          'unisson-collaborator': practice.collaborator,
          ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
          ...headers,
        },
      });
  }

  /** Sends one request, and throws when the answer breaks the published document. */
  async ask(method: string, path: string, { headers = {}, body }: Ask, url = this.url): Promise<Answer> {
    const sent = Object.fromEntries(
      Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const payload = raw ? (body as string | Uint8Array<ArrayBuffer> | undefined) : JSON.stringify(body);
    const answer = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...sent },
      ...(payload === undefined ? {} : { body: payload }),
    });
    const text = await answer.text();
    const type = answer.headers.get('content-type') ?? '';
    const faults = this.contract.judge({ method, url: path }, { status: answer.status, type, body: text });
    if (faults.length > 0) throw new Error(`the answer breaks the document: ${faults.join('; ')}\n${text}`);
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      text,
      json: /json\b/.test(type) ? JSON.parse(text) : null,
    };
  }

  logged(): string {
    return this.inside.lines.join('');
  }

  async stop(): Promise<void> {
    await shutDown(this.inside.app, this.parts.drain, 0);
    await this.inside.pool.end();
    await this.inside.database.drop();
  }
}

/** The simulated in-house agenda, with one agenda in it. */
export class Simulator {
  static readonly agendaId = 'agenda-1';
  static readonly apiKey = 'simulator-key';

  private constructor(
    readonly url: string,
    private readonly server: FastifyInstance,
  ) {}

  static async start(): Promise<Simulator> {
    const server = createMockVendors();
    const simulator = new Simulator(await server.listen({ host: '127.0.0.1', port: 0 }), server);
    await simulator.control('seed', {
      agendas: [{ id: Simulator.agendaId, name: 'Dr Martin', zone: 'Europe/Paris', apiKey: Simulator.apiKey }],
    });
    return simulator;
  }

  get account(): { connector: string; settings: object; secrets: object } {
    return {
      connector: 'in-house',
      settings: { baseUrl: `${this.url}/in-house/api` },
      secrets: { apiKey: Simulator.apiKey },
    };
  }

  /** The backend is well again. */
  async heal(): Promise<void> {
    await fetch(`${this.url}/in-house/__control/faults`, { method: 'DELETE' });
  }

  async control(action: string, body: unknown): Promise<void> {
    const answer = await fetch(`${this.url}/in-house/__control/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`control ${action}: ${await answer.text()}`);
  }

  async entries(): Promise<{ id: string; start: number; end: number; title: string; deleted?: boolean }[]> {
    const answer = await fetch(`${this.url}/in-house/__control/dump`);
    return ((await answer.json()) as { entries: [] }).entries;
  }

  async stop(): Promise<void> {
    await this.server.close();
  }
}
