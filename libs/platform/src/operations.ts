import { Controller, Get, Header, HttpCode, Module, Res } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Public } from './access.js';
import { Answers } from './answers.js';
import { Drain } from './drain.js';
import { Metrics } from './metrics.js';

/** What must work before this process can take requests: one name per dependency. */
export class Readiness {
  constructor(readonly check: () => Promise<Readonly<Record<string, boolean>>>) {}
}

const CHECK_LIMIT_MS = 2000;

const liveSchema = z.object({ status: z.literal('live') }).meta({ id: 'Live' });
const readySchema = z
  .object({ status: z.enum(['ready', 'not-ready']), checks: z.record(z.string(), z.boolean()) })
  .meta({ id: 'Ready' });

@Controller('health')
class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly drain: Drain,
  ) {}

  /** The process runs. */
  @Get('live')
  @Public()
  @Answers({ 200: liveSchema })
  live(): z.input<typeof liveSchema> {
    return { status: 'live' };
  }

  /** The process can take requests. */
  @Get('ready')
  @Public()
  @Answers({ 200: readySchema, 503: readySchema })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<z.input<typeof readySchema>> {
    const checks = { ...(await this.bounded()), accepting: !this.drain.draining };
    const ready = Object.values(checks).every(Boolean);
    void reply.code(ready ? 200 : 503);
    return { status: ready ? 'ready' : 'not-ready', checks };
  }

  /** A check that hangs says no: whoever asks has a time limit too. */
  private async bounded(): Promise<Readonly<Record<string, boolean>>> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Record<string, boolean>>((resolve) => {
      timer = setTimeout(resolve, CHECK_LIMIT_MS, { answering: false });
    });
    try {
      return await Promise.race([this.readiness.check(), late]);
    } catch {
      return { answering: false };
    } finally {
      clearTimeout(timer);
    }
  }
}

@Controller('metrics')
class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Public()
  @HttpCode(200)
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @ApiExcludeEndpoint()
  text(): Promise<string> {
    return this.metrics.text();
  }
}

/** Health and metrics routes, the same in every process. */
@Module({})
export class OperationsModule {
  static with(parts: { readiness: Readiness; drain: Drain; metrics: Metrics }): DynamicModule {
    return {
      module: OperationsModule,
      controllers: [HealthController, MetricsController],
      providers: [
        { provide: Readiness, useValue: parts.readiness },
        { provide: Drain, useValue: parts.drain },
        { provide: Metrics, useValue: parts.metrics },
      ],
    };
  }
}
