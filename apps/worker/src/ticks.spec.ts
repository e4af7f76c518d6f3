import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Alarm, DueWork, type JobDefinition } from '#application';
import { createLogger, Drain, Metrics } from '#platform';
import { QueueUnavailableError, type WorkersState } from '#queue';
import { Dispatch } from './dispatch.js';
import { createHandlers, type Work } from './handlers.js';
import { JobMetrics } from './job-metrics.js';
import { Ticks } from './ticks.js';

interface Lane {
  organizationId: string;
  agendaId: string;
}

class FakeAlarm extends Alarm {
  failure: Error | null = null;
  readonly woken: { job: string; data: unknown }[] = [];

  async wake<Data>(job: JobDefinition<Data>, data: Data): Promise<void> {
    if (this.failure !== null) throw this.failure;
    this.woken.push({ job: job.name, data });
  }
}

class FakeDueWork extends DueWork {
  due: readonly Lane[] = [];
  failure: Error | null = null;
  asked = 0;

  async lanes(): Promise<readonly Lane[]> {
    this.asked += 1;
    if (this.failure !== null) throw this.failure;
    return this.due;
  }
  async links(): Promise<readonly { organizationId: string; linkId: string; full: boolean }[]> {
    return this.due.map(({ organizationId, agendaId }) => ({ organizationId, linkId: agendaId, full: false }));
  }
  async holds(): Promise<readonly Lane[]> {
    return this.due;
  }
  async openings(): Promise<readonly Lane[]> {
    return this.due;
  }
  async vacancies(): Promise<readonly Lane[]> {
    return this.due;
  }
  async removals(): Promise<readonly { organizationId: string; linkId: string }[]> {
    return this.due.map(({ organizationId, agendaId }) => ({ organizationId, linkId: agendaId }));
  }
  async watched(): Promise<readonly { organizationId: string }[]> {
    return this.due.map(({ organizationId }) => ({ organizationId }));
  }
  organizations(): Promise<readonly { organizationId: string }[]> {
    return this.watched();
  }
  rotations(): Promise<readonly { organizationId: string }[]> {
    return this.watched();
  }
  async overbookings(): Promise<readonly { organizationId: string }[]> {
    return this.due.map(({ organizationId }) => ({ organizationId }));
  }
  async bulks(): Promise<readonly { organizationId: string; bulkId: string }[]> {
    return this.due.map(({ organizationId, agendaId }) => ({ organizationId, bulkId: agendaId }));
  }
  async series(): Promise<readonly { organizationId: string; seriesId: string }[]> {
    return this.due.map(({ organizationId, agendaId }) => ({ organizationId, seriesId: agendaId }));
  }
  async unsealed(): Promise<readonly { organizationId: string }[]> {
    return this.due.map(({ organizationId }) => ({ organizationId }));
  }
  async reconciles(): Promise<readonly { organizationId: string; linkId: string }[]> {
    return this.subscriptions();
  }
  async subscriptions(): Promise<readonly { organizationId: string; linkId: string }[]> {
    return this.due.map(({ organizationId, agendaId }) => ({ organizationId, linkId: agendaId }));
  }
}

const lane = (): Lane => ({ organizationId: randomUUID(), agendaId: randomUUID() });

function setUp(run: (lane: Lane) => Promise<void> = async () => undefined) {
  const log: string[] = [];
  const done: string[] = [];
  const logger = createLogger({ level: 'trace', name: 'test' }, { write: (text) => void log.push(text) });
  const drained = async (data: Lane): Promise<void> => {
    done.push(data.agendaId);
    await run(data);
  };
  const work: Work = {
    drainLane: drained,
    expireHolds: drained,
    extendOpenings: drained,
    syncLink: async () => undefined,
    cleanUp: async () => undefined,
    watchLinks: async () => undefined,
    renewSubscription: async () => undefined,
    reconcileLink: async () => undefined,
    forgetAnswers: async () => undefined,
    offerWaiting: async () => undefined,
    tellOverbookings: async () => undefined,
    rotateKeys: async () => undefined,
    retainIdentities: async () => undefined,
    settleSeries: async () => undefined,
    runBulk: async () => undefined,
    sealAudit: async () => undefined,
    keepAudit: async () => undefined,
  };
  const alarm = new FakeAlarm();
  const due = new FakeDueWork();
  const drain = new Drain();
  const state: { value: WorkersState } = { value: 'running' };
  const handlers = createHandlers(work, new JobMetrics(new Metrics('test')));
  const dispatch = new Dispatch({ alarm, handlers, workersState: () => state.value, logger });
  const ticks = new Ticks({ due, dispatch, drain, logger });
  return { alarm, due, drain, dispatch, ticks, state, log, done };
}

describe('a tick', () => {
  it('only wakes', async () => {
    const { ticks, due, alarm, done } = setUp();
    due.due = [lane(), lane()];
    await ticks.lanes();
    await ticks.links();
    await ticks.holds();
    await ticks.openings();
    await ticks.removals();
    await ticks.lights();
    await ticks.subscriptions();
    await ticks.reconciles();
    await ticks.answers();
    expect(alarm.woken.map(({ job }) => job)).toEqual(
      [
        'drain-lane',
        'sync-link',
        'expire-holds',
        'extend-openings',
        'clean-up',
        'watch-links',
        'renew-subscription',
        'reconcile-link',
        'forget-answers',
      ].flatMap((job) => [job, job]),
    );
    expect(done).toEqual([]);
  });

  it('does the work in this process while the queue is away, a few at once', async () => {
    const waiting: (() => void)[] = [];
    const { ticks, due, alarm, dispatch, done, log } = setUp(() => new Promise((resolve) => waiting.push(resolve)));
    alarm.failure = new QueueUnavailableError('away');
    due.due = Array.from({ length: 100 }, lane);
    await ticks.lanes();
    expect(done).toHaveLength(16);
    await ticks.lanes();
    expect(done).toHaveLength(16);
    for (const finish of waiting.splice(0)) finish();
    await dispatch.drained();
    due.due = due.due.slice(16, 20);
    await ticks.lanes();
    expect(done).toHaveLength(20);
    expect(log.filter((line) => line.includes('not reachable'))).toHaveLength(1);
  });

  it('goes back to the queue when it is there again', async () => {
    const { ticks, due, alarm, done, log } = setUp();
    alarm.failure = new QueueUnavailableError('away');
    due.due = [lane()];
    await ticks.lanes();
    alarm.failure = null;
    await ticks.lanes();
    expect([done.length, alarm.woken.length]).toEqual([1, 1]);
    expect(log.some((line) => line.includes('reachable again'))).toBe(true);
  });

  it('does the work here while the clock is wrong: this may be the only process', async () => {
    const { ticks, due, alarm, state, done } = setUp();
    state.value = 'skewed';
    due.due = [lane()];
    await ticks.lanes();
    expect([done.length, alarm.woken.length]).toEqual([1, 0]);
  });

  it('survives a job that fails here', async () => {
    const { ticks, due, alarm, dispatch, log } = setUp(() => Promise.reject(new Error('broken')));
    alarm.failure = new QueueUnavailableError('away');
    due.due = [lane()];
    await ticks.lanes();
    await dispatch.drained();
    expect(log.some((line) => line.includes('broken'))).toBe(true);
  });

  it('says once that the database is away', async () => {
    const { ticks, due, log } = setUp();
    due.failure = new Error('down');
    await ticks.lanes();
    await ticks.lanes();
    due.failure = null;
    await ticks.lanes();
    expect(log.filter((line) => line.includes('cannot look')).length).toBe(1);
    expect(log.filter((line) => line.includes('due work again')).length).toBe(1);
  });

  it('does not overlap itself, and stops when the process drains', async () => {
    const { ticks, due, drain } = setUp();
    await Promise.all([ticks.lanes(), ticks.lanes()]);
    expect(due.asked).toBe(1);
    await turn();
    drain.begin();
    await ticks.lanes();
    expect(due.asked).toBe(1);
  });
});
