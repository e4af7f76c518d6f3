import { refused } from './errors.js';

/** Asked before a confirmation, by the practitioner. */
export interface Question {
  readonly id: string;
  readonly label?: string | null | undefined;
  readonly required?: boolean | null | undefined;
}

/** The same words, however they are typed. */
const folded = (text: string): string => text.normalize('NFC').replace(/\s+/g, ' ').trim().toLowerCase();

/** The settings' lines `question = answer` as answers by question, which is named by its words or its id. */
export function answersIn(lines: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of (lines ?? '').split(/\r?\n/)) {
    const at = line.lastIndexOf('=');
    const [question, answer] = [line.slice(0, Math.max(at, 0)), line.slice(at + 1).trim()];
    if (question.trim() !== '' && answer !== '') found.set(folded(question), answer);
  }
  return found;
}

/** What is answered to each question, by id; what nobody has to answer may be left open. Throws `forbidden`. */
export function answered(
  questions: readonly Question[],
  answers: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const { id, label, required } of questions) {
    const answer = answers.get(folded(label ?? '')) ?? answers.get(folded(id));
    if (answer !== undefined) values[id] = answer;
    else if (required === true)
      throw refused(`the motif asks "${(label ?? id).slice(0, 80)}", and the settings answer nothing to it (QUESTION)`);
  }
  return values;
}
