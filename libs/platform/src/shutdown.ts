import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import type { Drain } from './drain.js';
import type { Logger } from './logging.js';

/** Time for whoever routes requests here to notice that this process is no longer ready. */
const NOTICE_MS = 500;
const OPEN_REQUESTS_MS = 10_000;

interface ClosableServer {
  closeAllConnections(): void;
}

/** Not ready, then no new connections, then at most 10 s for open requests, then everything else (`onApplicationShutdown`). */
export async function shutDown(app: INestApplication, drain: Drain): Promise<void> {
  drain.begin();
  await sleep(NOTICE_MS);
  const server = app.getHttpServer() as ClosableServer;
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, OPEN_REQUESTS_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}

/** Ends the process in order on SIGTERM and SIGINT, and at once on a fault nobody caught. */
export function endOnSignals(app: INestApplication, parts: { drain: Drain; logger: Logger }): void {
  let ending = false;
  const end = (signal: string): void => {
    if (ending) return;
    ending = true;
    parts.logger.info({ signal }, 'shutting down');
    shutDown(app, parts.drain).then(
      () => process.exit(0),
      (error: unknown) => {
        parts.logger.error({ err: error }, 'could not shut down in order');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error: unknown) => {
      parts.logger.fatal({ err: error }, fault);
      process.exit(1);
    });
  }
}
