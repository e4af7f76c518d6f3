export interface PostgresOptions {
  /** Folder that keeps the data; without it a temporary one, removed by `stop()`. */
  dir?: string;
  /** TCP port on 127.0.0.1; without it a free one. */
  port?: number;
  /** `trust` (default) lets every local user in; with a password, SCRAM is asked of everyone. */
  password?: string;
  /** `false` switches fsync off: several times faster, and a power cut loses the data. Default `true`. */
  durable?: boolean;
  /** Further postgresql.conf values. */
  settings?: Record<string, string | number>;
  /** Folder with the `bin` of another PostgreSQL than that of npm. */
  native?: string;
}

export interface PostgresServer {
  readonly port: number;
  readonly dir: string;
  readonly pid: number;
  /** Connection URL of the superuser `postgres`. */
  url(database?: string): string;
  /** Connection URL of another role, without a password unless one is given. */
  urlFor(database: string, role: string, password?: string): string;
  start(): Promise<void>;
  /** Fast shutdown and start: clients are cut off. */
  restart(): Promise<void>;
  /** Power cut: every server process is killed at once. `start()` recovers. */
  crash(): Promise<void>;
  /** Every server process stops answering, connections stay open. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
  /** Calls back when the server ends without having been told to. */
  onUnexpectedExit(listener: (reason: string) => void): void;
}

export class PostgresError extends Error {}

export function startPostgres(options?: PostgresOptions): Promise<PostgresServer>;
