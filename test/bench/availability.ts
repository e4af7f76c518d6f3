import { SearchSlots, type SlotsFound } from '#application';
import { Database, PgCalendar } from '#persistence';
import { startPostgres } from '#scripts/postgres.mjs';
import { createTestDatabase } from '../support/postgres.js';
import { openPool } from '../support/practice.js';
import { seedSearchedPractice, type SearchedPractice } from './availability-practice.js';
import { benchResult, median, percentile, round, type BenchResult } from './measure.js';

const FULL = { count: 1_000, historyDays: 365 };
const SHORT = { count: 100, historyDays: 56 };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FORTNIGHT = 14 * DAY;
const WARM_UP = 20;

/** Times of one question in milliseconds, and of the bare range query over the same agendas beside it. */
interface Timed {
  readonly search: { readonly p50: number; readonly p95: number };
  readonly bare: { readonly p50: number; readonly p95: number };
  readonly count: number;
}

/** One question: which agendas, from when on, and how the application is asked. */
interface Question {
  readonly agendaIds: readonly string[];
  readonly from: number;
  readonly days: number;
  ask(): Promise<SlotsFound | null>;
}

/** What stands in agendas in a range, as any search has to read it: through row-level security, and nothing else. */
const BARE = {
  name: 'bench-bare',
  text: `SELECT c.agenda_id, c.starts_at, c.ends_at FROM claim c WHERE c.organization_id = $1 AND c.agenda_id = ANY ($2)
    AND c.ends_at > to_timestamp($3::numeric / 1000) AND c.starts_at < to_timestamp($4::numeric / 1000)`,
};

/**
 * How long a search takes where a thousand agendas are ruled, open for half a year and taken to 80 % for four weeks,
 * and a fifth of them has a year behind it: through the application, as its role, one question at a time, each beside
 * the bare range query.
 */
export async function benchAvailability(short: boolean): Promise<BenchResult> {
  const server = await startPostgres({
    durable: false,
    settings: { max_connections: 50, shared_buffers: '512MB', max_wal_size: '4GB' },
  });
  try {
    const { adminUrl, appUrl } = await createTestDatabase(server.url());
    const admin = openPool(adminUrl, 1);
    const database = await Database.open({ url: appUrl, poolSize: 4, applicationName: 'bench' });
    try {
      const client = await admin.connect();
      const started = performance.now();
      const practice = await seedSearchedPractice(client, short ? SHORT : FULL);
      const loaded = round((performance.now() - started) / 1000);
      say(
        `${String(practice.agendas.length)} agendas, ${String(practice.claims)} claims, loaded in ${String(loaded)} s`,
      );
      const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
      client.release();
      const measured = await new AvailabilityBench(database, practice, short ? 60 : 400).run();
      const metrics = {
        ...measured.metrics,
        agendas: practice.agendas.length,
        claims: practice.claims,
        load_s: loaded,
      };
      return benchResult(
        'availability',
        { postgresql: rows[0]?.server_version ?? '' },
        { metrics, runs: measured.runs },
      );
    } finally {
      await database.close();
      await admin.end();
    }
  } finally {
    await server.stop();
  }
}

class AvailabilityBench {
  private readonly calendar: PgCalendar;
  private readonly slots: SearchSlots;
  private readonly now = Date.now();

  constructor(
    private readonly database: Database,
    private readonly practice: SearchedPractice,
    private readonly times: number,
  ) {
    this.calendar = new PgCalendar(database);
    this.slots = new SearchSlots(this.calendar);
  }

  async run(): Promise<Pick<BenchResult, 'metrics' | 'runs'>> {
    const { agendas, withHistory } = this.practice;
    const few = Math.ceil(this.times / 8);
    const one = await this.timed(this.times, (n) => this.fortnight(n, agendas));
    const fifty = await this.timed(Math.ceil(this.times / 2), (n) => this.next(n, this.some(n, 50), 3));
    const all = await this.timed(few, (n) => this.next(n, agendas, 1));
    const [past, fresh] = await this.together(this.times, [
      (n) => this.fortnight(n, agendas.slice(0, withHistory)),
      (n) => this.fortnight(n, agendas.slice(withHistory, 2 * withHistory)),
    ]);
    const sizes = [0.1, 0.3, 1].map((share) => Math.round(agendas.length * share));
    const curve = await this.together(
      few,
      sizes.map((size) => (n: number) => this.next(n, this.some(n, size), 1)),
    );
    const changes = await this.ruleChanges(this.times < 100 ? 2 : 5);
    const perAgenda = (of: 'search' | 'bare'): number[] => sizes.map((size, n) => curve[n]![of].p50 / size);
    const growth = (of: 'search' | 'bare'): number => perAgenda(of).at(-1)! / perAgenda(of)[0]!;
    const runs = [
      { what: 'one agenda, 14 days', ...one },
      { what: 'next among 50', ...fifty },
      { what: `first among ${String(agendas.length)}`, ...all },
      { what: 'one agenda, 14 days, with a past', ...past! },
      { what: 'one agenda, 14 days, without a past', ...fresh! },
      ...sizes.map((size, n) => ({ what: `first among ${String(size)}, in turns`, ...curve[n]! })),
    ];
    for (const { what, search, bare } of runs) {
      say(
        `${what}: p50 ${String(search.p50)} ms, p95 ${String(search.p95)} ms (bare ${String(bare.p50)}, ${String(bare.p95)})`,
      );
    }
    const metrics = {
      one_agenda_14d_p95_ms: one.search.p95,
      bare_one_agenda_14d_p95_ms: one.bare.p95,
      next_among_50_p95_ms: fifty.search.p95,
      bare_next_among_50_p95_ms: fifty.bare.p95,
      first_among_1000_p95_ms: all.search.p95,
      bare_first_among_1000_p95_ms: all.bare.p95,
      history_growth: past!.search.p50 / fresh!.search.p50,
      bare_history_growth: past!.bare.p50 / fresh!.bare.p50,
      agendas_growth: growth('search'),
      bare_agendas_growth: growth('bare'),
      rule_change_ms: Math.max(...changes),
    };
    return { metrics, runs: [...runs, { what: 'rule changes', ms: changes.map(round) }] };
  }

  /** A question for one agenda's fortnight; every third one for a long visit. */
  private fortnight(n: number, among: readonly string[]): Question {
    const agendaIds = [among[(n * 7919) % among.length]!];
    const from = this.from(n);
    const window = { start: from, end: from + FORTNIGHT };
    const ask = (): Promise<SlotsFound | null> =>
      this.slots.search({ ...this.asked(n), agendaIds, window, limit: 100 });
    return { agendaIds, from, days: 14, ask };
  }

  private next(n: number, agendaIds: readonly string[], limit: number): Question {
    const from = this.from(n);
    const ask = (): Promise<SlotsFound | null> => this.slots.next({ ...this.asked(n), agendaIds, from, limit });
    return { agendaIds, from, days: 1, ask };
  }

  private asked(n: number): { organizationId: string; motifId: string } {
    const { organization, motifs } = this.practice;
    const turns = [motifs.consultation, motifs.followUp, motifs.checkUp];
    return { organizationId: organization, motifId: turns[n % turns.length]! };
  }

  /** Now and later, at all hours and on all days of the first fortnight. */
  private from(n: number): number {
    return this.now + ((n * 31) % (14 * 24)) * HOUR;
  }

  /** So many agendas that follow each other, from one place in turn to the next. */
  private some(n: number, count: number): string[] {
    const { agendas } = this.practice;
    const first = (n * 613) % agendas.length;
    return [...agendas, ...agendas].slice(first, first + Math.min(count, agendas.length));
  }

  private async timed(times: number, question: (n: number) => Question): Promise<Timed> {
    return (await this.together(times, [question]))[0]!;
  }

  /** Questions of several kinds in turn, so that what disturbs the machine disturbs them alike. */
  private async together(times: number, questions: readonly ((n: number) => Question)[]): Promise<Timed[]> {
    const found = questions.map(() => ({ search: [] as number[], bare: [] as number[], slots: 0 }));
    for (let n = -WARM_UP; n < times; n += 1) {
      for (const [kind, question] of questions.entries()) {
        const asked = question(n + WARM_UP);
        const answer = await clocked(() => asked.ask());
        const bare = await clocked(() => this.bare(asked));
        found[kind]!.slots += answer.result?.slots.length ?? 0;
        if (n < 0) continue;
        found[kind]!.search.push(answer.ms);
        found[kind]!.bare.push(bare.ms);
      }
    }
    if (found.some(({ slots }) => slots < times)) throw new Error('the searches of the bench find next to nothing');
    return found.map(({ search, bare }) => ({ search: summary(search), bare: summary(bare), count: search.length }));
  }

  private bare({ agendaIds, from, days }: Question): Promise<unknown> {
    return this.database.one(this.practice.organization, BARE, [
      this.practice.organization,
      agendaIds,
      from,
      from + days * DAY,
    ]);
  }

  /** From the change of an opening, in an agenda open for a year, until the last weeks of that year show it. */
  private async ruleChanges(times: number): Promise<number[]> {
    const { organization: organizationId, motifs, agendas } = this.practice;
    const start = (Math.floor(this.now / DAY) + 340) * DAY;
    const window = { start, end: start + FORTNIGHT };
    const motifId = motifs.followUp;
    const took: number[] = [];
    for (const agendaId of agendas.slice(0, times)) {
      const first = async (): Promise<number | undefined> =>
        (await this.slots.search({ organizationId, agendaIds: [agendaId], motifId, window, limit: 1 }))?.slots[0]
          ?.start;
      const open = (): Promise<void> => this.calendar.expandRules(organizationId, agendaId);
      await this.database.withOrganization(organizationId, (transaction) =>
        transaction.query(
          `UPDATE agenda_motif SET rules = rules || '{"horizonDays":365}' WHERE organization_id = $1 AND agenda_id = $2`,
          [organizationId, agendaId],
        ),
      );
      await open();
      const before = await first();
      const { ms, result: after } = await clocked(async () => {
        await this.database.withOrganization(organizationId, (transaction) =>
          transaction.query(
            `UPDATE opening SET starts_local = '2025-01-01T06:00' WHERE organization_id = $1 AND agenda_id = $2 AND starts_local = '2025-01-01T09:00'`,
            [organizationId, agendaId],
          ),
        );
        await open();
        return first();
      });
      if (before === undefined || after !== before - 3 * HOUR) throw new Error('the change of a rule does not show');
      took.push(ms);
    }
    return took;
  }
}

async function clocked<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const started = performance.now();
  const result = await work();
  return { result, ms: performance.now() - started };
}

function summary(times: readonly number[]): { p50: number; p95: number } {
  const sorted = [...times].sort((a, b) => a - b);
  return { p50: round(median(sorted)), p95: round(percentile(sorted, 0.95)) };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
