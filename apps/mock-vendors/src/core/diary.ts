/** Whose hand wrote: the practitioner's at his own screen, an online patient's, or a caller's of the API. */
export type Hand = 'practitioner' | 'patient' | 'api';

export interface DiaryAgenda {
  readonly id: string;
  readonly name: string;
  /** IANA time zone of the practice. */
  readonly zone: string;
}

/** One entry as the practitioner sees it. Times are epoch milliseconds, `[start, end)`. */
export interface DiaryEntry {
  readonly id: string;
  readonly agendaId: string;
  readonly start: number;
  readonly end: number;
  readonly title: string;
  readonly by: Hand;
  /** Where the vendor counts: the page then refuses to change what was changed since it was shown. */
  readonly version?: number;
}

/** What is written. What a vendor knows beyond these (a motif, a reference) comes with them, and is the vendor's to check. */
export interface NewDiaryEntry {
  readonly start: number;
  readonly end: number;
  readonly title: string;
  /** True: though it overlaps. Only the practitioner is asked whether he insists. */
  readonly force?: boolean;
  readonly [detail: string]: unknown;
}

/** A new place, a new title, or both. */
export interface DiaryChange {
  readonly start?: number;
  readonly end?: number;
  readonly title?: string;
  readonly force?: boolean;
}

/** An entry as the checkers see it: deleted ones too, as long as the vendor remembers them. */
export interface DumpedEntry extends DiaryEntry {
  readonly deleted: boolean;
}

/** All that a vendor keeps, as the checkers read it. */
export interface Dump {
  readonly entries: readonly DumpedEntry[];
  readonly [more: string]: unknown;
}

/**
 * A vendor's agendas, whatever its API looks like: what its store implements, and what control, page and checkers use.
 * Refuses as the vendor would, with a `Refusal`; of these, 409 `overlap` (unless forced), 404 `entry_unknown` and
 * 404 `agenda_unknown` are understood by the page. Every method is one atomic step.
 */
export interface Diary {
  agendas(): readonly DiaryAgenda[];
  /** The living ones. */
  entries(agendaId: string): readonly DiaryEntry[];
  put(by: Hand, agendaId: string, entry: NewDiaryEntry): DiaryEntry;
  move(by: Hand, agendaId: string, id: string, to: DiaryChange): DiaryEntry;
  remove(by: Hand, agendaId: string, id: string): void;
  /** As before any seed. */
  reset(): void;
  /** Makes agendas and what belongs to them; parses what it is given. Seeding twice doubles nothing. */
  seed(input: unknown): void;
  /** All there is, without credentials. */
  dump(): Dump;
}
