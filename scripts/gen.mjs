// Writes the lists of connectors and of simulators from the folder names; --check only says whether they are up to date.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, root } from './setup.mjs';

const CONNECTORS = path.join(root, 'libs/connectors/src');
const SIMULATORS = path.join(root, 'apps/mock-vendors/src');
const WIDTH = 120;

/** Folders that hold this file, in a stable order. */
function foldersWith(folder, file) {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && fs.existsSync(path.join(folder, entry.name, file)))
    .map((entry) => entry.name)
    .sort();
}

/** Folders that hold a connector. */
export const connectorNames = () => foldersWith(CONNECTORS, 'connector.ts');

export const camelCase = (name) => name.replace(/-([a-z0-9])/g, (_dash, letter) => letter.toUpperCase());

/** An array as prettier writes it. */
function list(start, names) {
  const line = `${start}[${names.join(', ')}];`;
  return line.length <= WIDTH ? line : `${start}[\n${names.map((name) => `  ${name},\n`).join('')}];`;
}

function connectors() {
  const names = connectorNames();
  const imports = names.map((name) => `import ${camelCase(name)} from './${name}/connector.js';`);
  return `// Written by \`npm run gen\` from the folder names; do not edit.
import type { Connector } from '#connector-sdk';
${imports.join('\n')}

${list('const all: readonly Connector[] = ', names.map(camelCase))}

/** Every connector there is, by its id. */
export const connectors: ReadonlyMap<string, Connector> = new Map(all.map((connector) => [connector.id, connector]));
`;
}

function simulators() {
  const names = foldersWith(SIMULATORS, 'vendor.ts');
  const imports = names.map((name) => `import { ${camelCase(name)} } from './${name}/vendor.js';`);
  return `// Written by \`npm run gen\` from the folder names; do not edit.
${imports.join('\n')}
import type { Vendor } from './vendor.js';

/** Every simulated backend. */
${list('export const VENDORS: readonly Vendor[] = ', names.map(camelCase))}
`;
}

const LISTS = [
  [path.join(CONNECTORS, 'registry.gen.ts'), connectors],
  [path.join(SIMULATORS, 'vendors.ts'), simulators],
];

const isCurrent = ([file, wanted]) => fs.existsSync(file) && fs.readFileSync(file, 'utf8') === wanted();

/** Brings the lists up to date; those that had to change. */
export function generate() {
  const old = LISTS.filter((one) => !isCurrent(one));
  for (const [file, wanted] of old) fs.writeFileSync(file, wanted());
  return old.map(([file]) => path.relative(root, file));
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  if (process.argv.includes('--check')) {
    const old = LISTS.filter((one) => !isCurrent(one)).map(([file]) => path.relative(root, file));
    if (old.length > 0) fail(`Out of date: ${old.join(', ')}: run "npm run gen".`);
  } else {
    const written = generate();
    process.stdout.write(written.length > 0 ? `Wrote ${written.join(', ')}\n` : 'Up to date\n');
  }
}
