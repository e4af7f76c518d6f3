/** Where the database is: `ownerUrl` may change the schema, `appUrl` is what the running hub uses (user `unisson_app`). */
export interface DatabaseUrls {
  readonly ownerUrl: string;
  readonly appUrl: string;
}

const APP_ROLE = 'unisson_app';

/**
 * Brings the schema to the newest version, and lets the application's role in with the password of `appUrl`.
 * Throws when `appUrl` names another user: row-level security is written for that role alone.
 */
export async function migrate({ ownerUrl, appUrl }: DatabaseUrls): Promise<void> {
  const app = new URL(appUrl);
  if (app.username !== APP_ROLE)
    throw new Error(`the application must connect as ${APP_ROLE}, not as "${app.username}"`);
  // Only loaded here: what the running hub does not need is not in its memory.
  const [{ DataSource }, { migrations }] = await Promise.all([import('typeorm'), import('./migrations/index.js')]);
  const source = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    migrations,
    migrationsTransactionMode: 'each',
    logging: ['error'],
  });
  await source.initialize();
  try {
    await source.query('SELECT pg_advisory_lock(5071)');
    await source.runMigrations();
    if (app.password !== '') {
      const [{ quoted }] = await source.query<[{ quoted: string }]>('SELECT quote_literal($1) AS quoted', [
        decodeURIComponent(app.password),
      ]);
      await source.query(`ALTER ROLE ${APP_ROLE} PASSWORD ${quoted}`);
    }
  } finally {
    await source.destroy();
  }
}
