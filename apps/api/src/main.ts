import 'reflect-metadata';
import { createLogger, endOnSignals, loadEnvironment } from '#platform';
import { createApi } from './api.js';
import { openParts } from './composition.js';

async function main(): Promise<void> {
  const environment = loadEnvironment();
  const logger = createLogger({ level: environment.LOG_LEVEL, name: 'api' });
  const parts = await openParts(environment, logger);
  const { app, document } = await createApi(parts, logger);
  endOnSignals(app, { drain: parts.drain, logger });
  // It takes half a second, for which bookings would wait once somebody is served.
  document();
  await app.listen(environment.PORT, environment.HOST);
  logger.info({ url: await app.getUrl() }, 'api ready');
}

main().catch((error: unknown) => {
  process.stderr.write(`api: ${error instanceof Error ? error.message : 'cannot start'}\n`);
  process.exit(1);
});
