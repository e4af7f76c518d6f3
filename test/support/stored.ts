import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';

/** Every row of every table in a database as text, whatever its schema; bytes are in hexadecimal. */
export async function everythingStored(adminUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    const lines: string[] = [];
    for (const { name } of rows) {
      const all = await client.query<{ line: string }>(`SELECT t::text AS line FROM ${name} t`);
      lines.push(...all.rows.map(({ line }) => `${name} ${line}`));
    }
    return lines.join('\n');
  } finally {
    await client.end();
  }
}

/** From now on the server writes every statement of a database into its log, parameters included. */
export async function logStatements(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  await client.query(`ALTER DATABASE "${new URL(adminUrl).pathname.slice(1)}" SET log_statement = 'all'`);
  await client.end();
}

/** What the test run's PostgreSQL has logged. */
export function serverLog(): string {
  const file = process.env['UNISSON_TEST_POSTGRES_LOG'];
  if (file === undefined) throw new Error('UNISSON_TEST_POSTGRES_LOG must name the log of UNISSON_TEST_POSTGRES');
  return readFileSync(file, 'latin1');
}

/** Every file under a folder. */
export function filesUnder(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, 'latin1'))
    .join('\n');
}

/** Which of the markers stand anywhere in the places, as they are, or as the bytes they are. */
export function markersIn(places: Readonly<Record<string, string>>, markers: readonly string[]): string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    markers.flatMap((marker) => {
      const forms = [marker, Buffer.from(marker).toString('latin1'), Buffer.from(marker).toString('hex')];
      return forms.some((form) => text.includes(form)) ? [`${marker} in ${place}`] : [];
    }),
  );
}
