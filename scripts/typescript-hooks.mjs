// Lets a thread load TypeScript sources as Jest does, for tests that run without dist/.
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import path from 'node:path';
import { transformSync } from '@swc/core';
import { swcOptions } from './swc-options.mjs';

const root = path.dirname(import.meta.dirname);

function sourceOf(specifier, parent) {
  const lib = /^#([a-z-]+)$/.exec(specifier)?.[1];
  if (lib !== undefined) return pathToFileURL(path.join(root, 'libs', lib, 'src/index.ts')).href;
  if (!/^\.{1,2}\/.*\.js$/.test(specifier) || !parent?.endsWith('.ts')) return null;
  const url = new URL(specifier.replace(/\.js$/, '.ts'), parent);
  return existsSync(url) ? url.href : null;
}

registerHooks({
  resolve(specifier, context, next) {
    const url = sourceOf(specifier, context.parentURL);
    return url === null ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
  },
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
    const file = fileURLToPath(url);
    const options = { ...swcOptions, filename: file, sourceMaps: 'inline', module: { type: 'es6' } };
    return { format: 'module', source: transformSync(readFileSync(file, 'utf8'), options).code, shortCircuit: true };
  },
});
