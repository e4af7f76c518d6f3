/** Most lines of one file that are read. */
const MAX_LINES = 60_000;

/** Lines of a CSV file with `;`: quoted columns may hold line breaks, and lines end as they like. `null`: a quote stays open. */
export function readLines(text: string): { readonly columns: readonly string[]; readonly raw: string }[] | null {
  const lines: { columns: string[]; raw: string }[] = [];
  let columns: string[] = [];
  let [column, quoted, from] = ['', false, 0];
  for (let at = 0; at <= text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      if (character === undefined) return null;
      if (character !== '"') column += character;
      else if (text[at + 1] === '"') {
        column += '"';
        at += 1;
      } else quoted = false;
      continue;
    }
    if (character === '"' && column === '') quoted = true;
    else if (character === ';') {
      columns.push(column);
      column = '';
    } else if (character === undefined || character === '\n' || character === '\r') {
      const raw = text.slice(from, at);
      if (raw !== '') lines.push({ columns: [...columns, column], raw });
      [columns, column, from] = [[], '', at + 1];
      if (lines.length > MAX_LINES) return null;
    } else column += character;
  }
  return lines;
}

/** One line; what would break it is written as a space. */
export function writeLine(columns: readonly string[]): string {
  return columns
    .map((text) => text.replace(/[\u0000-\u001F\u007F]+/g, ' '))
    .map((text) => (/[;"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
    .join(';');
}
