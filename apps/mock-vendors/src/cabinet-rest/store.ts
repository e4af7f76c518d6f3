import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, Dump, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';
import { ZONE } from './local-time.js';
import { seedInput, type Practitioner, type Visit } from './model.js';

const MINUTE_MS = 60_000;

type Writing = Pick<Visit, 'start' | 'minutes' | 'objet'>;

/** The practice's visits. What is cancelled stays, with another status. Every method is one atomic step. */
export class CabinetStore implements Diary {
  #practitioners = new Map<string, Practitioner>();
  #visits = new Map<number, Visit>();
  #next = 1001;

  agendas(): readonly DiaryAgenda[] {
    return this.practitioners().map(({ code, nom }) => ({ id: code, name: nom, zone: ZONE }));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    this.practitioner(agendaId);
    return this.of(agendaId)
      .filter(({ statut, spoilt }) => statut === 'PREVU' && !spoilt)
      .map(shown);
  }

  put(by: Hand, agendaId: string, { start, end, title, force }: NewDiaryEntry): DiaryEntry {
    const writing = { start, minutes: (end - start) / MINUTE_MS, objet: title };
    return shown(this.create(agendaId, { ...writing, note: null }, { by, force: force === true }));
  }

  move(by: Hand, agendaId: string, id: string, { start, end, title, force }: DiaryChange): DiaryEntry {
    const visit = this.standing(agendaId, id);
    const from = start ?? visit.start;
    const to = end ?? visit.start + visit.minutes * MINUTE_MS;
    const writing = { start: from, minutes: (to - from) / MINUTE_MS, objet: title ?? visit.objet };
    return shown(this.change(visit, writing, { by, force: force === true }));
  }

  remove(by: Hand, agendaId: string, id: string): void {
    this.cancel(this.standing(agendaId, id), by);
  }

  reset(): void {
    this.#practitioners.clear();
    this.#visits.clear();
  }

  seed(input: unknown): void {
    for (const one of parsed(seedInput, input).praticiens) this.#practitioners.set(one.code, one);
  }

  dump(): Dump {
    const visits = [...this.#visits.values()].filter(({ spoilt }) => !spoilt);
    const entries = visits.map((visit) => ({ ...shown(visit), deleted: visit.statut === 'ANNULE', note: visit.note }));
    return { agendas: this.agendas(), entries };
  }

  practitioners(): readonly Practitioner[] {
    return [...this.#practitioners.values()];
  }

  practitioner(code: string): Practitioner {
    const found = this.#practitioners.get(code);
    if (!found) throw new Refusal(404, 'agenda_unknown');
    return found;
  }

  /** Everything of one practitioner, cancelled visits too. */
  of(code: string): readonly Visit[] {
    return [...this.#visits.values()].filter(({ praticien }) => praticien === code);
  }

  visit(code: string, numero: string): Visit {
    const found = this.#visits.get(Number(numero));
    if (found?.praticien !== code) throw new Refusal(404, 'entry_unknown');
    return found;
  }

  standing(code: string, numero: string): Visit {
    const found = this.visit(code, numero);
    if (found.statut === 'ANNULE') throw new Refusal(404, 'entry_unknown');
    return found;
  }

  create(
    code: string,
    writing: Writing & Pick<Visit, 'note'>,
    { by, force = false }: { by: Hand; force?: boolean },
  ): Visit {
    this.practitioner(code);
    if (!force) this.#refuseOverlap(code, writing);
    const numero = this.#next;
    this.#next += 1;
    return this.#keep({ ...writing, numero, by, praticien: code, statut: 'PREVU', revision: 1, spoilt: false });
  }

  change(visit: Visit, writing: Writing, { by, force = false }: { by: Hand; force?: boolean }): Visit {
    if (!force) this.#refuseOverlap(visit.praticien, writing, visit.numero);
    return this.#keep({ ...visit, ...writing, by, revision: visit.revision + 1 });
  }

  cancel(visit: Visit, by: Hand): Visit {
    return this.#keep({ ...visit, by, statut: 'ANNULE', revision: visit.revision + 1 });
  }

  /** A visit whose times were lost. */
  spoil(code: string): Visit {
    const visit = this.create(
      code,
      { start: 0, minutes: 1, objet: '', note: null },
      { by: 'practitioner', force: true },
    );
    return this.#keep({ ...visit, spoilt: true });
  }

  #keep(visit: Visit): Visit {
    if (!Number.isInteger(visit.minutes) || visit.minutes < 1 || visit.start % MINUTE_MS !== 0)
      throw new Refusal(422, 'horaire_invalide');
    this.#visits.set(visit.numero, visit);
    return visit;
  }

  #refuseOverlap(code: string, { start, minutes }: Writing, except?: number): void {
    const end = start + minutes * MINUTE_MS;
    for (const other of this.of(code)) {
      if (other.statut === 'ANNULE' || other.spoilt || other.numero === except) continue;
      if (other.start < end && start < other.start + other.minutes * MINUTE_MS) throw new Refusal(409, 'overlap');
    }
  }
}

function shown({ numero, praticien, start, minutes, objet, by, revision }: Visit): DiaryEntry {
  const end = start + minutes * MINUTE_MS;
  return { id: String(numero), agendaId: praticien, start, end, title: objet, by, version: revision };
}
