import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createHttpAdapter, createLogger, endOnSignals, loadEnvironment, NestLogger, ProblemFilter } from '#platform';
import { openWorker } from './composition.js';
import { WorkerModule } from './worker.module.js';

async function main(): Promise<void> {
  const environment = loadEnvironment();
  const logger = createLogger({ level: environment.LOG_LEVEL, name: 'worker' });
  const parts = await openWorker(environment, logger);
  const { metrics, drain } = parts;
  const app = await NestFactory.create<NestFastifyApplication>(
    WorkerModule.with(parts),
    createHttpAdapter({ metrics }),
    {
      bodyParser: false,
      logger: new NestLogger(logger),
    },
  );
  app.useGlobalFilters(new ProblemFilter(logger));
  endOnSignals(app, { drain, logger });
  await app.listen(environment.WORKER_PORT, environment.HOST);
  logger.info({ host: environment.HOST, port: environment.WORKER_PORT }, 'worker ready');
}

main().catch((error: unknown) => {
  process.stderr.write(`worker: ${error instanceof Error ? error.message : 'cannot start'}\n`);
  process.exit(1);
});
