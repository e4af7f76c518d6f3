import { ClicRefusal } from './refusal.js';

const PAGE = 25;

/** A record as the API shows it. */
export type RecordShown = Readonly<Record<string, unknown>>;

interface Condition {
  readonly field: string;
  readonly op: string;
  readonly value: string;
}

const OPERATORS: Readonly<Record<string, (given: string, wanted: string) => boolean>> = {
  '=': (given, wanted) => compared(given, wanted) === 0,
  '!=': (given, wanted) => compared(given, wanted) !== 0,
  '>': (given, wanted) => compared(given, wanted) > 0,
  '>=': (given, wanted) => compared(given, wanted) >= 0,
  '<': (given, wanted) => compared(given, wanted) < 0,
  '<=': (given, wanted) => compared(given, wanted) <= 0,
  like: (given, wanted) => likeness(wanted).test(given),
  'not like': (given, wanted) => !likeness(wanted).test(given),
  in: (given, wanted) => wanted.split(',').includes(given),
  'not in': (given, wanted) => !wanted.split(',').includes(given),
};

/** What every collection understands: `conditions`, `sort`/`dir`, `startIndex`, `results`. `cut`: pages are smaller than asked for. */
export function collection(all: readonly RecordShown[], query: URLSearchParams, cut: boolean): object {
  const conditions = conditionsOf(query);
  const calendarId = query.get('calendar_id');
  const matching = all.filter(
    (record) =>
      (calendarId === null || String(record['calendar_id']) === calendarId) &&
      conditions.every((condition) => holds(record, condition)),
  );
  const [sort, dir] = [query.get('sort'), query.get('dir')];
  if (sort !== null) matching.sort((a, b) => compared(textOf(a[sort]), textOf(b[sort])) * (dir === 'desc' ? -1 : 1));
  const startIndex = whole(query.get('startIndex') ?? '0');
  const results = query.get('results') ?? String(PAGE);
  const size = results === 'all' ? matching.length : whole(results);
  const records = matching.slice(startIndex, startIndex + (cut ? Math.ceil(size / 3) : size));
  return {
    ...{ records, sort, dir, totalRecords: matching.length, startIndex },
    ...{ recordsReturned: records.length, pageSize: size },
  };
}

function conditionsOf(query: URLSearchParams): readonly Condition[] {
  const found = new Map<string, Record<string, string>>();
  for (const [name, value] of query) {
    const [, index, part] = /^conditions\[(\d+)\]\[(field|op|value)\]$/.exec(name) ?? [];
    if (index !== undefined && part !== undefined) found.set(index, { ...found.get(index), [part]: value });
  }
  return [...found.values()].map(({ field, op, value }) => {
    if (field === undefined || value === undefined || op === undefined || !(op in OPERATORS))
      throw new ClicRefusal(400, 'conditions');
    return { field, op, value };
  });
}

function holds(record: RecordShown, { field, op, value }: Condition): boolean {
  if (!(field in record)) throw new ClicRefusal(400, `unknown field ${field}`);
  return OPERATORS[op]?.(textOf(record[field]), value) ?? false;
}

function textOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function compared(a: string, b: string): number {
  const numbers = [a, b].map(Number);
  if (a !== '' && b !== '' && numbers.every((n) => !Number.isNaN(n))) return (numbers[0] ?? 0) - (numbers[1] ?? 0);
  return a < b ? -1 : a > b ? 1 : 0;
}

function likeness(pattern: string): RegExp {
  const escaped = pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'is');
}

function whole(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new ClicRefusal(400, 'pagination');
  return Number(text);
}
