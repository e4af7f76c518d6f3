import { randomUUID } from 'node:crypto';
import type { Diary, DiaryAgenda, DiaryChange, DiaryEntry, Dump, Hand, NewDiaryEntry } from '../core/diary.js';
import { parsed, Refusal } from '../core/refusal.js';
import { seedInput, type Account, type Doctor, type Line } from './model.js';

const MINUTE_MS = 60_000;

/** The diary inside the program. Every method is one atomic step. */
export class DeskStore implements Diary {
  #account: Account | null = null;
  #doctors = new Map<string, Doctor>();
  #lines = new Map<string, Line>();
  /** References of orders carried out: never again. */
  #references = new Set<string>();
  /** Lines that the program itself cannot make sense of any more, by doctor. */
  #spoilt = new Map<string, string[]>();
  /** Grows with every change. */
  #changes = 0;
  /** Called before the diary is read: what lies in the inbox is taken up first. */
  catchUp: () => void = () => undefined;

  get account(): Account | null {
    return this.#account;
  }

  get changes(): number {
    return this.#changes;
  }

  agendas(): readonly DiaryAgenda[] {
    return this.doctors().map(({ code, nom, fuseau }) => ({ id: code, name: nom, zone: fuseau }));
  }

  entries(agendaId: string): readonly DiaryEntry[] {
    this.catchUp();
    return this.living(agendaId).map(shown);
  }

  put(by: Hand, agendaId: string, { start, end, title, force }: NewDiaryEntry): DiaryEntry {
    this.catchUp();
    return shown(this.create(agendaId, { start, end, title, comment: '' }, { by, force: force === true }));
  }

  move(by: Hand, agendaId: string, id: string, to: DiaryChange): DiaryEntry {
    this.catchUp();
    return shown(this.change(this.line(agendaId, id), to, { by, force: to.force === true }));
  }

  remove(by: Hand, agendaId: string, id: string): void {
    this.catchUp();
    this.#keep({ ...this.line(agendaId, id), by, deleted: true });
  }

  reset(): void {
    this.#account = null;
    this.#doctors.clear();
    this.#lines.clear();
    this.#references.clear();
    this.#spoilt.clear();
    this.#changes += 1;
  }

  seed(input: unknown): void {
    const { compte, medecins } = parsed(seedInput, input);
    this.#account = compte;
    for (const doctor of medecins) this.#doctors.set(doctor.code, doctor);
    this.#changes += 1;
  }

  dump(): Dump {
    this.catchUp();
    const entries = [...this.#lines.values()].map((line) => ({
      ...{ ...shown(line), deleted: line.deleted, comment: line.comment, uid: line.uid },
    }));
    return { agendas: this.agendas(), entries };
  }

  doctors(): readonly Doctor[] {
    return [...this.#doctors.values()];
  }

  doctor(code: string): Doctor {
    const found = this.#doctors.get(code);
    if (!found) throw new Refusal(404, 'agenda_unknown');
    return found;
  }

  living(code: string): readonly Line[] {
    this.doctor(code);
    const mine = [...this.#lines.values()].filter(({ agendaId, deleted }) => agendaId === code && !deleted);
    return mine.sort((a, b) => a.start - b.start);
  }

  line(code: string, id: string): Line {
    const found = this.#lines.get(id);
    if (found?.agendaId !== code || found.deleted) throw new Refusal(404, 'entry_unknown');
    return found;
  }

  spoilt(code: string): readonly string[] {
    return this.#spoilt.get(code) ?? [];
  }

  spoil(code: string, text: string): void {
    this.#spoilt.set(code, [...this.spoilt(code), text]);
    this.#changes += 1;
  }

  isSpent(reference: string): boolean {
    return this.#references.has(reference);
  }

  spend(reference: string): void {
    this.#references.add(reference);
  }

  /** All UIDs are made anew, as after an update of the program. */
  renewUids(): void {
    for (const line of this.#lines.values()) this.#lines.set(line.id, { ...line, uid: newUid() });
    this.#changes += 1;
  }

  /** Two lines get one UID. */
  shareUid(from: string, to: string): void {
    const [one, other] = [this.#lines.get(from), this.#lines.get(to)];
    if (!one || !other) throw new Refusal(404, 'entry_unknown');
    this.#keep({ ...other, uid: one.uid });
  }

  create(
    code: string,
    content: Pick<Line, 'start' | 'end' | 'title' | 'comment'>,
    { by, force }: { by: Hand; force: boolean },
  ): Line {
    this.doctor(code);
    if (!force) this.#refuseOverlap(code, content);
    return this.#keep({ ...content, id: randomUUID(), agendaId: code, uid: newUid(), by, deleted: false });
  }

  change(line: Line, { start, end, title }: DiaryChange, { by, force }: { by: Hand; force: boolean }): Line {
    const to = { start: start ?? line.start, end: end ?? line.end };
    if (!force) this.#refuseOverlap(line.agendaId, to, line.id);
    return this.#keep({ ...line, ...to, title: title ?? line.title, by });
  }

  #keep(line: Line): Line {
    if (line.start >= line.end || line.start % MINUTE_MS !== 0 || line.end % MINUTE_MS !== 0)
      throw new Refusal(422, 'horaire_invalide');
    this.#lines.set(line.id, line);
    this.#changes += 1;
    return line;
  }

  #refuseOverlap(code: string, { start, end }: Pick<Line, 'start' | 'end'>, except?: string): void {
    for (const other of this.living(code))
      if (other.id !== except && other.start < end && start < other.end) throw new Refusal(409, 'overlap');
  }
}

function newUid(): string {
  return `${randomUUID()}@agenda-bureau`;
}

function shown({ id, agendaId, start, end, title, by }: Line): DiaryEntry {
  return { id, agendaId, start, end, title, by };
}
