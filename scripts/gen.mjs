// Writes the connector registry from the folder names; --check only says whether it is up to date.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, root } from './setup.mjs';

const FOLDERS = path.join(root, 'libs/connectors/src');
const REGISTRY = path.join(FOLDERS, 'registry.gen.ts');

/** Folders that hold a connector, in a stable order. */
export function connectorNames() {
  return fs
    .readdirSync(FOLDERS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && fs.existsSync(path.join(FOLDERS, entry.name, 'connector.ts')))
    .map((entry) => entry.name)
    .sort();
}

export const camelCase = (name) => name.replace(/-([a-z0-9])/g, (_dash, letter) => letter.toUpperCase());

function registry(names) {
  const imports = names.map((name) => `import ${camelCase(name)} from './${name}/connector.js';`);
  return `// Written by \`npm run gen\` from the folder names; do not edit.
import type { Connector } from '#connector-sdk';
${imports.join('\n')}

const all: readonly Connector[] = [${names.map(camelCase).join(', ')}];

/** Every connector there is, by its id. */
export const connectors: ReadonlyMap<string, Connector> = new Map(all.map((connector) => [connector.id, connector]));
`;
}

const current = () => (fs.existsSync(REGISTRY) ? fs.readFileSync(REGISTRY, 'utf8') : '');

/** Brings the registry up to date; true when it had to change. */
export function generate() {
  const wanted = registry(connectorNames());
  if (current() === wanted) return false;
  fs.writeFileSync(REGISTRY, wanted);
  return true;
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  if (process.argv.includes('--check')) {
    if (current() !== registry(connectorNames())) fail('The connector registry is out of date: run "npm run gen".');
  } else {
    const changed = generate();
    process.stdout.write(`${changed ? 'Wrote' : 'Up to date:'} ${path.relative(root, REGISTRY)}\n`);
  }
}
