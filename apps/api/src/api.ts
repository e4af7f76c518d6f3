import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import {
  buildDocument,
  createHttpAdapter,
  InputPipe,
  NestLogger,
  ProblemFilter,
  recordReadings,
  serveDocument,
  type Logger,
} from '#platform';
import { AppModule } from './app.module.js';
import type { ApiParts } from './composition.js';

const ABOUT = {
  title: 'Unisson',
  version: '1',
  description:
    "One API for every practitioner's agenda: find a slot, hold it, book, move, cancel. " +
    'Instants are RFC 3339 with the offset of the place of consultation, intervals are half-open `[start, end)`. ' +
    'Errors are problem details (RFC 9457) with a stable `type`. The acting collaborator is named on every write.',
};

/** Writes here are events of the very objects that they answer. */
const CHANGES = /^\/v1\/(appointments|holds|series|waiting-list|conflicts|callback-tasks|bulk-cancellations)\b/;

/** The application, ready to listen; and its document, which is made once: by whoever asks first. */
export async function createApi(
  parts: ApiParts,
  logger: Logger,
): Promise<{ readonly app: NestFastifyApplication; readonly document: () => OpenAPIObject }> {
  const { metrics, rateLimiter, trustedProxies } = parts;
  const { authentication } = parts.recognition;
  const adapter = createHttpAdapter({ metrics, authentication, rateLimiter, trustedProxies });
  recordReadings(adapter.getInstance(), parts.audit, CHANGES);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(parts), adapter, {
    bodyParser: false,
    logger: new NestLogger(logger),
  });
  app.useGlobalPipes(new InputPipe());
  app.useGlobalFilters(new ProblemFilter(logger));
  let made: OpenAPIObject | undefined;
  const document = (): OpenAPIObject => (made ??= buildDocument(app, ABOUT));
  serveDocument(app, document);
  return { app, document };
}
