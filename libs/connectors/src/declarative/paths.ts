/** Names that lead out of a document's data into the language's own objects. */
const NOT_DATA = new Set(['__proto__', 'prototype', 'constructor']);

/** True for a field name that may stand in a document. */
export function isData(name: string): boolean {
  return !NOT_DATA.has(name);
}

/** What stands at a dotted path of a JSON value; the empty path is the value itself, `undefined` where there is nothing. */
export function at(value: unknown, path: string): unknown {
  if (path === '') return value;
  let here = value;
  for (const name of path.split('.')) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return undefined;
    here = (here as Record<string, unknown>)[name];
  }
  return here;
}

/** A JSON object with values put at dotted paths. */
export function objectOf(values: Readonly<Record<string, unknown>>): object {
  const made: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(values)) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let here = made;
    for (const name of names) {
      const next = Object.hasOwn(here, name) ? here[name] : undefined;
      const inner = typeof next === 'object' && next !== null ? (next as Record<string, unknown>) : {};
      here[name] = inner;
      here = inner;
    }
    here[last] = value;
  }
  return made;
}
