// node scripts/new-connector.mjs <name>: a connector of that name, from the template.
import fs from 'node:fs';
import path from 'node:path';
import { camelCase, generate } from './gen.mjs';
import { fail, root } from './setup.mjs';

const name = process.argv[2] ?? '';
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40) {
  fail('Usage: npm run new:connector <name>, the name in lower case letters, digits and dashes (example: cabinet-plus).');
}
const folder = path.join(root, 'libs/connectors/src', name);
if (fs.existsSync(folder)) fail(`There is a connector ${name} already: ${path.relative(root, folder)}.`);

const pascal = camelCase(`-${name}`);
const template = path.join(root, 'scripts/templates/connector');
fs.mkdirSync(folder);
for (const file of fs.readdirSync(template)) {
  const text = fs.readFileSync(path.join(template, file), 'utf8');
  fs.writeFileSync(path.join(folder, file), text.replaceAll('__name__', name).replaceAll('__Name__', pascal));
}
generate();
process.stdout.write(`Made ${path.relative(root, folder)}; next:
  1. fill config.ts, client.ts, errors.ts, mapping.ts, and declare honest capabilities in connector.ts
  2. npm run test:contract -- ${name}
`);
