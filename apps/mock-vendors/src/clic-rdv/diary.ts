import { z } from 'zod';
import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, Dump, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';
import { groupSeed, newEntry, type Calendar, type NewEntry, type Vevent } from './model.js';
import { ClicRefusal } from './refusal.js';
import { takesTime, type VeventStore } from './store.js';

const seedInput = z.strictObject({ groups: z.array(groupSeed) });
const idInput = z.coerce.number().int();

/** The calendars as the practitioner's screen shows them. */
export class ClicDiary implements Diary {
  constructor(private readonly store: VeventStore) {}

  agendas(): readonly DiaryAgenda[] {
    return this.store
      .groups()
      .flatMap(({ calendars }) => calendars.map(({ id, name, zone }) => ({ id: String(id), name, zone })));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    const { id } = this.calendar(agendaId);
    const { vevents } = this.store.snapshot();
    return vevents.filter((one) => one.calendarId === id && !one.deleted && takesTime(one)).map(shown);
  }

  put(by: Hand, agendaId: string, { force, ...entry }: NewDiaryEntry): DiaryEntry {
    const given = contentOf(parsed(newEntry, entry));
    const hand = { by, force: force ?? false };
    return inTheirWords(() => shown(this.store.addByHand(this.calendar(agendaId).id, given, hand)));
  }

  move(_by: Hand, agendaId: string, id: string, { force, title, ...to }: DiaryChange): DiaryEntry {
    const change = { ...to, ...(title === undefined ? {} : { text: title }) };
    return inTheirWords(() => shown(this.store.change(this.vevent(agendaId, id), change, force ?? false)));
  }

  remove(_by: Hand, agendaId: string, id: string): void {
    inTheirWords(() => this.store.change(this.vevent(agendaId, id), { deleted: true }));
  }

  reset(): void {
    this.store.reset();
  }

  seed(input: unknown): void {
    const { groups } = parsed(seedInput, input);
    const before = new Set(this.agendas().map(({ id }) => id));
    for (const { calendars, ...group } of groups) {
      this.store.putGroup({ ...group, calendars: calendars.map(({ entries: _, ...calendar }) => calendar) });
      // Seeding twice must not double the entries of a calendar that is already there.
      for (const { id, entries } of calendars.filter((one) => !before.has(String(one.id))))
        for (const entry of entries) this.store.addByHand(id, contentOf(entry), { by: 'practitioner', force: true });
    }
  }

  dump(): Dump {
    const entries = this.store.snapshot().vevents.map((one) => ({
      ...shown(one),
      ...{ taker: one.taker, comments: one.comments, interventionId: one.interventionId, ficheId: one.ficheId },
      deleted: one.deleted || !takesTime(one),
    }));
    return { agendas: this.agendas(), entries };
  }

  /** Any that stands there, deleted ones with `deleted`. */
  vevent(agendaId: string, id: string, deleted = false): Vevent {
    const found = this.store.vevent(parsed(idInput, id));
    if (found.calendarId !== this.calendar(agendaId).id || found.deleted !== deleted)
      throw new Refusal(404, 'entry_unknown');
    return found;
  }

  private calendar(agendaId: string): Calendar {
    const found = this.store.calendar(parsed(idInput, agendaId));
    if (!found) throw new Refusal(404, 'agenda_unknown');
    return found.calendar;
  }
}

function contentOf({ start, end, title, kind }: NewEntry): { start: number; end: number; text: string } & object {
  const meaning = kind === 'note' ? { note: true } : kind === 'freebusy' ? { type: 'VfreebusyEvent' } : {};
  return { start, end, text: title, ...meaning };
}

function shown({ id, calendarId, start, end, text, by }: Vevent): DiaryEntry {
  return { id: String(id), agendaId: String(calendarId), start, end, title: text, by };
}

/** What the page and the checkers understand of the API's statuses. */
export function inTheirWords<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ClicRefusal)) throw error;
    if (error.status === 422) throw new Refusal(409, 'overlap');
    if (error.status === 404) throw new Refusal(404, 'entry_unknown');
    throw new Refusal(422, 'invalid', { detail: error.message });
  }
}
