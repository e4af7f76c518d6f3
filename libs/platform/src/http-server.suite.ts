import { randomUUID } from 'node:crypto';
import { Body, Controller, Get, Module, Param, Post, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { z } from 'zod';
import { CallerParam, Public, Right } from './access.js';
import type { Caller } from './access.js';
import { Answers } from './answers.js';
import { issueApiKey } from './api-key.js';
import { AttemptGuard } from './attempts.js';
import { Authentication } from './authentication.js';
import { Drain } from './drain.js';
import { createHttpAdapter } from './http-server.js';
import { createLogger } from './logging.js';
import { Metrics } from './metrics.js';
import { buildDocument, serveDocument } from './openapi.js';
import { OperationsModule, Readiness } from './operations.js';
import { ProblemFilter } from './problem-filter.js';
import { RateLimiter } from './rate-limit.js';
import { ApiKeyRecogniser } from './recognisers.js';
import { InputPipe, line, repeatable, wholeNumber } from './validation.js';

const noteSchema = z
  .strictObject({
    text: line(20),
    tags: z.array(line(10)).max(3).optional(),
    at: z.strictObject({ place: line(10) }).optional(),
  })
  .meta({ id: 'NewNote' });
const noteView = z.object({ text: z.string(), by: z.string() }).meta({ id: 'Note' });
const querySchema = z.strictObject({ limit: wholeNumber(1, 100).optional(), tag: repeatable(line(10), 2).optional() });

@Controller('notes')
class NotesController {
  @Post()
  @Right('appointment:write', 'see-busy')
  @Answers({ 201: noteView })
  write(@Body({ schema: noteSchema }) note: z.output<typeof noteSchema>, @CallerParam() caller: Caller): object {
    return { text: note.text, by: caller.collaboratorId, secret: 'never shown' };
  }

  @Get()
  @Right('agenda:read', 'see-busy', { query: true })
  @Answers({ 200: z.object({ query: z.unknown() }) })
  list(@Query({ schema: querySchema }) query: z.output<typeof querySchema>): object {
    return { query };
  }

  @Get('undeclared')
  undeclared(): object {
    return {};
  }

  @Get('fault')
  @Right('agenda:read', 'see-busy')
  fault(): object {
    throw Object.assign(new Error('CANARY'), { detail: 'CANARY' });
  }

  @Get(':id')
  @Right('agenda:read', 'see-busy')
  @Answers({ 200: z.object({ id: z.string() }) })
  one(@Param({ schema: z.strictObject({ id: z.uuid() }) }) { id }: { id: string }): object {
    return { id };
  }

  @Post('raw')
  @Public({ rawBody: true })
  @Answers({ 201: z.object({ bytes: z.number() }) })
  raw(@Body() body: unknown): object {
    return { bytes: Buffer.isBuffer(body) ? body.length : -1 };
  }
}

export const organizationId = randomUUID();
const keyId = randomUUID();
export const collaboratorId = randomUUID();
export const writer = issueApiKey(organizationId, keyId);
export const revoked = issueApiKey(organizationId, randomUUID());
export const busy = issueApiKey(organizationId, randomUUID());
const hashes = new Map([writer, revoked, busy].map(({ text, secretHash }) => [text, secretHash]));

const keys = {
  find: (
    organization: string,
    id: string,
  ): Promise<{ secretHash: Buffer; scopes: string[]; audience: 'SECRETARIAT'; revoked: boolean } | null> => {
    for (const [text, secretHash] of hashes) {
      const named = Buffer.from(text.slice(8, 51), 'base64url').toString('hex');
      if (named === `${organization}${id}`.replaceAll('-', '')) {
        return Promise.resolve({
          secretHash,
          scopes: ['agenda:read', 'appointment:write'],
          audience: 'SECRETARIAT',
          revoked: text === revoked.text,
        });
      }
    }
    return Promise.resolve(null);
  },
};

const guard = new AttemptGuard(
  {
    failed: () => Promise.resolve({ waitMs: 0, locked: false }),
    succeeded: () => Promise.resolve({ waitMs: 0 }),
    tellLocked: () => Promise.resolve(),
  },
  { perMinute: 10, pepper: Buffer.alloc(32) },
);

export const headers = { authorization: `Bearer ${writer.text}`, 'unisson-collaborator': collaboratorId };

export interface Asked {
  readonly headers?: Record<string, string>;
  readonly payload?: string | Buffer | object;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  json(): Record<string, unknown>;
}

export interface NotesApp {
  readonly app: NestFastifyApplication;
  readonly drain: Drain;
  /** What the readiness check finds; switch it off to fail. */
  readonly works: { database: boolean };
  logged(): string;
  ask(method: 'GET' | 'POST', url: string, asked?: Asked): Promise<Answered>;
}

/** A small application with one route of each kind, to try the conventions on. */
export async function startNotes(): Promise<NotesApp> {
  const logged: string[] = [];
  const metrics = new Metrics('test');
  const adapter = createHttpAdapter({
    metrics,
    authentication: new Authentication([new ApiKeyRecogniser(keys, guard)], {
      isActive: (_, id) => Promise.resolve(id === collaboratorId),
      mandated: () => Promise.resolve(false),
    }),
    rateLimiter: new RateLimiter(200, () => 0),
  });
  const works = { database: true };
  const readiness = new Readiness(() => (works.database ? Promise.resolve(works) : Promise.reject(new Error('away'))));
  const drain = new Drain();
  const operations = OperationsModule.with({ readiness, drain, metrics });
  @Module({ imports: [operations], controllers: [NotesController] })
  class NotesModule {}
  const app = await NestFactory.create<NestFastifyApplication>(NotesModule, adapter, {
    bodyParser: false,
    logger: false,
  });
  app.useGlobalPipes(new InputPipe());
  const logger = createLogger({ level: 'trace', name: 'test' }, { write: (text) => void logged.push(text) });
  app.useGlobalFilters(new ProblemFilter(logger));
  serveDocument(app, () => buildDocument(app, { title: 'Test', description: '', version: '1' }));
  await app.listen(0, '127.0.0.1');
  return {
    app,
    drain,
    works,
    logged: () => logged.join(''),
    ask: async (method, url, { headers: sent = headers, payload } = {}) => {
      const answer = await app.inject({ method, url, headers: sent, ...(payload === undefined ? {} : { payload }) });
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.body,
        json: () => answer.json<Record<string, unknown>>(),
      };
    },
  };
}
