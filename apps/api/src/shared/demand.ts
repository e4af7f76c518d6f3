import type { Interest } from '#application';
import { ShortMemory } from '#platform';

/** Shorter than what the database remembers, so that a phone call of any length keeps its agenda fresh. */
const NOTED_MS = 20_000;
const MAX_REMEMBERED = 50_000;

/** Tells which agendas are asked for, seldom enough to cost nothing, and without making anybody wait. */
export class Demand {
  private readonly noted = new ShortMemory<true>(NOTED_MS, MAX_REMEMBERED);

  constructor(private readonly interest: Interest) {}

  note(organizationId: string, agendaIds: readonly string[]): void {
    const fresh = agendaIds.filter((id) => this.noted.get(`${organizationId}|${id}`) === undefined);
    if (fresh.length === 0) return;
    for (const id of fresh) this.noted.set(`${organizationId}|${id}`, true);
    // What could not be noted costs freshness for seconds, nothing else.
    this.interest.wanted(organizationId, fresh).catch(() => undefined);
  }
}
