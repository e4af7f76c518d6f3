import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '../..');

/** Every regular expression that is written down in a file. */
function expressionsIn(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) found.push(node.text.slice(1, node.text.lastIndexOf('/')));
    ts.forEachChild(node, look);
  };
  look(source);
  return found;
}

/** How deep endless repetition is nested: two and more can take exponential time on a text that nearly fits. */
function starHeight(expression: string): number {
  const open: number[] = [0];
  let last = 0;
  const text = expression.replace(/\\./g, 'x').replace(/\[(?:[^\]])*\]/g, 'x');
  for (let at = 0; at < text.length; at += 1) {
    const rest = text.slice(at);
    const repeat = /^(?:[*+]|\{\d+,\})/.exec(rest)?.[0];
    if (repeat !== undefined) {
      const height = last + 1;
      open[open.length - 1] = Math.max(open.at(-1) ?? 0, height);
      at += repeat.length - 1;
      continue;
    }
    last = 0;
    if (text[at] === '(') open.push(0);
    else if (text[at] === ')') {
      last = open.pop() ?? 0;
      open[open.length - 1] = Math.max(open.at(-1) ?? 0, last);
    }
  }
  return open[0] ?? 0;
}

/** Looked at: each round begins with a character that the round before cannot take, so there is one way to read a text. */
const ONE_WAY = new Set(['libs/connectors/src/agenda-file/csv.ts', 'libs/connectors/src/declarative/shapes.ts']);

it('knows an expression that takes exponential time', () => {
  const heights = ['(a+)+$', '^([a-z]+,?)*$', '(?:x|y*)+', 'a+b+', '(ab)+', '[+*(]+', '\\(\\+', '(a{2,}){3}'].map(
    starHeight,
  );
  expect(heights).toEqual([2, 2, 2, 1, 1, 1, 0, 1]);
});

it('no expression of ours nests endless repetitions', () => {
  const files = ['libs', 'apps/api', 'apps/worker'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !/\.(spec|suite)\.ts$/.test(entry.name))
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name))),
  );
  const nested = files.flatMap((file) =>
    expressionsIn(file).flatMap((text) => (starHeight(text) > 1 ? [`${file}: ${text}`] : [])),
  );
  expect(nested.filter((found) => !ONE_WAY.has(found.slice(0, found.indexOf(':'))))).toEqual([]);
});
