import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, DumpedEntry, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';
import { seedInput, type Agenda, type Appointment, type Seed, type Subscription, type Waiter } from './model.js';

/** What happened to one appointment. */
export interface Happening {
  readonly what: 'CREATION' | 'MODIFICATION' | 'SUPPRESSION';
  readonly appointment: Appointment;
}

/** Agendas and appointments. What is deleted is forgotten: only checkers still see it. Every method is one atomic step. */
export class MonDocteurStore implements Diary {
  readonly #agendas = new Map<number, Agenda>();
  readonly #appointments = new Map<number, Appointment>();
  readonly #deleted: Appointment[] = [];
  readonly #waiting = new Map<number, Waiter[]>();
  readonly subscriptions = new Map<number, Subscription>();
  accounts: Seed['accounts'] = [];
  addresses: readonly string[] = [];
  #lastId = 0;
  /** Called after each committed change. */
  onChange: (happening: Happening) => void = () => undefined;

  agendas(): readonly (DiaryAgenda & { readonly known: Agenda })[] {
    return [...this.#agendas.values()].map((known) => ({ ...known, id: String(known.id), known }));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    return this.of(Number(agendaId)).map(shown);
  }

  put(by: Hand, agendaId: string, entry: NewDiaryEntry): DiaryEntry {
    const { start, end, title, force = false } = entry;
    const agenda = this.agenda(agendaId);
    const motif = agenda.motifs[0] ?? '';
    return shown(this.create(agenda.id, { start, end, title, note: '', motif, by }, force));
  }

  move(by: Hand, agendaId: string, id: string, to: DiaryChange): DiaryEntry {
    const known = this.appointment(this.agenda(agendaId).id, Number(id));
    const { start = known.start, end = known.end, title = known.title, force = by === 'practitioner' } = to;
    return shown(this.change(known, { start, end, title }, force));
  }

  remove(_by: Hand, agendaId: string, id: string): void {
    this.delete(this.appointment(this.agenda(agendaId).id, Number(id)));
  }

  reset(): void {
    for (const kept of [this.#agendas, this.#appointments, this.#waiting, this.subscriptions]) kept.clear();
    this.#deleted.length = 0;
    this.accounts = [];
    this.addresses = [];
    this.#lastId = 0;
  }

  seed(input: unknown): void {
    const { accounts, addresses, agendas } = parsed(seedInput, input);
    this.accounts = accounts;
    this.addresses = addresses;
    for (const { entries, waiting, ...agenda } of agendas) {
      const before = this.#agendas.get(agenda.id);
      this.#agendas.set(agenda.id, { frozen: false, successor: null, ...before, ...agenda });
      if (before) continue;
      this.#waiting.set(agenda.id, [...waiting]);
      for (const entry of entries)
        this.create(agenda.id, { ...entry, motif: agenda.motifs[0] ?? '', by: 'practitioner' }, true);
    }
  }

  dump(): { readonly entries: readonly DumpedEntry[]; readonly [part: string]: unknown } {
    return {
      entries: [
        ...[...this.#appointments.values()].map((one) => ({ ...shown(one), note: one.note, deleted: false })),
        ...this.#deleted.map((one) => ({ ...shown(one), note: one.note, deleted: true })),
      ],
      agendas: [...this.#agendas.values()],
      waiting: Object.fromEntries(this.#waiting),
      subscriptions: [...this.subscriptions.values()].map(({ label: _label, ...subscription }) => subscription),
    };
  }

  agenda(id: number | string): Agenda {
    const agenda = this.#agendas.get(Number(id));
    if (!agenda) throw new Refusal(404, 'agenda_unknown');
    return agenda;
  }

  of(agendaId: number): Appointment[] {
    return [...this.#appointments.values()].filter((one) => one.agendaId === agendaId);
  }

  appointment(agendaId: number, id: number): Appointment {
    const found = this.#appointments.get(id);
    if (!found || found.agendaId !== agendaId) throw new Refusal(404, 'entry_unknown');
    return found;
  }

  create(agendaId: number, content: Omit<Appointment, 'id' | 'agendaId' | 'broken'>, force: boolean): Appointment {
    if (!force) this.#refuseOverlap(agendaId, content);
    const made: Appointment = { ...content, id: this.nextId(), agendaId, broken: false };
    this.#appointments.set(made.id, made);
    this.onChange({ what: 'CREATION', appointment: made });
    return made;
  }

  change(known: Appointment, to: Pick<Appointment, 'start' | 'end' | 'title'>, force: boolean): Appointment {
    if (!force) this.#refuseOverlap(known.agendaId, to, known.id);
    const changed = { ...known, ...to };
    this.#appointments.set(known.id, changed);
    this.onChange({ what: 'MODIFICATION', appointment: changed });
    return changed;
  }

  /** Whoever waits longest, and fits, takes the place that has become free. */
  delete(appointment: Appointment): void {
    this.#appointments.delete(appointment.id);
    this.#deleted.push(appointment);
    this.onChange({ what: 'SUPPRESSION', appointment });
    const { agendaId, start, end, motif } = appointment;
    const waiting = this.#waiting.get(agendaId) ?? [];
    const next = waiting.findIndex(({ minutes }) => start + minutes * 60_000 <= end);
    const [waiter] = next < 0 ? [] : waiting.splice(next, 1);
    if (waiter === undefined || this.#taken(agendaId, { start, end })) return;
    const place = { start, end: start + waiter.minutes * 60_000 };
    this.create(agendaId, { ...place, title: waiter.title, note: '', motif, by: 'patient' }, true);
  }

  break(id: number): void {
    const known = this.#appointments.get(id);
    if (known) this.#appointments.set(id, { ...known, broken: true });
  }

  freeze(agendaId: number): void {
    this.#agendas.set(agendaId, { ...this.agenda(agendaId), frozen: true });
  }

  /** The agenda is gone for good. Answers what was carried elsewhere. */
  migrate(agendaId: number, successor: Agenda['successor']): readonly (DiaryEntry & { readonly note: string })[] {
    this.#agendas.set(agendaId, { ...this.agenda(agendaId), frozen: true, successor });
    return this.of(agendaId).map((one) => ({ ...shown(one), note: one.note }));
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #refuseOverlap(agendaId: number, when: { start: number; end: number }, except?: number): void {
    if (this.#taken(agendaId, when, except)) throw new Refusal(409, 'overlap');
  }

  #taken(agendaId: number, { start, end }: { start: number; end: number }, except?: number): boolean {
    return this.of(agendaId).some((one) => one.id !== except && one.start < end && start < one.end);
  }
}

function shown({ id, agendaId, start, end, title, by }: Appointment): DiaryEntry {
  return { id: String(id), agendaId: String(agendaId), start, end, title, by };
}
