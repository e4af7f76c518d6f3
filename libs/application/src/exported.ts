import type { Interval, RemoteObject } from '#domain';

/** An appointment that stood in an agenda before the agenda moved. */
export interface Exported {
  readonly appointmentId: string;
  readonly reference: string;
  /** Where it was last seen to stand there, or, never seen there, where the hub has it. */
  readonly when: Interval;
}

/** What of the successor's agenda is ours. */
export interface Recognised {
  /**
   * Objects that stand where the appointment stood. `nameless`: it does not carry our reference, and was recognised by its
   * time; what is gone can then only be told by reading everything.
   */
  readonly adopted: readonly {
    readonly object: RemoteObject;
    readonly appointmentId: string;
    readonly nameless: boolean;
  }[];
  /** Appointments under whose reference something stands elsewhere by now: the next read judges that. */
  readonly elsewhere: readonly string[];
  /** The practitioner's time. */
  readonly foreign: readonly RemoteObject[];
}

/**
 * Recognises what a vendor carried to another one. A reference names its appointment, whatever became of its time. Not
 * every vendor carries it along; then the very same time does, but only where one object and one appointment have it: which of
 * two is whose, nobody can tell. What carries a reference that is not wanted here is left to the next read. Pure.
 */
export function recogniseExported(objects: readonly RemoteObject[], exported: readonly Exported[]): Recognised {
  const byReference = new Map(exported.map((one) => [one.reference, one]));
  const named = objects.flatMap((object) => {
    const one = byReference.get(object.reference ?? '');
    return one === undefined ? [] : [{ object, one }];
  });
  const found = new Set(named.map(({ one }) => one.appointmentId));
  const wanted = countedByTime(exported.filter(({ appointmentId }) => !found.has(appointmentId)));
  const strangers = objects.filter(({ reference }) => reference === null);
  const offered = countedByTime(strangers.filter(isPlain));
  const nameless = [...offered].flatMap(([time, [object, another]]) => {
    const [one, other] = wanted.get(time) ?? [];
    if (object === undefined || another !== undefined || one === undefined || other !== undefined) return [];
    return [{ object, appointmentId: one.appointmentId, nameless: true }];
  });
  const taken = new Set(nameless.map(({ object }) => object));
  const inPlace = named.filter(({ object, one }) => isPlain(object) && timeOf(object) === timeOf(one));
  return {
    adopted: [
      ...inPlace.map(({ object, one: { appointmentId } }) => ({ object, appointmentId, nameless: false })),
      ...nameless,
    ],
    elsewhere: named.filter((one) => !inPlace.includes(one)).map(({ one }) => one.appointmentId),
    foreign: strangers.filter((object) => !taken.has(object)),
  };
}

/** It takes the time it has, once. */
function isPlain({ recurring, when, busy }: RemoteObject): boolean {
  return !recurring && when !== null && busy.length > 0;
}

function countedByTime<One extends { readonly when: Interval | null }>(all: readonly One[]): Map<string, One[]> {
  const counted = new Map<string, One[]>();
  for (const one of all) counted.set(timeOf(one), [...(counted.get(timeOf(one)) ?? []), one]);
  return counted;
}

function timeOf({ when }: { readonly when: Interval | null }): string {
  return when === null ? '' : `${when.start} ${when.end}`;
}
