import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import type { Drain } from './drain.js';
import type { Logger } from './logging.js';
import { closeUnusedConnections } from './open-connections.js';

/** Time for whoever routes requests here to notice that this process is no longer ready. */
const NOTICE_MS = 500;
const OPEN_REQUESTS_MS = 10_000;
const SWEEP_MS = 50;

/**
 * Not ready, then no new connections, then at most 10 s for open requests, then everything else
 * (`onApplicationShutdown`). `noticeMs`: time for whoever routes requests here to notice.
 */
export async function shutDown(app: INestApplication, drain: Drain, noticeMs = NOTICE_MS): Promise<void> {
  drain.begin();
  await sleep(noticeMs);
  const server = app.getHttpServer() as Server;
  // A connection whose last answer ends only now would otherwise be kept alive for the next one.
  const sweep = setInterval(() => {
    closeUnusedConnections(server);
  }, SWEEP_MS);
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, OPEN_REQUESTS_MS);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
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
