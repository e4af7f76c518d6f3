import { z } from 'zod';
import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, Dump, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';
import { agendaSeed, newRow, type Row } from './model.js';
import { LibreRefusal } from './refusal.js';
import type { Book } from './store.js';

const seedInput = z.strictObject({ agendas: z.array(agendaSeed) });
const idInput = z.coerce.number().int();
/** How a request looks on his screen; whoever saves it there agrees. */
const ASKED = 'À accepter : ';

/** The book as the practitioner's screen shows it. */
export class LibreDiary implements Diary {
  constructor(private readonly book: Book) {}

  agendas(): readonly DiaryAgenda[] {
    return this.book.agendas().map(({ id, name, zone }) => ({ id: String(id), name, zone }));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    return inTheirWords(() =>
      this.book
        .rows(this.book.agenda(idOf(agendaId)).id)
        .filter(isStanding)
        .map(onScreen),
    );
  }

  put(by: Hand, agendaId: string, { force, ...entry }: NewDiaryEntry): DiaryEntry {
    return inTheirWords(() => {
      const { id } = this.book.agenda(idOf(agendaId));
      return shown(this.book.add(id, parsed(newRow, entry), { by, force: force ?? false }));
    });
  }

  move(by: Hand, agendaId: string, id: string, { force, ...to }: DiaryChange): DiaryEntry {
    const title = to.title?.startsWith(ASKED) ? { title: to.title.slice(ASKED.length) } : {};
    const writer = { by, force: force ?? false };
    return inTheirWords(() => shown(this.book.move(this.row(agendaId, id), { ...to, ...title }, writer)));
  }

  remove(_by: Hand, agendaId: string, id: string): void {
    inTheirWords(() => {
      this.book.remove(this.row(agendaId, id));
    });
  }

  row(agendaId: string, id: string): Row {
    return this.book.row(idOf(agendaId), idOf(id));
  }

  reset(): void {
    this.book.reset();
  }

  seed(input: unknown): void {
    const { agendas } = parsed(seedInput, input);
    const before = new Set(this.book.agendas().map(({ id }) => id));
    for (const { entries, ...agenda } of agendas) {
      this.book.putAgenda(agenda);
      // Seeding twice must not double the entries of an agenda that is already there.
      for (const entry of before.has(agenda.id) ? [] : entries)
        this.book.add(agenda.id, entry, { by: 'practitioner', force: true });
    }
  }

  dump(): Dump {
    const { rows, seq } = this.book.snapshot();
    const entries = rows.map((row) => ({
      ...shown(row),
      ...{ status: row.status, reference: row.reference },
      deleted: row.deleted || !isStanding(row),
    }));
    return { seq, agendas: this.agendas(), entries };
  }
}

function isStanding({ status }: Row): boolean {
  return status !== 'REFUSED';
}

function shown({ id, agendaId, start, end, title, by, created }: Row): DiaryEntry & { created: number } {
  return { id: String(id), agendaId: String(agendaId), start, end, title, by, created };
}

function onScreen(row: Row): DiaryEntry {
  const entry = shown(row);
  return row.status === 'CONFIRMATION_NEEDED' ? { ...entry, title: `${ASKED}${entry.title}` } : entry;
}

function idOf(text: string): number {
  return parsed(idInput, text);
}

/** What the page and the checkers understand of the software's codes. */
export function inTheirWords<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof LibreRefusal)) throw error;
    if (error.code === 42) throw new Refusal(409, 'overlap');
    if (error.code === 21) throw new Refusal(404, 'agenda_unknown');
    if (error.code === 22) throw new Refusal(404, 'entry_unknown');
    throw new Refusal(422, 'invalid', { code: error.code });
  }
}
