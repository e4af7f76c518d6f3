import { ConnectorError, type Connector, type ConnectorContext, type RemoteAgenda, type Session } from '#connector-sdk';
import type { Interval } from '#domain';
import { issuesOf, type ConnectionProblem, type ConnectionStore } from './connections.js';
import { newId } from './ids.js';
import type { Backend, Backends, Effects, Failure } from './ports.js';
import { failureOf } from './sync-link.js';

const DAY = 86_400_000;
/** What is read: the coming days. */
const READ_DAYS = 7;
/** Where a trial writes: two years ahead, at five in the morning, seldom twice on one day. */
const FAR_DAYS = 730;
const SPREAD_DAYS = 28;
const FIVE_O_CLOCK = 5 * 3_600_000;
const VISIT_MS = 15 * 60_000;
const CALL_MS = 15_000;
const READ_MS = 30_000;

/** What a trial writes; nothing about anybody. */
const SUMMARY = 'Unisson : essai de connexion';

export type TrialStepName = 'credentials' | 'agendas' | 'entries' | 'create' | 'read-back' | 'cancel';

/** One step of a trial. */
export interface TrialStep {
  readonly step: TrialStepName;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** How many agendas, entries or unreadable entries were found; the account's name; the agenda's. */
  readonly found: {
    readonly account?: string;
    readonly agenda?: string;
    readonly count?: number;
    readonly unreadable?: number;
  };
  /** Why it failed, where a backend or its connector said so. */
  readonly failure: Failure | null;
  /** Why it failed or was skipped, where it was not the backend that said so. */
  readonly reason:
    | 'no-agenda'
    | 'agenda-unknown'
    | 'not-asked'
    | 'not-writable'
    | 'after-failure'
    | 'no-end'
    | 'not-found-again'
    | 'still-there'
    | null;
}

export interface Trial {
  /** True when no step failed. */
  readonly works: boolean;
  readonly steps: readonly TrialStep[];
  /** A visit of the trial that may still stand; a person looks. */
  readonly leftBehind: (Interval & { readonly agendaId: string }) | null;
}

/** What is asked of a trial. */
export interface TrialRequest {
  /** The remote agenda to try; `null` = the first one. */
  readonly agendaId: string | null;
  /** True: also create a visit on a far date, read it back and cancel it. */
  readonly write: boolean;
}

/** Tries backend accounts step by step, keeping nothing of what is read. */
export class ConnectionTrials {
  constructor(
    private readonly parts: {
      readonly connections: ConnectionStore;
      readonly connectors: ReadonlyMap<string, Connector>;
      readonly context: ConnectorContext;
      readonly backends: Backends;
      readonly effects: Effects;
    },
  ) {}

  /** An account that is not kept, before or after. */
  async unkept(
    account: { readonly connectorId: string; readonly settings: unknown; readonly secrets: unknown },
    request: TrialRequest,
  ): Promise<{ outcome: 'tried'; trial: Trial } | ConnectionProblem> {
    const { connectors, context, effects } = this.parts;
    const connector = connectors.get(account.connectorId);
    if (connector === undefined) return { outcome: 'connector-unknown' };
    const settings = connector.config.settings.safeParse(account.settings);
    const secrets = connector.config.secrets.safeParse(account.secrets);
    if (!settings.success || !secrets.success)
      return {
        outcome: 'invalid',
        issues: [...issuesOf('settings', settings.error), ...issuesOf('secrets', secrets.error)],
      };
    const capabilities = connector.capabilitiesOf?.(settings.data) ?? connector.capabilities;
    const session = connector.open({ settings: settings.data, secrets: secrets.data }, context);
    try {
      const trial = await new Course({ session, capabilities }, effects).run(request);
      return { outcome: 'tried', trial };
    } finally {
      session.close();
    }
  }

  /** A connection that is kept; its calls count like any other. */
  async kept(
    organizationId: string,
    id: string,
    request: TrialRequest,
  ): Promise<
    { outcome: 'tried'; trial: Trial } | { outcome: 'failed'; failure: Failure } | { outcome: 'connection-unknown' }
  > {
    const { connections, backends, effects } = this.parts;
    if ((await connections.account(organizationId, id)) === null) return { outcome: 'connection-unknown' };
    let backend: Backend;
    try {
      backend = await backends.open(organizationId, id);
    } catch (error) {
      return { outcome: 'failed', failure: failureOf(error) };
    }
    return { outcome: 'tried', trial: await new Course(backend, effects).run(request) };
  }
}

type Verdict = Partial<Pick<TrialStep, 'found' | 'reason'>>;

/** What a step finds out that is no failure of the backend. */
class Shortcoming extends Error {
  constructor(readonly verdict: Verdict & { readonly reason: TrialStep['reason'] }) {
    super(verdict.reason ?? '');
  }
}

/** One trial under way. */
class Course {
  private readonly steps: TrialStep[] = [];
  private leftBehind: Trial['leftBehind'] = null;
  private readonly session: Session;

  constructor(
    private readonly backend: Backend,
    private readonly effects: Effects,
  ) {
    this.session = backend.session;
  }

  async run(request: TrialRequest): Promise<Trial> {
    const { session, effects } = this;
    await this.step('credentials', async () => {
      const { account } = await session.verify(effects.deadline(CALL_MS));
      return { verdict: { found: { account } }, value: null };
    });
    const agenda = await this.step('agendas', () => this.chosen(request.agendaId));
    const read = agenda && (await this.step('entries', () => this.read(agenda)));
    if (read === null || agenda === null)
      for (const step of ['entries', 'create'] as const) this.skip(step, 'after-failure');
    else if (!request.write) this.skip('create', 'not-asked');
    else if (!agenda.writable || this.backend.capabilities.write === 'none') this.skip('create', 'not-writable');
    else await this.write(agenda);
    for (const step of ['read-back', 'cancel'] as const) this.skip(step, this.reasonOf('create') ?? 'after-failure');
    return {
      works: this.steps.every(({ outcome }) => outcome !== 'failed'),
      steps: this.steps,
      leftBehind: this.leftBehind,
    };
  }

  private async chosen(wanted: string | null): Promise<Passed<RemoteAgenda>> {
    const agendas = await this.session.listAgendas(this.effects.deadline(CALL_MS));
    const found = { count: agendas.length };
    const agenda = wanted === null ? agendas[0] : agendas.find(({ id }) => id === wanted);
    if (agenda === undefined)
      throw new Shortcoming({ found, reason: agendas.length === 0 ? 'no-agenda' : 'agenda-unknown' });
    return { verdict: { found: { ...found, agenda: agenda.name } }, value: agenda };
  }

  private async read({ id, timeZone }: RemoteAgenda): Promise<Passed<true>> {
    const today = this.effects.now() - (this.effects.now() % DAY);
    const request = {
      agendaId: id,
      cursor: null,
      window: { start: today, end: today + READ_DAYS * DAY },
      timeZone: timeZone ?? 'Europe/Paris',
      known: () => Promise.resolve(new Map<string, string | null>()),
    };
    const found = { count: 0, unreadable: 0 };
    for await (const item of this.session.pull(request, this.effects.deadline(READ_MS))) {
      if (item.type === 'end') return { verdict: { found }, value: true };
      found.count += item.changes.filter(({ kind }) => kind === 'upsert').length;
      found.unreadable += item.changes.filter(({ kind }) => kind === 'unreadable').length;
    }
    throw new Shortcoming({ found, reason: 'no-end' });
  }

  /** Whatever happens after the create was begun: what may stand is removed, or said to stand. */
  private async write({ id: agendaId, timeZone }: RemoteAgenda): Promise<void> {
    const today = this.effects.now() - (this.effects.now() % DAY);
    const days = FAR_DAYS + Math.floor(this.effects.random() * SPREAD_DAYS);
    const start = today + days * DAY + FIVE_O_CLOCK;
    const named = { agendaId, reference: `trial-${newId()}` };
    const when = { start, end: start + VISIT_MS };
    const content = { ...when, timeZone: timeZone ?? 'Europe/Paris', summary: SUMMARY };
    const made = await this.step('create', async () => {
      this.leftBehind = { agendaId, ...when };
      const object = await this.session.create({ ...named, content }, this.effects.deadline(CALL_MS));
      return { verdict: {}, value: object.remoteId };
    });
    const failed = this.failureOf('create');
    // A certain no: nothing was made that would have to be removed.
    if (made === null && failed !== undefined && failed.kind !== 'unknown') {
      this.leftBehind = null;
      return;
    }
    if (made !== null) await this.step('read-back', () => this.foundAgain(named, made));
    await this.step('cancel', () => this.removed(named, made));
  }

  private async foundAgain(named: { agendaId: string; reference: string }, remoteId: string): Promise<Passed<true>> {
    const found = await this.session.find(named, this.effects.deadline(CALL_MS));
    if (found?.remoteId !== remoteId) throw new Shortcoming({ reason: 'not-found-again' });
    return { verdict: {}, value: true };
  }

  private async removed(
    named: { agendaId: string; reference: string },
    remoteId: string | null,
  ): Promise<Passed<true>> {
    await this.session.cancel({ ...named, remoteId, version: null }, this.effects.deadline(CALL_MS));
    if ((await this.session.find(named, this.effects.deadline(CALL_MS))) !== null)
      throw new Shortcoming({ reason: 'still-there' });
    // What was never answered may land later.
    if (remoteId !== null) this.leftBehind = null;
    return { verdict: {}, value: true };
  }

  /** Runs one step and notes it; `null` when it failed. */
  private async step<T>(step: TrialStepName, run: () => Promise<Passed<T>>): Promise<T | null> {
    if (
      this.steps.some(({ outcome, step: name }) => outcome === 'failed' && name !== 'create' && name !== 'read-back')
    ) {
      this.skip(step, 'after-failure');
      return null;
    }
    try {
      const { verdict, value } = await run();
      this.note({ step, outcome: 'passed', ...verdict });
      return value;
    } catch (error) {
      if (error instanceof Shortcoming) this.note({ step, outcome: 'failed', ...error.verdict });
      else if (ConnectorError.is(error)) this.note({ step, outcome: 'failed', failure: failureOf(error) });
      else throw error;
      return null;
    }
  }

  private skip(step: TrialStepName, reason: TrialStep['reason']): void {
    if (!this.steps.some((one) => one.step === step)) this.note({ step, outcome: 'skipped', reason });
  }

  private note({ step, outcome, ...more }: Pick<TrialStep, 'step' | 'outcome'> & Partial<TrialStep>): void {
    this.steps.push({ step, outcome, found: {}, failure: null, reason: null, ...more });
  }

  private reasonOf(step: TrialStepName): TrialStep['reason'] {
    return this.steps.find((one) => one.step === step)?.reason ?? null;
  }

  private failureOf(step: TrialStepName): Failure | undefined {
    return this.steps.find((one) => one.step === step)?.failure ?? undefined;
  }
}

interface Passed<T> {
  readonly verdict: Verdict;
  readonly value: T;
}
