import type { FastifyRequest } from 'fastify';
import type { IdentityField } from '#domain';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What a request names, before anything of it is validated: what is no id is not looked at, and refused by its schema. */
export interface Named {
  /** The path's own. */
  readonly id: string | null;
  readonly agendas: readonly string[];
  readonly motifs: readonly string[];
  readonly hold: string | null;
  readonly overbooks: boolean;
  /** It gives out who the patients are. */
  readonly discloses: boolean;
  /** What of patients it gives out, or writes, for which seeing it is asked. */
  readonly identity: readonly IdentityField[];
}

const ids = (...values: readonly unknown[]): string[] => {
  const all = values.flat(1).filter((value): value is string => typeof value === 'string' && UUID.test(value));
  return [...new Set(all.map((id) => id.toLowerCase()))];
};

export function namedIn({ params, query, body }: FastifyRequest): Named {
  const [path, asked, given] = [params, query, body].map(fieldsOf) as [Fields, Fields, Fields];
  const discloses = given['disclosure'] === 'full' || given['disclosure'] === 'initials';
  const notes = (fieldsOf(given['patient'])['note'] ?? null) !== null;
  return {
    id: ids(path['id'])[0] ?? null,
    agendas: ids(asked['agenda'], asked['agendas'], given['agenda'], given['agendas']),
    motifs: ids(path['motifId'], asked['motif'], asked['motifs'], given['motif'], given['motifs']),
    hold: ids(given['hold'])[0] ?? null,
    overbooks: given['overbook'] !== undefined && given['overbook'] !== null,
    discloses,
    identity: [...(discloses ? (['name'] as const) : []), ...(notes ? (['note'] as const) : [])],
  };
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
