import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type {
  Diary,
  DiaryAgenda,
  DiaryChange,
  DiaryEntry,
  DumpedEntry,
  Dump,
  Hand,
  NewDiaryEntry,
} from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';

const seedInput = z.strictObject({
  apiKey: z.string().min(8),
  agendas: z.array(z.strictObject({ id: z.string(), name: z.string(), zone: z.string() })),
});

/** The vendor's agendas. Every method is one atomic step. */
export class __Name__Store implements Diary {
  #apiKey: string | null = null;
  #agendas = new Map<string, DiaryAgenda>();
  #entries = new Map<string, DumpedEntry>();

  get apiKey(): string | null {
    return this.#apiKey;
  }

  agendas(): readonly DiaryAgenda[] {
    return [...this.#agendas.values()];
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    if (!this.#agendas.has(agendaId)) throw new Refusal(404, 'agenda_unknown');
    return [...this.#entries.values()].filter((entry) => entry.agendaId === agendaId && !entry.deleted);
  }

  put(by: Hand, agendaId: string, { start, end, title, force }: NewDiaryEntry): DiaryEntry {
    if (force !== true) this.#refuseOverlap(agendaId, { start, end });
    return this.#keep({ id: randomUUID(), agendaId, start, end, title, by, deleted: false });
  }

  move(by: Hand, agendaId: string, id: string, { force, ...to }: DiaryChange): DiaryEntry {
    const moved = { ...this.#standing(agendaId, id), ...to, by };
    if (force !== true) this.#refuseOverlap(agendaId, moved);
    return this.#keep(moved);
  }

  remove(by: Hand, agendaId: string, id: string): void {
    this.#keep({ ...this.#standing(agendaId, id), by, deleted: true });
  }

  reset(): void {
    this.#apiKey = null;
    this.#agendas.clear();
    this.#entries.clear();
  }

  seed(input: unknown): void {
    const { apiKey, agendas } = parsed(seedInput, input);
    this.#apiKey = apiKey;
    for (const agenda of agendas) this.#agendas.set(agenda.id, agenda);
  }

  dump(): Dump {
    return { entries: [...this.#entries.values()] };
  }

  #standing(agendaId: string, id: string): DumpedEntry {
    const found = this.#entries.get(id);
    if (found?.agendaId !== agendaId || found.deleted) throw new Refusal(404, 'entry_unknown');
    return found;
  }

  #keep(entry: DumpedEntry): DumpedEntry {
    if (entry.start >= entry.end) throw new Refusal(422, 'invalid');
    this.#entries.set(entry.id, entry);
    return entry;
  }

  #refuseOverlap(agendaId: string, { id, start, end }: { id?: string; start: number; end: number }): void {
    for (const other of this.entries(agendaId))
      if (other.id !== id && other.start < end && start < other.end) throw new Refusal(409, 'overlap');
  }
}
