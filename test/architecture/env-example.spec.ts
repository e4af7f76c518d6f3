import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { environmentSchema, parseEnvironment } from '#platform';

const text = readFileSync(path.resolve(import.meta.dirname, '../../.env.example'), 'utf8');
const lines = text.split('\n');

interface Variable {
  readonly parse: (value: undefined) => { readonly data?: unknown };
  readonly meta: { readonly description?: string | undefined; readonly example?: unknown };
}

const variables = new Map<string, Variable>(
  Object.entries(environmentSchema.shape).map(([name, schema]) => [
    name,
    { parse: (value) => schema.safeParse(value), meta: schema.meta() ?? {} },
  ]),
);

describe('.env.example', () => {
  it('has every variable, in the order of the schema', () => {
    const named = lines.map((line) => /^#? ?([A-Z][A-Z0-9_]*)=/.exec(line)?.[1]).filter((name) => name !== undefined);
    expect(named).toEqual([...variables.keys()]);
  });

  it.each([...variables.keys()])('says of %s what the schema says', (name) => {
    const { meta, parse } = variables.get(name)!;
    const at = lines.findIndex((line) => new RegExp(`^#? ?${name}=`).test(line));
    expect(lines[at - 1]).toBe(`# ${meta.description ?? ''}`);
    const fallback = parse(undefined).data;
    const value =
      (meta.example as string | undefined) ??
      (fallback === undefined ? '' : JSON.stringify(fallback).replaceAll('"', ''));
    expect(lines[at]?.replace(/^#? ?[A-Z0-9_]+=/, '')).toBe(value);
  });

  it('is accepted as it is', () => {
    const set = lines
      .filter((line) => /^[A-Z]/.test(line))
      .map((line): [string, string] => {
        const [name = '', ...value] = line.split('=');
        return [name, value.join('=')];
      });
    expect(() => parseEnvironment(Object.fromEntries(set))).not.toThrow();
  });
});
