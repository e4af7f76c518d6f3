/** Characters of an answer in JSON, values in it, and levels: what is read within them holds up nobody. */
const MAX_CHARACTERS = 2 * 1024 * 1024;
const MAX_VALUES = 50_000;
const MAX_DEPTH = 64;
/** Cheap whatever it holds. */
const SMALL = 32 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/**
 * Throws `SyntaxError` for a text that would take long to parse as JSON: one of more than 2 MB, 50,000 values or more than
 * 64 levels. A runtime parses some documents of a few megabytes for seconds, and does nothing else meanwhile.
 */
export function refuseCostlyJson(text: string): void {
  if (text.length <= SMALL) return;
  if (text.length > MAX_CHARACTERS) throw new SyntaxError('the document is too large');
  let values = 1;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA) values += 1;
    // "[" and "{", then "]" and "}".
    else if (code === 0x5b || code === 0x7b) {
      values += 1;
      depth += 1;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
    if (values > MAX_VALUES || depth > MAX_DEPTH) throw new SyntaxError('the document holds too much');
  }
}

/** Where a string ends that begins here. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

/** `JSON.parse` of what came from outside, in bounded time: throws `SyntaxError` for what is no JSON, or too much of it. */
export function parseJson(text: string): unknown {
  refuseCostlyJson(text);
  return JSON.parse(text) as unknown;
}
