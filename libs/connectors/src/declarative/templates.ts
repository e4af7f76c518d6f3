import { ConnectorError } from '#connector-sdk';

/** What may be filled into a request. */
export type Value = string | number;
export type Values = Readonly<Partial<Record<string, Value>>>;

const PLACEHOLDER = /\{([a-zA-Z]+)(:number)?\}/g;
const WHOLE = /^\{([a-zA-Z]+)(:number)?\}$/;
/** Where a URL would be led elsewhere, whatever is done to escape it. */
const NOWHERE = new Set(['', '.', '..']);

/** The names in braces of a template. */
export function namesIn(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
}

/** True when every brace belongs to a name in braces. */
export function isWellFormed(template: string): boolean {
  return !/[{}]/.test(template.replace(PLACEHOLDER, ''));
}

/** A path under the base address; what is filled in stays inside its segment. */
export function fillPath(template: string, values: Values): string {
  return template.replace(PLACEHOLDER, (_, name: string) => {
    const value = String(valueOf(name, values));
    if (NOWHERE.has(value)) throw new ConnectorError('invalid', 'an id cannot stand in an address');
    return encodeURIComponent(value);
  });
}

/** A query parameter or a header. */
export function fillText(template: string, values: Values): string {
  return template.replace(PLACEHOLDER, (_, name: string) => String(valueOf(name, values)));
}

/** A value of a body: a name in braces keeps its type, `:number` makes it a number; all else is a constant. */
export function fillValue<Constant>(template: Constant, values: Values): Constant | Value {
  const [, name, number] = typeof template === 'string' ? (WHOLE.exec(template) ?? []) : [];
  if (name === undefined) return template;
  const value = valueOf(name, values);
  if (number === undefined) return value;
  const asNumber = Number(value);
  if (!Number.isFinite(asNumber)) throw new ConnectorError('invalid', `{${name}} is not a number`);
  return asNumber;
}

function valueOf(name: string, values: Values): Value {
  const value = values[name];
  if (value === undefined) throw new ConnectorError('invalid', `the request needs {${name}}, which is not known`);
  return value;
}
