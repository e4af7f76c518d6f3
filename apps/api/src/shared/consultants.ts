import type { RuleStore } from '#application';
import { z } from 'zod';

/** Who sees the patient. */
export const consultantView = z
  .object({
    displayName: z.string(),
    rpps: z.string().nullable(),
    substitute: z.boolean().meta({ description: 'True: stands in for the practitioner (remplaçant).' }),
  })
  .nullable()
  .meta({ id: 'Consultant', description: 'Who consults at that time.' });
export type Consultant = z.input<typeof consultantView>;

interface Placed {
  readonly agendaId: string;
  readonly start: number;
}

/** Who consults at which time in which agenda: the practitioner, or who stands in for him when the visit starts. */
export class Consultants {
  constructor(private readonly rules: RuleStore) {}

  async of(organizationId: string, places: readonly Placed[]): Promise<(place: Placed) => Consultant> {
    if (places.length === 0) return () => null;
    const agendaIds = [...new Set(places.map(({ agendaId }) => agendaId))];
    const starts = places.map(({ start }) => start);
    const range = { start: Math.min(...starts), end: Math.max(...starts) };
    const found = await this.rules.consulting(organizationId, agendaIds, range);
    const byAgenda = new Map(found.map((consulting) => [consulting.agendaId, consulting]));
    return ({ agendaId, start }) => {
      const known = byAgenda.get(agendaId);
      if (known === undefined) return null;
      const substitute = known.substitutions.find((one) => one.start <= start && start < one.end);
      const { displayName, rpps } = substitute ?? known;
      return { displayName, rpps, substitute: substitute !== undefined };
    };
  }
}
