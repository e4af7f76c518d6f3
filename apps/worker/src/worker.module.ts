import { type DynamicModule, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { OperationsModule, Readiness } from '#platform';
import type { WorkerParts } from './composition.js';
import { Ticks } from './ticks.js';

class Ending implements OnApplicationShutdown {
  constructor(private readonly parts: WorkerParts) {}

  onApplicationShutdown(): Promise<void> {
    return this.parts.close();
  }
}

/** Ticks, health and metrics; everything else was put together before. */
@Module({})
export class WorkerModule {
  static with(parts: WorkerParts): DynamicModule {
    const readiness = new Readiness(() => parts.ready());
    return {
      module: WorkerModule,
      imports: [
        ScheduleModule.forRoot({ cronJobs: false, timeouts: false }),
        OperationsModule.with({ readiness, drain: parts.drain, metrics: parts.metrics }),
      ],
      providers: [
        { provide: Ticks, useFactory: () => parts.ticks },
        { provide: Ending, useFactory: () => new Ending(parts) },
      ],
    };
  }
}
