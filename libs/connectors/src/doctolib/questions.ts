import type { VisitAnswer } from '#connector-sdk';
import { refused } from './errors.js';

/** Asked before a confirmation, by the practitioner. */
export interface Question {
  readonly id: string;
  readonly label?: string | null | undefined;
  readonly required?: boolean | null | undefined;
  /** What may be answered, value and words; none: anything. */
  readonly options?: readonly (readonly [string, string])[] | null | undefined;
}

/** Answers by question, as `folded` writes it. */
export type Answers = ReadonlyMap<string, string>;

/** The same words, however they are typed. */
const folded = (text: string): string => text.normalize('NFC').replace(/\s+/g, ' ').trim().toLowerCase();

/** The settings' lines `question = answer` as answers by question, which is named by its words or its id. */
export function answersIn(lines: string | undefined): Answers {
  const found = new Map<string, string>();
  for (const line of (lines ?? '').split(/\r?\n/)) {
    const at = line.lastIndexOf('=');
    const [question, answer] = [line.slice(0, Math.max(at, 0)), line.slice(at + 1).trim()];
    if (question.trim() !== '' && answer !== '') found.set(folded(question), answer);
  }
  return found;
}

/** What this patient answered. By the words alone: the ids of the hub's questions are not the vendor's. */
export function answersOf(visit: readonly VisitAnswer[] | undefined): Answers {
  return new Map((visit ?? []).map(({ question, answer }) => [folded(question), answer]));
}

/**
 * What is answered to each question, by id: what the patient said, else what the settings say. What nobody has to answer may be
 * left open. Throws `forbidden`.
 */
export function answered(
  questions: readonly Question[],
  { visit, settings }: { readonly visit: Answers; readonly settings: Answers },
): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const question of questions) {
    const { id, label, required } = question;
    const words = folded(label ?? id);
    const given = visit.get(words) ?? settings.get(words) ?? settings.get(folded(id));
    const value = given === undefined ? undefined : allowed(question, given);
    if (value !== undefined) values[id] = value;
    else if (required === true)
      throw refused(`the motif asks "${(label ?? id).slice(0, 80)}", and ${reasonOf(given)} (QUESTION)`);
  }
  return values;
}

/** The value that stands for an answer where only some are allowed; `undefined`: it is none of them. */
function allowed({ options }: Question, answer: string): string | undefined {
  if (options == null || options.length === 0) return answer;
  return options.find((option) => option.some((text) => folded(text) === folded(answer)))?.[0];
}

function reasonOf(given: string | undefined): string {
  return given === undefined ? 'nobody answers it' : 'what is answered is none of its choices';
}
