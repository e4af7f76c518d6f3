import type { AgendaFacts, Interval } from '#domain';

/** Intervals as the database tells many of them: their bounds (epoch milliseconds) in two columns; absent when there are none. */
interface Columns {
  readonly starts?: readonly number[] | null | undefined;
  readonly ends?: readonly number[] | null | undefined;
}

interface TakenColumns extends Columns {
  readonly seats?: readonly (number | null)[] | null;
  /** Absent when nothing is held; else who holds it, `null` where it is no hold. */
  readonly heldBy?: readonly (string | null)[] | null;
}

type Occupied = AgendaFacts['occupied'];
type Grouped<T extends Interval> = readonly (Omit<T, keyof Interval> & Columns)[];

/** What `facts_between` (migration 0022) says of an agenda. */
export type FactColumns = Omit<AgendaFacts, 'openings' | 'reserves' | 'occupied' | 'equipment'> & {
  readonly openings: Grouped<AgendaFacts['openings'][number]>;
  readonly reserves: Grouped<AgendaFacts['reserves'][number]>;
  readonly occupied: TakenColumns;
  readonly equipment: readonly {
    readonly agendaId: string;
    readonly capacity: number;
    readonly occupied: TakenColumns;
  }[];
};

export function factsOf(columns: FactColumns): AgendaFacts {
  return {
    ...columns,
    openings: columns.openings.flatMap(({ starts, ends, ...opening }) =>
      intervalsOf({ starts, ends }).map((interval) => ({ ...opening, ...interval })),
    ),
    reserves: columns.reserves.flatMap(({ starts, ends, ...reserve }) =>
      intervalsOf({ starts, ends }).map((interval) => ({ ...reserve, ...interval })),
    ),
    occupied: occupiedOf(columns.occupied),
    equipment: columns.equipment.map(({ occupied, ...rest }) => ({ ...rest, occupied: occupiedOf(occupied) })),
  };
}

function intervalsOf({ starts, ends }: Columns): Interval[] {
  return (starts ?? []).map((start, n) => ({ start, end: ends?.[n] ?? start }));
}

function occupiedOf({ starts, ends, seats, heldBy }: TakenColumns): Occupied {
  return intervalsOf({ starts, ends }).map((interval, n) => {
    const seat = seats?.[n] ?? null;
    const holder = heldBy?.[n] ?? null;
    return holder === null ? { interval, seat, kind: 'busy' } : { interval, seat, kind: 'held', heldBy: holder };
  });
}
