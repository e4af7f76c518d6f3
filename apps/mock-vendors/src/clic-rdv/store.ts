import type { Hand } from '../core/diary.js';
import type { Calendar, Group, Vevent } from './model.js';
import { ClicRefusal } from './refusal.js';

export interface Snapshot {
  readonly groups: readonly Group[];
  readonly vevents: readonly Vevent[];
}

/** What a writer gives. */
export type Content = Omit<Vevent, 'id' | 'calendarId' | 'created' | 'updated' | 'deleted' | 'corrupt' | 'by'>;

const PLAIN = { ficheId: 0, interventionId: 0, type: null, note: false, comments: null } as const;
const TAKERS: Readonly<Record<Hand, string>> = { practitioner: 'clicRDV', patient: 'web', api: 'api' };

/** The groups and their vevents. Every method is one atomic step. */
export class VeventStore {
  #groups = new Map<number, Group>();
  #vevents = new Map<number, Vevent>();

  constructor(private readonly now: () => number) {}

  reset(): void {
    this.#groups.clear();
    this.#vevents.clear();
  }

  putGroup(group: Group): void {
    this.#groups.set(group.id, group);
  }

  groups(): readonly Group[] {
    return [...this.#groups.values()];
  }

  calendar(id: number): { readonly group: Group; readonly calendar: Calendar } | null {
    for (const group of this.#groups.values()) {
      const calendar = group.calendars.find((one) => one.id === id);
      if (calendar) return { group, calendar };
    }
    return null;
  }

  /** Deleted ones, too: the API keeps them. */
  vevents(group: Group): readonly Vevent[] {
    const ids = new Set(group.calendars.map(({ id }) => id));
    return [...this.#vevents.values()].filter(({ calendarId }) => ids.has(calendarId));
  }

  vevent(id: number): Vevent {
    const found = this.#vevents.get(id);
    if (!found) throw new ClicRefusal(404);
    return found;
  }

  add(calendarId: number, content: Content, { by, force = false }: { by: Hand; force?: boolean }): Vevent {
    if (!force) this.#refuseOverlap(calendarId, content);
    const made = { id: this.#vevents.size + 1, calendarId, ...content, by, created: this.now() };
    return this.#put({ ...made, deleted: false, corrupt: false });
  }

  /** By hand: a plage, unless it says otherwise. */
  addByHand(
    calendarId: number,
    given: Pick<Content, 'start' | 'end' | 'text'> & Partial<Content>,
    hand: { by: Hand; force?: boolean },
  ): Vevent {
    return this.add(calendarId, { ...PLAIN, taker: TAKERS[hand.by], ...given }, hand);
  }

  change(vevent: Vevent, to: Partial<Content> & { deleted?: boolean; corrupt?: boolean }, force = false): Vevent {
    const next = { ...vevent, ...to };
    if (next.start > next.end || (next.start === next.end && !next.note))
      throw new ClicRefusal(400, 'end before start');
    const same = Object.entries(to).every(([name, value]) => vevent[name as keyof Vevent] === value);
    if (same) return vevent;
    const moved = next.start !== vevent.start || next.end !== vevent.end || (vevent.deleted && !next.deleted);
    if (moved && !force) this.#refuseOverlap(vevent.calendarId, next, vevent.id);
    return this.#put(next);
  }

  snapshot(): Snapshot {
    return { groups: this.groups(), vevents: [...this.#vevents.values()] };
  }

  restore({ groups, vevents }: Snapshot): void {
    this.#groups = new Map(groups.map((group) => [group.id, group]));
    this.#vevents = new Map(vevents.map((vevent) => [vevent.id, vevent]));
  }

  #refuseOverlap(calendarId: number, { start, end }: Pick<Content, 'start' | 'end'>, except?: number): void {
    if (this.calendar(calendarId)?.group.overlaps !== 'refuse') return;
    for (const other of this.#vevents.values()) {
      if (other.calendarId !== calendarId || other.deleted || other.id === except || !takesTime(other)) continue;
      if (other.start < end && start < other.end) throw new ClicRefusal(422, 'overlap');
    }
  }

  #put(vevent: Omit<Vevent, 'updated'>): Vevent {
    const stored: Vevent = { ...vevent, updated: this.now() };
    this.#vevents.set(vevent.id, stored);
    return stored;
  }
}

/** Openings to the internet and notes stand in nobody's way. */
export function takesTime({ type, note }: Pick<Vevent, 'type' | 'note'>): boolean {
  return type !== 'VfreebusyEvent' && !note;
}
