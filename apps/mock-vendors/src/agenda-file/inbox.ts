import { createHash } from 'node:crypto';
import type { Faults } from '../core/faults.js';
import { Refusal } from '../core/refusal.js';
import { row } from './exports.js';
import { instantOf, type Line } from './model.js';
import type { DeskStore } from './store.js';
import { decode } from './windows-1252.js';

/** A file that lies in the inbox. */
interface Dropped {
  readonly bytes: Buffer;
  readonly at: number;
}

/** What became of an order. */
class Rejected extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** The inbox, in which orders lie for minutes until the program looks, and what it answers. */
export class Inbox {
  #dropped = new Map<string, Dropped>();
  #signatures = new Map<string, string>();
  #answers = new Map<string, Buffer>();
  /** How long an order lies there, in milliseconds. */
  paceMs = 0;

  constructor(
    private readonly store: DeskStore,
    private readonly parts: {
      readonly faults: Faults;
      readonly now: () => number;
      readonly sign: (bytes: Buffer) => string;
      /** Number of the first export that shows what was done now. */
      readonly nextExport: () => number;
    },
  ) {}

  reset(): void {
    this.#dropped.clear();
    this.#signatures.clear();
    this.#answers.clear();
    this.paceMs = 0;
  }

  sign(name: string, signature: string): void {
    this.#signatures.set(name, signature);
  }

  /** Refuses a name that still lies there, or whose answer nobody has fetched and removed. */
  drop(name: string, bytes: Buffer): void {
    this.take();
    if (this.#dropped.has(name) || this.#answers.has(`${name}.ack`) || this.#answers.has(`${name}.rej`))
      throw new Refusal(412, 'nom_pris');
    this.#dropped.set(name, { bytes, at: this.parts.now() });
  }

  lies(name: string): boolean {
    this.take();
    return this.#dropped.has(name);
  }

  answer(name: string): Buffer | undefined {
    this.take();
    return this.#answers.get(name);
  }

  forget(name: string): void {
    this.#answers.delete(name);
  }

  /** Carries out what has lain there long enough. */
  take(): void {
    for (const [name, { bytes, at }] of [...this.#dropped]) {
      if (this.parts.now() - at < this.paceMs) continue;
      this.#dropped.delete(name);
      const signature = this.#signatures.get(name);
      this.#signatures.delete(name);
      const [extension, text] = this.#carryOut(bytes, signature);
      this.#answers.set(`${name}.${extension}`, Buffer.from(text, 'latin1'));
    }
  }

  #carryOut(bytes: Buffer, signature: string | undefined): ['ack' | 'rej', string] {
    const [first = '', ...rest] = decode(bytes).split('\r\n');
    const hash = createHash('sha256').update(bytes).digest('hex');
    try {
      if (signature !== this.parts.sign(bytes)) throw new Rejected('SIGNATURE');
      const [mark, agendaId = ''] = columns(first);
      const [order = '', end = ''] = rest;
      if (mark !== '#ORDRE' || end !== '#FIN;1') throw new Rejected('FICHIER_INCOMPLET');
      this.#order(agendaId, columns(order));
      return ['ack', row(['1', 'OK', hash, String(this.parts.nextExport())])];
    } catch (error) {
      return ['rej', row(['1', codeOf(error), hash, String(this.parts.nextExport())])];
    }
  }

  #order(agendaId: string, [verb, ...columns]: readonly string[]): void {
    if (verb === 'CREER') this.#create(agendaId, columns);
    else if (verb === 'MODIFIER') this.#change(agendaId, columns);
    else if (verb === 'ANNULER')
      this.store.remove('api', agendaId, this.#standing(agendaId, columns[0] ?? '', columns.slice(1, 5)).id);
    else throw new Rejected('LIGNE_INVALIDE');
  }

  #create(agendaId: string, [reference = '', ...columns]: readonly string[]): void {
    const when = this.#interval(agendaId, columns);
    if (reference === '') throw new Rejected('LIGNE_INVALIDE');
    if (this.store.isSpent(reference)) throw new Rejected('DOUBLON');
    const content = { ...when, title: columns[4] ?? '', comment: `REF ${reference}` };
    // An order that was acknowledged and lost is spent all the same.
    if (!this.parts.faults.take(['lose-write'], { method: 'PUT' }))
      this.store.create(agendaId, content, { by: 'api', force: false });
    this.store.spend(reference);
  }

  #change(agendaId: string, [reference = '', ...columns]: readonly string[]): void {
    const line = this.#standing(agendaId, reference, columns.slice(0, 4));
    const to = this.#interval(agendaId, columns.slice(4));
    this.store.change(line, { ...to, title: columns[8] ?? '' }, { by: 'api', force: false });
  }

  /** The line under a reference, if it stands where the order believes it. */
  #standing(agendaId: string, reference: string, columns: readonly string[]): Line {
    const line = this.store.living(agendaId).find(({ comment }) => comment === `REF ${reference}`);
    if (!line) throw new Rejected('INCONNU');
    const { start, end } = this.#interval(agendaId, columns);
    if (line.start !== start || line.end !== end) throw new Rejected('PERIME');
    return line;
  }

  #interval(agendaId: string, columns: readonly string[]): { start: number; end: number } {
    const { fuseau } = this.store.doctor(agendaId);
    const [date = '', time = '', endDate = '', endTime = ''] = columns;
    const [start, end] = [instantOf(date, time, fuseau), instantOf(endDate, endTime, fuseau)];
    if (start === null || end === null || start >= end) throw new Rejected('LIGNE_INVALIDE');
    return { start, end };
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Rejected) return error.code;
  if (!(error instanceof Refusal)) throw error;
  if (error.code === 'overlap') return 'CRENEAU_OCCUPE';
  return error.code === 'agenda_unknown' ? 'AGENDA_INCONNU' : 'LIGNE_INVALIDE';
}

/** The columns of one line. */
function columns(line: string): string[] {
  return [...line.matchAll(/(?:^|;)(?:"((?:[^"]|"")*)"|([^;]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}
