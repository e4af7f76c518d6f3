import { expect } from '@jest/globals';
import type { Practice } from '../../../test/support/practice.js';
import type { Answer, Client, TestApi } from './api.suite.js';

const DAY = 86_400_000;
const today = Math.floor(Date.now() / DAY);
/** A Monday two to three weeks from now, as days since 1970-01-01, which was a Thursday. */
const MONDAY = today + 14 + ((11 - (today % 7)) % 7);

/** The local date `days` after that Monday. */
export const date = (days = 0): string => new Date((MONDAY + days) * DAY).toISOString().slice(0, 10);

/** The instant of a local time of Paris on that date. */
export function paris(time: string, days = 0): string {
  const text = `${date(days)}T${time}:00`;
  const shown = new Date(`${text}Z`).toLocaleString('en-US', { timeZone: 'Europe/Paris', timeZoneName: 'longOffset' });
  return text + (/GMT([+-]\d\d:\d\d)/.exec(shown)?.[1] ?? '');
}

export const patient = { lastName: 'Durand', firstName: 'Camille' };

/** A practice whose agenda is closed until a test opens it. */
export class RuledPractice {
  private constructor(
    readonly practice: Practice,
    readonly ask: Client,
    readonly base: string,
  ) {}

  static async create(api: TestApi, options: Parameters<TestApi['practice']>[0] = {}): Promise<RuledPractice> {
    const practice = await api.practice(options);
    const ask = await api.client(practice);
    const ruled = new RuledPractice(practice, ask, `/v1/agendas/${practice.agenda}`);
    const { json } = await ask('GET', `${ruled.base}/openings`);
    for (const { id, version } of json.items as { id: string; version: number }[])
      expect(await ruled.status('DELETE', `/openings/${id}`, { version })).toBe(204);
    return ruled;
  }

  /** One request below the agenda. */
  at(
    method: Parameters<Client>[0],
    path: string,
    { body, version }: { body?: unknown; version?: number } = {},
  ): Promise<Answer> {
    const headers = version === undefined ? {} : { 'if-match': `"${String(version)}"` };
    return this.ask(method, this.base + path, { headers, ...(body === undefined ? {} : { body }) });
  }

  async status(...asked: Parameters<RuledPractice['at']>): Promise<number> {
    return (await this.at(...asked)).status;
  }

  /** Makes a rule, and throws when it is refused. */
  async make(path: string, body: object): Promise<{ id: string; version: number }> {
    const answer = await this.at('POST', path, { body });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`);
    return answer.json as { id: string; version: number };
  }

  /** Open 9:00 to 11:00 on the test's Mondays. */
  open(more: object = {}): Promise<{ id: string; version: number }> {
    return this.make('/openings', {
      rrule: 'FREQ=WEEKLY',
      start: `${date()}T09:00`,
      durationMinutes: 120,
      ...more,
    });
  }

  /** Local starts of the free slots of a day, `HH:mm`. */
  async slots(days = 0, motif = this.practice.motif): Promise<string[]> {
    const window = `from=${encodeURIComponent(paris('00:00', days))}&to=${encodeURIComponent(paris('23:59', days))}`;
    const { json } = await this.ask('GET', `/v1/slots?agenda=${this.practice.agenda}&motif=${motif}&${window}`);
    return (json.items as { start: string }[]).map(({ start }) => start.slice(11, 16));
  }

  book(time: string, days = 0): Promise<Answer> {
    const { agenda, motif } = this.practice;
    return this.ask('POST', '/v1/appointments', { body: { agenda, motif, start: paris(time, days), patient } });
  }
}
