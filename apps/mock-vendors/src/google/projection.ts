interface Selection {
  readonly [name: string]: Selection;
}

/** What a partial response holds: `fields=kind,items(id,start),a/b`. Left out is left out, tokens too. */
export function project(value: unknown, fields: string | undefined): unknown {
  return fields === undefined ? value : select(value, parse(fields));
}

function select(value: unknown, selection: Selection): unknown {
  if (Array.isArray(value)) return value.map((item) => select(item, selection));
  if (typeof value !== 'object' || value === null || Object.keys(selection).length === 0) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const chosen = selection[name];
      return chosen === undefined ? [] : [[name, select(inner, chosen)]];
    }),
  );
}

function parse(fields: string): Selection {
  const selection: Record<string, Selection> = {};
  for (const part of split(fields)) {
    const [, name = '', nested, path] = /^([\w*]+)(?:\((.*)\)|\/(.*))?$/.exec(part) ?? [];
    selection[name] = parse(nested ?? path ?? '');
  }
  return selection;
}

function split(fields: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const char of fields) {
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (char === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  return part === '' ? parts : [...parts, part];
}
