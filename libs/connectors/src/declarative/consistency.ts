import type { AgendaDocument } from './parts.js';
import { namesIn } from './templates.js';

type Fault = readonly [path: readonly (string | number)[], message: string];

/** What is wrong between the parts of a document, each of which is right by itself. */
export function consistent(document: AgendaDocument): Fault[] {
  return [...entryFaults(document), ...readingFaults(document), ...writingFaults(document), ...errorFaults(document)];
}

function entryFaults({ entry }: AgendaDocument): Fault[] {
  const faults: Fault[] = [];
  if ((entry.end === undefined) === (entry.minutes === undefined))
    faults.push([['entry', 'end'], 'exactly one of end and minutes is needed']);
  if (entry.status && entry.status.gone === undefined && entry.status.free === undefined)
    faults.push([['entry', 'status'], 'must say which values are gone or free']);
  return faults;
}

function readingFaults({ agendas, reading, entry, errors }: AgendaDocument): Fault[] {
  const faults: Fault[] = [];
  const { list, get } = reading;
  if (!asks(list, 'agenda') && (agendas.kind === 'list' || agendas.agendas.length > 1))
    faults.push([['reading', 'list'], 'must name the {agenda} it lists']);
  if (get && !asks(get, 'id')) faults.push([['reading', 'get'], 'must name the {id} it reads']);
  if (get && !entry.status?.gone && !errors.some(({ means }) => means === 'not_found'))
    faults.push([['errors'], 'must say how the agenda answers for an entry that is gone (means: not_found)']);
  return [...faults, ...boundFaults(list), ...deltaFaults(reading)];
}

function deltaFaults({ list, delta }: AgendaDocument['reading']): Fault[] {
  if (!delta) return list.cursor === undefined ? [] : [[['reading', 'list', 'cursor'], 'is of no use without delta']];
  const faults: Fault[] = [];
  if (!asks(delta, 'cursor')) faults.push([['reading', 'delta'], 'must send the {cursor}']);
  if (!asks(delta, 'agenda') && asks(list, 'agenda'))
    faults.push([['reading', 'delta'], 'must name the {agenda} it reads']);
  if (list.cursor === undefined)
    faults.push([['reading', 'list', 'cursor'], 'is needed beside delta: where the changes after a listing begin']);
  return faults;
}

/** A listing that is not told its range cannot be cut into parts. */
function boundFaults(list: AgendaDocument['reading']['list']): Fault[] {
  const bounded = (asks(list, 'from') || asks(list, 'fromDate')) && (asks(list, 'to') || asks(list, 'toDate'));
  return list.maxDays !== null && !bounded
    ? [[['reading', 'list', 'maxDays'], 'needs the range in the request: {from} and {to}']]
    : [];
}

function writingFaults({ writing, reading, entry }: AgendaDocument): Fault[] {
  if (!writing) return [];
  const faults: Fault[] = [];
  if (!reading.get) faults.push([['reading', 'get'], 'is needed beside writing: what was written is read back']);
  if (entry.reference === undefined)
    faults.push([['entry', 'reference'], 'is needed beside writing: by it a lost write is found again']);
  for (const kind of ['update', 'cancel'] as const)
    if (!uses(writing[kind], 'id')) faults.push([['writing', kind], 'must name the {id} it changes']);
  for (const kind of ['create', 'update'] as const) {
    const values = Object.values(writing[kind].body).join(' ');
    if (!values.includes('{start}')) faults.push([['writing', kind, 'body'], 'must send the {start}']);
    if (!/\{end\}|\{minutes\}/.test(values))
      faults.push([['writing', kind, 'body'], 'must send the {end} or the {minutes}']);
  }
  if (!uses(writing.create, 'reference')) faults.push([['writing', 'create'], 'must send the {reference}']);
  if (writing.find && !asks(writing.find, 'reference'))
    faults.push([['writing', 'find'], 'must send the {reference} it looks for']);
  return faults;
}

function errorFaults({ errors }: AgendaDocument): Fault[] {
  return errors.flatMap((rule, index): Fault[] => {
    const { status, path, equals, means } = rule;
    const here = ['errors', index];
    if (status === undefined && path === undefined) return [[here, 'must name a status or a path']];
    if (equals !== undefined && path === undefined) return [[[...here, 'equals'], 'needs a path']];
    if (path === undefined && (means === 'not_found' || means === 'agenda_gone'))
      return [[here, 'needs a path: a bare status may come from something in between, and would look like a deletion']];
    if (path === undefined && status?.some((code) => code < 300))
      return [[here, 'needs a path: every success would be an error']];
    return [];
  });
}

function asks({ path, query }: { path: string; query: Readonly<Record<string, string>> }, name: string): boolean {
  return namesIn([path, ...Object.values(query)].join(' ')).includes(name);
}

interface Write {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
}

function uses({ path, headers, body = {} }: Write, name: string): boolean {
  const texts = [path, ...Object.values(headers), ...Object.values(body).filter((value) => typeof value === 'string')];
  return namesIn(texts.join(' ')).includes(name);
}
