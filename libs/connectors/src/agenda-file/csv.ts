/** Most lines of one file that are read. */
const MAX_LINES = 60_000;

/** One column, and what ends it. A quoted one may hold anything, doubled quotes among it. */
const COLUMN = /(?:"([^"]*(?:""[^"]*)*)"|([^";\r\n][^;\r\n]*)?)(;|\r\n|\r|\n|$)/y;

export interface CsvLine {
  readonly columns: readonly string[];
  readonly raw: string;
}

/** Lines of a CSV file with `;`, empty ones left out. `null` where a quote stays open, or too many lines come. */
export function readLines(text: string): CsvLine[] | null {
  const lines: CsvLine[] = [];
  let columns: string[] = [];
  let from = 0;
  COLUMN.lastIndex = 0;
  for (;;) {
    const found = COLUMN.exec(text);
    if (found === null || lines.length > MAX_LINES) return null;
    const [, quoted, plain = '', end = ''] = found;
    columns.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ';') continue;
    const raw = text.slice(from, COLUMN.lastIndex - end.length);
    if (raw !== '') lines.push({ columns, raw });
    if (end === '') return lines;
    [columns, from] = [[], COLUMN.lastIndex];
  }
}

/** One line; what would break it is written as a space. */
export function writeLine(columns: readonly string[]): string {
  return columns
    .map((text) => text.replace(/[\u0000-\u001F\u007F]+/g, ' '))
    .map((text) => (/[;"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
    .join(';');
}
