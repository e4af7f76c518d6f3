import type { Duplex } from 'node:stream';
import { escapeLiteral, Pool, type PoolClient, type QueryResultRow } from 'pg';
import { sightOf } from '#application';
import { storeError } from './errors.js';

export interface DatabaseSettings {
  readonly url: string;
  readonly poolSize: number;
  readonly applicationName: string;
}

/** A prepared statement: parsed once per connection under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A transaction that sees one organization. */
export interface Transaction {
  query<Row extends QueryResultRow>(text: string | Statement, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * Time limits on the server's side (milliseconds), so that no request hangs on a lock or a forgotten transaction; and no
 * compiling of queries that are answered in less time than that takes.
 */
const SERVER_LIMITS =
  '-c jit=off -c statement_timeout=5000 -c lock_timeout=4000 -c idle_in_transaction_session_timeout=10000';
/** A named statement is planned once per connection, not five times anew before its plan is kept. */
const PLANNED_ONCE = 'SET LOCAL plan_cache_mode = force_generic_plan';
const QUERY_TIMEOUT_MS = 6_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The application's side of PostgreSQL: a hardened pool, and transactions that row-level security can see. */
export class Database {
  private constructor(
    private readonly pool: Pool,
    private readonly limited = false,
  ) {}

  /** Throws StoreUnavailable when the database cannot be reached. */
  static async open({ url, poolSize, applicationName }: DatabaseSettings): Promise<Database> {
    const pool = new Pool({
      connectionString: url,
      application_name: applicationName,
      max: poolSize,
      options: SERVER_LIMITS,
      query_timeout: QUERY_TIMEOUT_MS,
      // What need not wait for the answer before it goes out in one piece with it.
      pipeline: true,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      idleTimeoutMillis: 30_000,
    });
    // Without a handler, a restart of PostgreSQL would end the process; the pool replaces the lost connection.
    pool.on('error', () => undefined);
    const database = new Database(pool);
    try {
      await database.ping();
    } catch (error) {
      await pool.end();
      throw error;
    }
    return database;
  }

  /** The same, for what people ask: inside a request it shows the agendas that the request may see, and no others. */
  forRequests(): Database {
    return new Database(this.pool, true);
  }

  /** One statement in its own transaction; the statement itself must name its organization (see the SQL functions). */
  async call<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    const sight = this.sight();
    if (sight !== '') return this.inOnePiece(`BEGIN${sight}`, statement, values);
    try {
      return (await this.pool.query<Row>({ ...statement, values: [...values] })).rows;
    } catch (error) {
      throw storeError(error);
    }
  }

  /** A transaction (READ COMMITTED) in which only rows of this organization exist. */
  withOrganization<T>(organizationId: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.transaction(beginAs(organizationId) + this.sight() + acting(), work);
  }

  /** One statement in a transaction in which only rows of this organization exist, in one round trip. */
  one<Row extends QueryResultRow>(
    organizationId: string,
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    return this.inOnePiece(`${beginAs(organizationId)}${this.sight()}; ${PLANNED_ONCE}`, statement, values);
  }

  private async inOnePiece<Row extends QueryResultRow>(
    begin: string,
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const client = await this.connect();
    sendInOnePiece(client);
    const asked = [
      client.query(begin),
      client.query<Row>({ ...statement, values: [...values] }),
      client.query('COMMIT'),
    ];
    const [begun, answer, committed] = await Promise.allSettled(asked);
    for (const part of [begun, answer, committed]) {
      if (part?.status !== 'rejected') continue;
      // After an error of PostgreSQL's, COMMIT has rolled back.
      client.release(committed?.status === 'rejected');
      throw storeError(part.reason);
    }
    client.release();
    return answer?.status === 'fulfilled' ? (answer.value.rows as Row[]) : [];
  }

  /** A transaction that sees which rows are due in any organization, and nothing of their content. */
  asDispatcher<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.transaction('BEGIN; SET LOCAL ROLE unisson_dispatcher', work);
  }

  async ping(): Promise<void> {
    await this.call({ name: 'ping', text: 'SELECT 1' }, []);
  }

  /** Connections: in all, idle, and requests waiting for one. */
  load(): { total: number; idle: number; waiting: number } {
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount };
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  /** What narrows a transaction to the agendas of the running request; nothing where all are meant. */
  private sight(): string {
    const agendas = this.limited ? (sightOf()?.agendas ?? null) : null;
    if (agendas === null) return '';
    if (!agendas.every((id) => UUID.test(id))) throw new TypeError('an agenda is named by a lower-case UUID');
    return `; SET LOCAL app.agendas = '{${agendas.join(',')}}'`;
  }

  private connect(): Promise<PoolClient> {
    return this.pool.connect().catch((error: unknown) => {
      throw storeError(error);
    });
  }

  private async transaction<T>(begin: string, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const client = await this.connect();
    sendInOnePiece(client);
    try {
      const begun = client.query(begin);
      // Whoever fails first, nothing may be using the connection any more when it goes back to the pool.
      begun.catch(() => undefined);
      const result = await work(transactionOn(client));
      await begun;
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      const usable = await client.query('ROLLBACK').then(
        () => true,
        () => false,
      );
      client.release(!usable);
      throw storeError(error);
    }
  }
}

/** What is asked in this turn of the event loop leaves as one packet, and wakes PostgreSQL once. */
function sendInOnePiece(client: PoolClient): void {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Duplex } }).connection;
  stream.cork();
  process.nextTick(() => {
    stream.uncork();
  });
}

/** Names whoever makes the running request to the triggers that put changes on record. */
function acting(): string {
  const actor = sightOf()?.actor;
  return actor === undefined ? '' : `; SET LOCAL app.actor = ${escapeLiteral(JSON.stringify(actor))}`;
}

function beginAs(organizationId: string): string {
  if (!UUID.test(organizationId)) throw new TypeError('an organization is named by a lower-case UUID');
  return `BEGIN; SET LOCAL app.organization = '${organizationId}'`;
}

function transactionOn(client: PoolClient): Transaction {
  return {
    async query<Row extends QueryResultRow>(
      statement: string | Statement,
      values: readonly unknown[] = [],
    ): Promise<Row[]> {
      const config = typeof statement === 'string' ? { text: statement } : statement;
      return (await client.query<Row>({ ...config, values: [...values] })).rows;
    },
  };
}
