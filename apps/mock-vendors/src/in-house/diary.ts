import { z } from 'zod';
import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, Dump, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed } from '../core/refusal.js';
import { agendaSeed, newEntry, type Entry } from './model.js';
import type { AgendaStore, Writer } from './store.js';

const seedInput = z.strictObject({ agendas: z.array(agendaSeed) });

/** The store as its practitioner sees it. He may overlap: it is his agenda. */
export class InHouseDiary implements Diary {
  constructor(private readonly store: AgendaStore) {}

  agendas(): readonly DiaryAgenda[] {
    return this.store.agendas().map(({ id, name, zone }) => ({ id, name, zone }));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    return this.store.live(this.store.agenda(agendaId).id).map(shown);
  }

  put(by: Hand, agendaId: string, { force, ...entry }: NewDiaryEntry): DiaryEntry {
    const { id } = this.store.agenda(agendaId);
    return shown(this.store.create(id, parsed(newEntry, entry), writer(by, force)).entry);
  }

  move(by: Hand, agendaId: string, id: string, { force, ...to }: DiaryChange): DiaryEntry {
    return shown(this.store.update(this.store.entry(agendaId, id), to, null, writer(by, force)));
  }

  remove(by: Hand, agendaId: string, id: string): void {
    this.store.remove(this.store.entry(agendaId, id), null, writer(by));
  }

  reset(): void {
    this.store.reset();
  }

  seed(input: unknown): void {
    const { agendas } = parsed(seedInput, input);
    const before = new Set(this.store.agendas().map(({ id }) => id));
    for (const { entries, ...agenda } of agendas) {
      this.store.putAgenda(agenda);
      // Seeding twice must not double the entries of an agenda that is already there.
      for (const entry of before.has(agenda.id) ? [] : entries)
        this.store.create(agenda.id, entry, writer('practitioner', true));
    }
  }

  dump(): Dump {
    const { entries, subscriptions, seq } = this.store.snapshot();
    return {
      seq,
      agendas: this.agendas(),
      entries: entries.map(({ author, ...entry }) => ({ ...entry, by: author })),
      subscriptions: subscriptions.map(({ id, agendaId, url, expiresAt }) => ({ id, agendaId, url, expiresAt })),
    };
  }
}

function shown({ id, agendaId, start, end, title, author, version }: Entry): DiaryEntry {
  return { id, agendaId, start, end, title, by: author, version };
}

function writer(author: Hand, force = false): Writer {
  return { author, force };
}
