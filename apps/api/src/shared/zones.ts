import { type Calendar } from '#application';
import { ShortMemory } from '#platform';

const BELIEVED_MS = 60_000;
const MAX_REMEMBERED = 50_000;

/** The zone of an agenda's place of consultation. Places hardly ever change theirs. */
export class Zones {
  private readonly zones = new ShortMemory<string>(BELIEVED_MS, MAX_REMEMBERED);

  constructor(private readonly calendar: Calendar) {}

  async of(organizationId: string, agendaId: string): Promise<string> {
    const known = this.zones.get(`${organizationId}|${agendaId}`);
    return known ?? (await this.ofAll(organizationId, [agendaId])).get(agendaId) ?? 'UTC';
  }

  async ofAll(organizationId: string, agendaIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const missing: string[] = [];
    for (const agendaId of new Set(agendaIds)) {
      const known = this.zones.get(`${organizationId}|${agendaId}`);
      if (known === undefined) missing.push(agendaId);
      else found.set(agendaId, known);
    }
    const agendas = missing.length === 0 ? [] : await this.calendar.agendas(organizationId, missing);
    for (const { id, location } of agendas) {
      this.zones.set(`${organizationId}|${id}`, location.timeZone);
      found.set(id, location.timeZone);
    }
    return found;
  }
}
