import { contentLines, reduced } from './content-lines.js';
import { detached } from './texts.js';
import { Unreadable } from './unreadable.js';
import { wellKnown } from './vtimezone.js';

/** A definition as clients write it: it begins and ends with its line, the line break before its end is its own. */
const [BEGIN, END] = ['BEGIN:VTIMEZONE', '\nEND:VTIMEZONE'];
/** Definitions that were read, by their text, and whether they can be left out. */
const judged = new Map<string, boolean>();
const MAX_JUDGED = 50;
const MAX_CHARACTERS = 4096;
/** An object has one or two; whatever it is made of, looking for more must not take long. */
const MOST = 8;
/** Of a larger object they are little, and it would be copied. */
const LARGE = 64 * 1024;

/** True for a zone that is known by its name, whatever its definition says. */
export function isKnownZone(tzid: string): boolean {
  return wellKnown(tzid) !== null;
}

/**
 * The text without its definitions of zones that are known by name, as far as they stand there as clients write them. Every
 * event of a calendar has the same one with it, and it is most of its lines.
 */
export function withoutKnownZones(text: string): string {
  if (text.length > LARGE) return text;
  let rest = text;
  let at = rest.indexOf(BEGIN);
  for (let looked = 0; at >= 0 && looked < MOST; looked += 1) {
    const end = rest.indexOf(END, at) + END.length;
    const next = end < END.length ? 0 : afterBreak(rest, end);
    const isAlone = next > 0 && (at === 0 || rest[at - 1] === '\n');
    if (isAlone && isLeftOut(rest.slice(at, end))) rest = rest.slice(0, at) + rest.slice(next);
    else at += BEGIN.length;
    at = rest.indexOf(BEGIN, at);
  }
  return rest;
}

/** Where the line after a line break begins; 0 when there is no line break, or the line before goes on. */
function afterBreak(text: string, at: number): number {
  const next = text.startsWith('\r\n', at) ? at + 2 : text[at] === '\n' ? at + 1 : 0;
  return text[next] === ' ' || text[next] === '\t' ? 0 : next;
}

function isLeftOut(definition: string): boolean {
  if (definition.length > MAX_CHARACTERS) return false;
  const known = judged.get(definition);
  if (known !== undefined) return known;
  const isOut = saysNothing(definition);
  if (judged.size >= MAX_JUDGED) judged.clear();
  judged.set(detached(definition), isOut);
  return isOut;
}

/** True for what is complete in itself, and of which nothing is read. */
function saysNothing(definition: string): boolean {
  try {
    return reduced(contentLines(definition), isKnownZone).components.length === 0;
  } catch (error) {
    if (error instanceof Unreadable) return false;
    throw error;
  }
}
